"""Files → resources, file by file, so that a file that has not changed is neither read nor parsed again."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter, itemgetter

from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.model.loaded import FilePart, Loaded, joined
from reconciler.model.source import Revision, SourceFile, SourceSnapshot
from reconciler.resources.chunks import ParsedOnce
from reconciler.resources.loading import Touches, load_file
from reconciler.resources.readers import DEFAULT_AMBASSADOR_ID

_LOADED = attrgetter("loaded")
_NOTHING_KEPT: Mapping[str, FilePart] = {}


@dataclass(frozen=True, slots=True, eq=False)
class LoadedFiles:
    """What the files of one revision hold, by path.

    Attributes:
        revision: None for a plain directory.
        parts: by path, in no certain order.
        changed: paths of which the part came, went or differs from ``before`` of `load_files`, sorted; None where
            there was none (or one of other settings). Files that cannot be read have no part: see
            ``SourceSnapshot.delta`` and ``unreadable`` for those.
        read: paths that had to be read for this one, as neither ``before`` nor ``kept`` had them; sorted.
        settings: limits and ambassador id it was read with.
    """

    revision: Revision | None
    parts: Mapping[str, FilePart]
    changed: tuple[str, ...] | None
    read: tuple[str, ...]
    settings: tuple[Limits, str]

    def whole(self) -> Loaded:
        """What all files hold, in the order of their paths: just what `load` gives. Made anew by each call."""
        return joined(map(_LOADED, map(itemgetter(1), sorted(self.parts.items(), key=itemgetter(0)))))


def load_files(
    source: SourceSnapshot,
    before: LoadedFiles | None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    ambassador_id: str = DEFAULT_AMBASSADOR_ID,
    kept: Mapping[str, FilePart] = _NOTHING_KEPT,
    parsed: ParsedOnce | None = None,
) -> LoadedFiles:
    """Read the files of a revision; those of ``before`` that are the same are taken from there.

    Where ``source.delta`` is relative to ``before``, nothing but the changed files is even looked at.

    Args:
        source: the files, sorted by path; each path once.
        before: what an earlier call gave.
        limits: bounds on what they may hold.
        ambassador_id: documents addressed to other instances are left out silently, as the language says.
        kept: parts of an earlier run, read with the same limits and id; asked where ``before`` has none.
        parsed: values of documents that were digested a moment ago; cleared when done.
    """
    settings = (limits, ambassador_id)
    old = before if before is not None and before.settings == settings else None
    delta = source.delta
    reading = _Reading(settings, old.parts if old else {}, kept, parsed)
    if old is not None and delta is not None and delta.since == old.revision:
        parts, touched = dict(old.parts), list(delta.paths)
        for path in delta.paths:
            if (file := source.file(path)) is not None:
                parts[path] = reading.part(file)
            else:
                parts.pop(path, None)
    else:
        parts = {file.path: reading.part(file) for file in source.files}
        touched = sorted(parts.keys() | old.parts.keys()) if old else []
    changed = tuple(path for path in touched if old and parts.get(path) is not old.parts.get(path))
    if parsed is not None:
        parsed.clear()
    return LoadedFiles(source.revision, parts, changed if old else None, tuple(sorted(reading.read)), settings)


class _Reading:
    """Takes parts from where they are, and reads the others."""

    def __init__(
        self,
        settings: tuple[Limits, str],
        before: Mapping[str, FilePart],
        kept: Mapping[str, FilePart],
        parsed: ParsedOnce | None,
    ) -> None:
        self._limits, self._ambassador_id = settings
        self._known = (before, kept)
        self._parsed = parsed
        self._touches: Touches = {}
        self.read: list[str] = []

    def part(self, file: SourceFile) -> FilePart:
        commits = (file.object.touch.key,) if file.object else tuple([commit.sha for commit in file.commits])
        for known in self._known:
            part = known.get(file.path)
            # Without a name for its content (a plain directory may have none) nothing tells that it is the same.
            if part is not None and file.blob and part.blob == file.blob and part.commits == commits:
                return part
        self.read.append(file.path)
        loaded = load_file(file, self._limits, self._ambassador_id, self._touches, self._parsed)
        return FilePart(file.blob, commits, loaded)
