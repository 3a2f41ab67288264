"""What is new in the journal, for whoever keeps a stream open. One reader serves all streams."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from reconciler.model.entry import Entry
from reconciler.model.errors import ReconcileError
from reconciler.model.question import Answers, Query

MOST_STREAMS, MOST_OF_ONE = 32, 8  # a viewer with many windows leaves room for others
_KEPT = 50
_LOOK_S = 2.0  # what other processes write rings no bell here
_BEAT_S = 15.0  # shorter than what proxies in between take for silence


class TooManyStreams(Exception):
    """As many streams are open as there may be, or as one viewer may have."""


@dataclass(eq=False, slots=True)
class _Stream:
    """One listener: who, the newest record it was told of, and the signal that there is more, or that all ends."""

    viewer: str
    told: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Events:
    """Entries as they are written. Streams live on one event loop; `ring` and `close` may come from any thread.

    Args:
        answers: the journal.
        look_s: how often to look without being rung, in seconds.
        beat_s: how long a stream is silent at most, in seconds.
    """

    def __init__(self, answers: Answers, *, look_s: float = _LOOK_S, beat_s: float = _BEAT_S) -> None:
        self._answers = answers
        self._look_s, self._beat_s = look_s, beat_s
        self._streams: set[_Stream] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._newest: tuple[Entry, ...] = ()  # by their last record
        self._read_to: int | None = None  # the newest record that was looked at
        self._closed = False

    @property
    def open(self) -> int:
        """How many streams there are."""
        return len(self._streams)

    def ring(self) -> None:
        """There may be something new."""
        self._later(self._rung.set)

    def close(self) -> None:
        """End all streams; none begins any more."""
        self._closed = True
        self._later(self._end)

    async def listen(self, after: int | None, viewer: str = "") -> AsyncGenerator[Entry | None, None]:
        """Entries that were written or concluded, oldest first, as they come; None where nothing came for a while.

        Args:
            after: the newest record that the listener knows of; None for what comes from now on. Of more than fifty
                that were missed only the newest are told.
            viewer: whose streams there may be so many of; empty for somebody nobody knows, who may have all.

        Raises:
            TooManyStreams: at the first step.
        """
        theirs = sum(stream.viewer == viewer for stream in self._streams) if viewer else 0
        if self._closed or len(self._streams) >= MOST_STREAMS or theirs >= MOST_OF_ONE:
            raise TooManyStreams
        self._loop = asyncio.get_running_loop()
        stream = _Stream(viewer)
        self._streams.add(stream)
        try:
            await self._look()
            stream.told = _last(self._newest[-1]) if self._newest else 0
            if after is not None:
                stream.told = min(after, stream.told)
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read())
            yield None  # tells the client at once that it is connected
            while not self._closed:
                for entry in [one for one in self._newest if _last(one) > stream.told]:
                    yield entry
                    stream.told = max(stream.told, _last(entry))
                stream.wake.clear()
                try:
                    await asyncio.wait_for(stream.wake.wait(), self._beat_s)
                except TimeoutError:
                    yield None
        finally:
            self._streams.discard(stream)

    async def _read(self) -> None:
        """Looks as long as somebody listens."""
        while self._streams and not self._closed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), self._look_s)
            self._rung.clear()
            if await self._look():
                for stream in self._streams:
                    stream.wake.set()

    async def _look(self) -> bool:
        """Whether there is something new. A journal that can't be read now is asked again later."""
        before, entries = self._read_to, list[Entry]()
        with suppress(ReconcileError):
            entries = await run_in_threadpool(self._newer, before)
        kept = {entry.sequence: entry for entry in (*self._newest, *sorted(entries, key=_last))}
        self._newest = tuple(sorted(kept.values(), key=_last)[-_KEPT:])
        if self._newest:
            self._read_to = _last(self._newest[-1])
        return bool(entries)

    def _newer(self, after: int | None) -> list[Entry]:
        """Entries with records after that one; where there is none, that costs a look at one row."""
        found = list[Entry]()
        if after is not None:
            for record in range(after + 1, after + _KEPT):
                entry = self._answers.entry(record)
                if entry is None:
                    return found
                found.append(entry)
        return self._answers.entries(Query(limit=_KEPT))

    def _end(self) -> None:
        self._rung.set()
        for stream in self._streams:
            stream.wake.set()

    def _later(self, what: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(what)


def _last(entry: Entry) -> int:
    """The number of the newest record behind an entry: it grows with each that is written."""
    return entry.records[-1].sequence
