"""Chunks of bytes, as they come, cut into lines; no line is held beyond a bound. Pure."""

from dataclasses import dataclass, field

# Envoy takes headers of 60 KiB, of which one is in a line; each byte of it may be escaped as six.
LONGEST = 512 * 1024


@dataclass(slots=True)
class Cutter:
    """Holds what has no end yet."""

    _pieces: list[bytes] = field(default_factory=list)
    _held: int = 0
    _long: bool = False

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """The lines that end in a chunk, without their ends; None for one that is longer than any of ours."""
        *whole, rest = chunk.split(b"\n")
        lines: list[bytes | None] = list(whole)
        if lines:
            lines[0] = self._ended(whole[0])
        self._hold(rest)
        return lines

    def end(self) -> list[bytes | None]:
        """The last line, where nothing ends it."""
        return [self._ended(b"")] if self._pieces or self._long else []

    def _ended(self, last: bytes) -> bytes | None:
        self._hold(last)
        line = None if self._long else b"".join(self._pieces)
        self._pieces, self._held, self._long = [], 0, False
        return line

    def _hold(self, piece: bytes) -> None:
        self._held += len(piece)
        if self._held > LONGEST:
            self._pieces, self._long = [], True
        elif piece:
            self._pieces.append(piece)
