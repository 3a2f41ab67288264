"""A file that checkpoints are appended to: on storage that lets nobody change what was written."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.audit.proof import note
from reconciler.audit.proof.signing import PublicKey
from reconciler.model.errors import Stalled, Transient
from reconciler.model.text import plural

_TAIL = 256 * 1024  # bytes: some hundred checkpoints; the newest of ours is among them unless a thousand journals share


class InFile:
    """Appends; never truncates, and never writes over anything.

    Args:
        path: of the file; made where there is none, its folder is not.
        origin: name of the journal; checkpoints of others in the same file are passed over.
        keys: those that may have signed its checkpoints; without any, signatures are not looked at.
        warn: told in words where something stands there in the name of the journal that it did not write.
    """

    def __init__(
        self,
        path: Path,
        origin: str,
        keys: Sequence[PublicKey] = (),
        warn: Callable[[str], None] = lambda _words: None,
    ) -> None:
        self._path, self._origin = path, origin
        self._keys, self._warn, self._warned = keys, warn, 0

    @property
    def name(self) -> str:
        """As the setting says it."""
        return f"file:{self._path}"

    def newest(self) -> str:
        """The last one of this journal that one of the keys signed; where none did, the last one that can be read.

        Whatever somebody appended behind it, or was cut off when we did, neither counts nor takes it away.
        """
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
        ours = [text for text in notes[size > _TAIL :] if text.startswith(f"{self._origin}\n")]
        found = _last(ours, self._signed) if self._keys else -1
        if found < 0:
            found = _last(ours, _readable)
        self._passed_over(len(ours) - 1 - found)
        if found < 0 and size > _TAIL:
            raise Stalled("AnchorUnusable", f"{self.name}: no checkpoint of this journal is near its end", "")
        return ours[found] if found >= 0 else ""

    def leave(self, text: str) -> None:
        """Appends one, and returns once it is on the disk."""
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            handle = os.open(self._path, flags, 0o644)
            try:
                size = os.fstat(handle).st_size
                torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
                content = b"\n" * torn + text.encode()
                # In one call, so that others who append do not come in between.
                if os.write(handle, content) != len(content):
                    raise Transient("AnchorFailed", f"{self.name}: only a part could be written", "Check its space.")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise self._failed(error) from error

    def _signed(self, text: str) -> bool:
        try:
            note.opened(text, self._keys)
        except ValueError:
            return False
        return True

    def _passed_over(self, many: int) -> None:
        if many and many != self._warned:
            self._warn(f"{plural(many, 'note')} at its end passed over: cut off, or not signed by this journal")
        self._warned = many

    def _failed(self, error: OSError) -> Transient:
        return Transient("AnchorFailed", f"{self.name}: {error.strerror}", "Check the folder, permissions and space.")


def _last(notes: Sequence[str], counts: Callable[[str], bool]) -> int:
    """The place of the last one that counts; -1 where none does."""
    return next((number for number in reversed(range(len(notes))) if counts(notes[number])), -1)


def _readable(text: str) -> bool:
    try:
        note.claimed(text)
    except ValueError:
        return False
    return True
