"""Attributions kept on disk beside the clone, so that a restart need not walk the history again."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from reconciler.cache import RecordFile
from reconciler.sources.git.attribution import NOTHING_ATTRIBUTED, AttributedFile, Attributions

_FORMAT = 1  # of the records; another one where they change
_FILES_PER_RECORD = 10_000


class AttributionMemory:
    """The attributions of one sub-path on disk: written whole once, and then by what changes.

    Args:
        path: the file.
        circumstances: what they depend on besides the history: sub-path, depth, how documents are digested.
    """

    def __init__(self, path: Path, circumstances: str) -> None:
        self._records = RecordFile(path, f"{_FORMAT}\0{circumstances}")

    def recall(self) -> Attributions:
        """What was kept; nothing where it is absent, damaged, or made under other circumstances."""
        known, files = NOTHING_ATTRIBUTED, dict[str, AttributedFile]()
        complete = False
        for record in self._records.read():
            # The digest of a record is over what was written here, so it is of the form it was written in.
            body = json.loads(record)
            shas = body["commits"]
            for path in body["gone"]:
                files.pop(path, None)
            for path, (blob, *documents) in body["files"].items():
                files[path] = AttributedFile(blob, tuple([(digest, shas[number]) for digest, number in documents]))
            complete = complete or body["complete"]
            known = Attributions(body["head"], files)
        return known if complete else NOTHING_ATTRIBUTED

    def keep(self, attributions: Attributions, changed: Mapping[str, AttributedFile | None] | None) -> None:
        """Write what is known now.

        Args:
            attributions: all of it.
            changed: what differs from what was kept before, None for files that are gone; None: perhaps everything.

        Raises:
            OSError: the disk is full or broken.
        """
        if changed is None or not self._records.add(_record(attributions.head, changed, complete=True)):
            self._records.write(_whole(attributions))


def _whole(attributions: Attributions) -> Iterator[bytes]:
    files = iter(attributions.files.items())
    left = len(attributions.files)
    while True:
        left -= _FILES_PER_RECORD
        yield _record(attributions.head, dict(islice(files, _FILES_PER_RECORD)), complete=left <= 0)
        if left <= 0:
            return


def _record(head: str, files: Mapping[str, AttributedFile | None], *, complete: bool) -> bytes:
    """One record; ``complete`` says that nothing is missing any more."""
    shas = sorted({sha for file in files.values() if file for _, sha in file.documents})
    index = {sha: number for number, sha in enumerate(shas)}
    body = {
        "head": head,
        "complete": complete,
        "commits": shas,
        "files": {
            path: [file.blob, *([digest, index[sha]] for digest, sha in file.documents)]
            for path, file in files.items()
            if file is not None
        },
        "gone": [path for path, file in files.items() if file is None],
    }
    return json.dumps(body, separators=(",", ":")).encode()
