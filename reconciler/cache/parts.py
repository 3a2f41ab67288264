"""What files hold, kept on disk between runs: a file that has not changed since is not even parsed after a restart.

What is kept was read by this very program under these very settings, or it is not used; see ``fingerprint``. Each part
names the content and the commits it follows from, and is taken for those only (`reconciler.resources.load_files`).
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from reconciler.cache.program import program
from reconciler.cache.records import RecordFile
from reconciler.cache.values import Damaged, Unwritable, Values
from reconciler.model.limits import Limits
from reconciler.model.loaded import FilePart

_FILES_PER_RECORD = 5_000  # values are shared inside a record; one of everything would take as much again while read
_MAX_BYTES = 536_870_912


class PartStore:
    """The parts of one repository on disk: written whole once, and then by what changes.

    Args:
        path: the file; its folder must exist, and one process at a time may use it.
        limits: the parts are read with.
        ambassador_id: the parts are read for.
    """

    def __init__(self, path: Path, limits: Limits, ambassador_id: str) -> None:
        self._values = Values((FilePart,))
        self._records = RecordFile(path, fingerprint(limits, ambassador_id, self._values.shape), _MAX_BYTES)
        self._fit = False  # whether what is on disk is what was kept last

    def recall(self) -> dict[str, FilePart]:
        """The parts that were kept, by path; none where the file is absent, damaged, or of other circumstances."""
        parts: dict[str, FilePart] = {}
        self._fit = False
        try:
            for record in self._records.read():
                _apply(self._values.read(record), parts)
        except Damaged:
            return {}
        self._fit = True
        return parts

    def keep(self, parts: Mapping[str, FilePart], changed: tuple[str, ...] | None) -> None:
        """Write what there is now.

        Args:
            parts: all of them.
            changed: paths that differ from what was kept or recalled last; None: perhaps all.

        Raises:
            OSError: the disk is full or broken. What is on disk then is not relied on any more.
        """
        fit, self._fit = self._fit, False
        if changed != () or not fit:
            some = None if changed is None or not fit else self._record({path: parts.get(path) for path in changed})
            if some is None or not self._records.add(some):
                self._records.write(self._whole(parts))
        self._fit = True

    def _whole(self, parts: Mapping[str, FilePart]) -> Iterator[bytes]:
        items = iter(parts.items())
        while some := dict(islice(items, _FILES_PER_RECORD)):
            yield self._record(some)

    def _record(self, parts: Mapping[str, FilePart | None]) -> bytes:
        try:
            return self._values.write((tuple(parts), tuple(parts.values())))
        except Unwritable:  # the few files that cannot be kept are read again after a restart
            some = {
                path: part if self._writable(part) else None for path, part in parts.items() if self._writable(path)
            }
            return self._values.write((tuple(some), tuple(some.values())))

    def _writable(self, value: object) -> bool:
        try:
            self._values.write((value,))
        except Unwritable:
            return False
        return True


def _apply(record: list[object], parts: dict[str, FilePart]) -> None:
    match record:
        case [tuple(paths), tuple(found)] if len(paths) == len(found):
            for path, part in zip(paths, found, strict=True):
                if not isinstance(path, str) or not isinstance(part, FilePart | None):
                    raise Damaged("not a part of a file")
                if part is None:
                    parts.pop(path, None)
                else:
                    parts[path] = part
        case _:
            raise Damaged("not a record of parts")


def fingerprint(limits: Limits, ambassador_id: str, shape: str) -> str:
    """Names all that a part depends on besides the file: this program, down to its text, and the settings."""
    return "\0".join((program("model", "resources"), shape, repr(limits), ambassador_id))
