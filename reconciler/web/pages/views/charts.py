"""Geometry of the two charts: how long changes took, and how many there were. Pure; drawn by the templates as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.happening import Happening
from reconciler.model.question import Volume
from reconciler.web.pages.views.moments import length

WIDTH, HEIGHT = 560, 132
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 6, 8, 22
_DECADES_MS = (10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 86_400_000, 864_000_000)
_FAILURES = (Happening.REJECT, Happening.ROLLBACK, Happening.FAIL)
_LABELS = 5
_P95 = 0.95


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid and its words."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of time in the volume chart; ``failed`` marks that something was refused, rolled back or failed."""

    x: float
    y: float
    width: float
    height: float
    failed: int
    title: str


@dataclass(frozen=True, slots=True)
class Lead:
    """Median and 95th percentile of one stretch, as heights; joined by a line."""

    x: float
    median: float
    p95: float
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """The same in words, for the table."""

    begin: datetime
    end: datetime
    changes: int
    failed: int
    median: str
    p95: str
    sample: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Both charts of one span of time.

    Attributes:
        volume_ticks, lead_ticks: of the left axes; ``times``: of the lower one.
        median, p95: over the whole span; empty where no change has a lead time.
        path: of the line through the medians.
    """

    bars: tuple[Bar, ...]
    leads: tuple[Lead, ...]
    volume_ticks: tuple[Tick, ...]
    lead_ticks: tuple[Tick, ...]
    times: tuple[Tick, ...]
    path: str
    rows: tuple[Row, ...]
    changes: int
    failed: int
    median: str
    p95: str
    sample: int
    since: datetime
    until: datetime

    width = WIDTH
    height = HEIGHT
    left = _LEFT
    right = WIDTH - _RIGHT
    floor = HEIGHT - _BOTTOM


def percentile(ordered: Sequence[int], share: float) -> int:
    """The smallest of them that at least this share of them do not exceed (nearest rank). Not of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def chart(volumes: Sequence[Volume], until: datetime) -> Chart:
    """Both charts of equal stretches, the last of which ends at ``until``. There is at least one."""
    rows = tuple(_row(volume, end) for volume, end in _ends(volumes, until))
    slot = (WIDTH - _LEFT - _RIGHT) / len(volumes)
    most = _round_up(max(row.changes for row in rows))
    every = sorted(lead for volume in volumes for lead in volume.lead_times_ms)
    low, high = _decades(every)
    leads = tuple(
        _lead(volume, _LEFT + slot * (at + 0.5), low, high) for at, volume in enumerate(volumes) if volume.lead_times_ms
    )
    return Chart(
        bars=tuple(_bar(row, _LEFT + slot * at, slot, most) for at, row in enumerate(rows)),
        leads=leads,
        volume_ticks=tuple(Tick(_height(value / most), f"{value:,}") for value in sorted({0, most // 2, most})),
        lead_ticks=tuple(Tick(_log_height(ms, low, high), _short(ms)) for ms in _DECADES_MS if low <= ms <= high)
        if every
        else (),
        times=_times(rows, slot),
        path=" ".join(f"{'L' if at else 'M'}{lead.x:.1f} {lead.median:.1f}" for at, lead in enumerate(leads)),
        rows=rows,
        changes=sum(row.changes for row in rows),
        failed=sum(row.failed for row in rows),
        median=length(percentile(every, 0.5)) if every else "",
        p95=length(percentile(every, _P95)) if every else "",
        sample=len(every),
        since=volumes[0].begin,
        until=until,
    )


def _ends(volumes: Sequence[Volume], until: datetime) -> list[tuple[Volume, datetime]]:
    ends = [*(volume.begin for volume in volumes[1:]), until]
    return list(zip(volumes, ends, strict=True))


def _row(volume: Volume, end: datetime) -> Row:
    leads = sorted(volume.lead_times_ms)
    return Row(
        volume.begin,
        end,
        volume.changes,
        sum(volume.decisions.get(str(name), 0) for name in _FAILURES),
        length(percentile(leads, 0.5)) if leads else "",
        length(percentile(leads, _P95)) if leads else "",
        len(leads),
    )


def _bar(row: Row, x: float, slot: float, most: int) -> Bar:
    top = _height(row.changes / most)
    title = f"{row.begin:%Y-%m-%d %H:%M}: {row.changes} route changes"
    return Bar(
        x + slot * 0.12,
        top,
        slot * 0.76,
        HEIGHT - _BOTTOM - top,
        row.failed,
        f"{title}, {row.failed} refused, rolled back or failed" if row.failed else title,
    )


def _lead(volume: Volume, x: float, low: int, high: int) -> Lead:
    leads = sorted(volume.lead_times_ms)
    median, p95 = percentile(leads, 0.5), percentile(leads, _P95)
    title = f"{volume.begin:%Y-%m-%d %H:%M}: median {length(median)}, p95 {length(p95)}, of {len(leads)}"
    return Lead(x, _log_height(median, low, high), _log_height(p95, low, high), title)


def _height(share: float) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - share)


def _log_height(milliseconds: int, low: int, high: int) -> float:
    value = min(max(milliseconds, low), high)
    return _height((math.log(value) - math.log(low)) / (math.log(high) - math.log(low)))


def _decades(every: Sequence[int]) -> tuple[int, int]:
    """The ticks around all values, at least two of them."""
    if not every:
        return _DECADES_MS[0], _DECADES_MS[1]
    below = [at for at, ms in enumerate(_DECADES_MS) if ms <= every[0]]
    low = below[-1] if below else 0
    above = [at for at, ms in enumerate(_DECADES_MS) if ms >= every[-1] and at > low]
    high = above[0] if above else len(_DECADES_MS) - 1
    return _DECADES_MS[min(low, high - 1)], _DECADES_MS[high]


def _round_up(value: int) -> int:
    """The next of 2, 4, 10, 20, 40, 100…: a scale whose half is whole."""
    step = 1
    while True:
        for factor in (2, 4, 10):
            if value <= factor * step:
                return factor * step
        step *= 10


def _short(milliseconds: int) -> str:
    return length(milliseconds).replace(".0", "").replace(" days", " d")


def _times(rows: Sequence[Row], slot: float) -> tuple[Tick, ...]:
    step = max(1, math.ceil(len(rows) / _LABELS))
    narrow = rows[-1].end - rows[0].begin <= timedelta(days=2)
    form = "%H:%M" if narrow else "%d %b"
    return tuple(Tick(_LEFT + slot * at, f"{rows[at].begin:{form}}") for at in range(0, len(rows), step))
