"""A file that checkpoints are appended to: on storage that lets nobody change what was written."""

import os
from pathlib import Path

from reconciler.audit.proof import note
from reconciler.model.errors import Stalled, Transient

_TAIL = 256 * 1024  # bytes: some hundred checkpoints; the newest of ours is among them unless a thousand journals share


class InFile:
    """Appends; never truncates, and never writes over anything.

    Args:
        path: of the file; made where there is none, its folder is not.
        origin: name of the journal; checkpoints of others in the same file are passed over.
    """

    def __init__(self, path: Path, origin: str) -> None:
        self._path, self._origin = path, origin

    @property
    def name(self) -> str:
        """As the setting says it."""
        return f"file:{self._path}"

    def newest(self) -> str:
        """The last one of this journal."""
        try:
            with self._path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL))
                content = file.read(_TAIL)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise self._failed(error) from error
        notes = note.split(content.decode("utf-8", "replace"))
        # The first may be cut off where not all was read, and says nothing then.
        for text in reversed(notes[1:] if size > _TAIL else notes):
            if text.startswith(f"{self._origin}\n"):
                return text
        if size > _TAIL:
            raise Stalled("AnchorUnusable", f"{self.name}: no checkpoint of this journal is near its end", "")
        return ""

    def leave(self, text: str) -> None:
        """Appends one, and returns once it is on the disk."""
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            handle = os.open(self._path, flags, 0o644)
            try:
                # In one call, so that others who append do not come in between.
                if os.write(handle, text.encode()) != len(text.encode()):
                    raise Transient("AnchorFailed", f"{self.name}: only a part could be written", "Check its space.")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> Transient:
        return Transient("AnchorFailed", f"{self.name}: {error.strerror}", "Check the folder, permissions and space.")
