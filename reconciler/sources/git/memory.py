"""Attributions kept on disk beside the clone, so that a restart need not walk the history again."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reconciler.model.digest import digest_bytes
from reconciler.sources.git.attribution import NOTHING_ATTRIBUTED, AttributedFile, Attributions

_FORMAT = 1


def remember(path: Path, attributions: Attributions, circumstances: str) -> None:
    """Write the file, all of it or nothing.

    Args:
        path: the file.
        attributions: what to keep.
        circumstances: what it depends on besides the history: sub-path, depth, how documents are digested.
    """
    shas = sorted({sha for file in attributions.files.values() for _, sha in file.documents})
    index = {sha: number for number, sha in enumerate(shas)}
    body = {
        "format": _FORMAT,
        "circumstances": circumstances,
        "head": attributions.head,
        "commits": shas,
        "files": {
            name: [file.blob, *([digest, index[sha]] for digest, sha in file.documents)]
            for name, file in attributions.files.items()
        },
    }
    text = json.dumps(body, separators=(",", ":")).encode()
    descriptor, temporary = tempfile.mkstemp(prefix="attributions-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(digest_bytes(text).encode() + b"\n" + text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def recall(path: Path, circumstances: str) -> Attributions:
    """Read the file; nothing where it is absent, damaged, or made under other circumstances."""
    try:
        digest, _, text = path.read_bytes().partition(b"\n")
    except OSError:
        return NOTHING_ATTRIBUTED
    # The digest is over what was written here, so content that has it is of the form it was written in.
    if digest.decode("ascii", "replace") != digest_bytes(text):
        return NOTHING_ATTRIBUTED
    body = json.loads(text)
    if body["format"] != _FORMAT or body["circumstances"] != circumstances:
        return NOTHING_ATTRIBUTED
    return Attributions(body["head"], _files(body["files"], body["commits"]))


def _files(files: Mapping[str, list[str | list[str | int]]], shas: list[str]) -> dict[str, AttributedFile]:
    return {
        name: AttributedFile(str(blob), tuple((str(entry[0]), shas[int(entry[1])]) for entry in documents))
        for name, (blob, *documents) in files.items()
    }
