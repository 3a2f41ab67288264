"""A run as a picture: by the size of the table, what a change and what a request costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.envoy import Routing, Sharding
from tests.bench.results import Results

_WIDTH, _HEIGHT = 460, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 44, 44
_COLOURS = ("#2563eb", "#dc2626", "#16a34a", "#9333ea")
_STYLE = "text{fill:#0f172a}.s{fill:#475569;font-size:11px}.g{stroke:#e2e8f0}.c{fill:none;stroke-width:2}"


@dataclass(frozen=True, slots=True)
class _Curve:
    name: str
    points: list[tuple[float, float]]


def svg(results: Results) -> str:
    """Two panels, both axes logarithmic."""
    rows = results.rows
    compiled = [row for row in rows.incremental if row.hosts == 1]
    served = [row for row in rows.served if row.sharding == Sharding.HOSTS]
    changes = [
        _Curve("compiled, one host", [(row.mappings, row.wall.median * 1e3) for row in compiled]),
        _Curve("served, many hosts, sharded", [(row.mappings, row.served.median * 1e3) for row in served]),
        _Curve("Envoy's floor of these", [(row.mappings, row.floor.median * 1e3) for row in served]),
    ]
    names = {Routing.AUTO: "as rendered", Routing.LIST: "as a list"}
    alone = [row for row in rows.requests if row.hosts == 1]
    requests = [
        _Curve(name, [(row.mappings, row.cpu.median * 1e6) for row in alone if row.routing == routing])
        for routing, name in names.items()
    ]
    head = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * _WIDTH} {_HEIGHT}" role="img" aria-labelledby="t"'
    parts = [
        f'<svg {head} font-family="system-ui, sans-serif" font-size="13">',
        '<title id="t">What a change and what a request costs, by the number of Mappings</title>',
        f'<style>{_STYLE}</style><rect width="{2 * _WIDTH}" height="{_HEIGHT}" fill="#fff" rx="12"/>',
        *_panel("One changed Mapping, ms", changes, 0),
        *_panel("Envoy's CPU per request, µs", requests, _WIDTH),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(title: str, curves: Sequence[_Curve], offset: int) -> list[str]:
    points = [point for curve in curves for point in curve.points]
    across = _Axis.around([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    up = _Axis.around([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    parts = [f'<g transform="translate({offset} 0)"><text x="{_LEFT}" y="24" font-weight="600">{title}</text>']
    for power in across.powers:
        x = across.at(10**power)
        parts.append(f'<path class="g" d="M{x:.0f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        parts.append(f'<text class="s" x="{x:.0f}" y="{_HEIGHT - 26}" text-anchor="middle">{10**power:,}</text>')
    for power in up.powers:
        y = up.at(10**power)
        parts.append(f'<path class="g" d="M{_LEFT} {y:.0f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="s" x="{_LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{10**power:g}</text>')
    parts.append(f'<text class="s" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">Mappings</text>')
    for number, (curve, colour) in enumerate(zip(curves, _COLOURS, strict=False)):
        line = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in curve.points)
        parts.append(f'<polyline class="c" stroke="{colour}" points="{line}"/>')
        parts += [
            f'<circle cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="3" fill="{colour}"/>' for x, y in curve.points
        ]
        parts.append(f'<text x="{_LEFT + 8}" y="{_TOP + 16 + 16 * number}" style="fill:{colour}">{curve.name}</text>')
    return [*parts, "</g>"]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Whole powers of ten, from one coordinate to another."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        low = math.floor(math.log10(min(values)))
        return cls(low, max(low + 1, math.ceil(math.log10(max(values)))), start, end)

    @property
    def powers(self) -> range:
        return range(self.low, self.high + 1)

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)
