"""A stream of bytes, cut into lines of bounded length."""


class LineTooLong(Exception):
    """A line is longer than the bound; the rest of the stream is of no use."""


class LineCutter:
    """Collects bytes until a line is whole; holds no more than one line.

    Args:
        limit: the longest line, in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []  # of the line that is not whole yet: joined once, however many pieces come
        self._held = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that are whole now, without their ends and without empty ones.

        Raises:
            LineTooLong: a line passes the limit, whole or not.
        """
        *ends, rest = piece.split(b"\n")
        lines = []
        for end in ends:
            self._hold(end)
            lines.append(b"".join(self._pieces))
            self._pieces.clear()
            self._held = 0
        self._hold(rest)
        return [line for line in lines if line.strip()]

    def _hold(self, piece: bytes) -> None:
        self._held += len(piece)
        if self._held > self._limit:
            raise LineTooLong
        if piece:
            self._pieces.append(piece)
