"""Bytes of an access log in, what served each line out. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.audit.trace.cutting import LONGEST, Cutter
from reconciler.audit.trace.finding import Finder
from reconciler.audit.trace.line import Line, read_line
from reconciler.audit.trace.summary import Summary
from reconciler.audit.trace.telling import Words

_TOO_LONG = f"a line of at most {LONGEST // 1024} KiB"


@dataclass(slots=True)
class Told:
    """What there is to say of a chunk: ``lines`` for those who asked, ``unread`` by number what was expected."""

    lines: list[str] = field(default_factory=list)
    unread: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Tracer:
    """Traces one log from its beginning.

    Attributes:
        output: ``text`` or ``json``; empty to count only.
    """

    finder: Finder
    words: Words
    output: str
    summary: Summary = field(default_factory=Summary)
    _cutter: Cutter = field(default_factory=Cutter)

    def feed(self, chunk: bytes) -> Told:
        """The lines that end in a chunk."""
        return self._traced(self._cutter.feed(chunk))

    def end(self) -> Told:
        """The last line, where nothing ends it."""
        return self._traced(self._cutter.end())

    def forget(self) -> None:
        """Asks the journal anew: it has grown."""
        self.finder.forget()
        self.words.forget()

    def _traced(self, lines: Iterable[bytes | None]) -> Told:
        told = Told()
        for raw in lines:
            if raw == b"":
                self.summary.lines += 1
                continue
            line = _TOO_LONG if raw is None else read_line(raw.decode("utf-8", "replace"))
            if isinstance(line, Line):
                self._one(line, told)
                continue
            self.summary.skip()
            told.unread.append((self.summary.lines, line))
            if self.output == "json":
                told.lines.append(self.words.unread_json(self.summary.lines, line))
        return told

    def _one(self, line: Line, told: Told) -> None:
        found = self.finder.find(line)
        self.summary.add(line, found)
        if self.output == "text":
            told.lines.append(self.words.text(line, found))
        elif self.output == "json":
            told.lines.append(self.words.json(self.summary.lines, line, found))
