"""What Envoys made of files they read, as their admin interfaces tell: files themselves have no way back.

Every subscription has a version, that of the file it accepted last, and counts what it rejected.
https://www.envoyproxy.io/docs/envoy/latest/configuration/overview/xds_api#statistics
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.apply.configmap.asking import Deadline, Errands, resolved
from reconciler.apply.configmap.content import Shape
from reconciler.apply.files_sources import by_path
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl
from reconciler.model.text import printable

_STATS = r"/stats?format=json&filter=(cds|lds|[.]rds[.].*|scoped_rds[.].*)[.](version_text|update_rejected)$"
_PATIENCE_S = 2.0  # for one answer of each
_SHARE_BEFORE = 0.25  # of the time to wait
_LEAST_S = 0.05
_POLL_S = 0.2
_LONGEST = 500  # characters of Envoy's words
_UNSAID = "Envoy rejected a file; its log says why"


@dataclass(frozen=True, slots=True)
class Expected:
    """A version that a subscription is to have; ``stat`` is how its name in the statistics ends."""

    type_url: TypeUrl
    stat: str
    version: str


@dataclass(frozen=True, slots=True)
class Stats:
    """What an Envoy tells of its subscriptions, by their names in the statistics."""

    versions: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)


def expected(snapshot: Snapshot, shape: Shape) -> tuple[Expected, ...]:
    """The versions in the files of a snapshot. Pure."""
    placed = by_path(snapshot, shape.directory, shape.form)
    found = [
        Expected(TypeUrl.CLUSTER, "cluster_manager.cds", placed[TypeUrl.CLUSTER].version),
        Expected(TypeUrl.LISTENER, "listener_manager.lds", placed[TypeUrl.LISTENER].version),
    ]
    if snapshot[TypeUrl.SCOPED_ROUTE].resources:
        found.append(Expected(TypeUrl.SCOPED_ROUTE, ".scoped_rds.", snapshot[TypeUrl.SCOPED_ROUTE].version))
    for name, resource in snapshot[TypeUrl.ROUTE].resources.items():
        stat = f".rds.{name.replace(':', '_')}"  # as Envoy writes names in its statistics
        found.append(Expected(TypeUrl.ROUTE, stat, ResourceSet.of([resource]).version))
    return tuple(found)


def read(answer: bytes) -> Stats:
    """The statistics of `_STATS`. Pure.

    Raises:
        ValueError, TypeError: it is something else.
    """
    value = json.loads(answer)
    listed = value.get("stats") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise TypeError("not the statistics of an Envoy")
    versions: dict[str, str] = {}
    rejected: dict[str, int] = {}
    for one in listed:
        name, told = (str(one.get("name")), one.get("value")) if isinstance(one, dict) else ("", None)
        if name.endswith(".version_text") and isinstance(told, str):
            versions[name.removesuffix(".version_text")] = told
        elif name.endswith(".update_rejected") and isinstance(told, int):
            rejected[name.removesuffix(".update_rejected")] = told
    return Stats(versions, rejected)


def judge(wanted: Expected, before: Stats, now: Stats) -> AckState:
    """What an Envoy made of one file. Pure."""
    names = [name for name in now.versions.keys() | now.rejected.keys() if _means(name, wanted)]
    if names and all(now.versions.get(name) == wanted.version for name in names):
        return AckState.ACKED
    if any(now.rejected.get(name, 0) > before.rejected.get(name, 0) for name in names):
        return AckState.NACKED
    return AckState.PENDING


def _means(name: str, wanted: Expected) -> bool:
    return wanted.stat in name if wanted.stat.endswith(".") else name.endswith(wanted.stat)


@dataclass(frozen=True, slots=True)
class Before:
    """What Envoys told before something was written.

    Attributes:
        stats: by node.
        left_s: what is left of the time to wait, in seconds.
    """

    stats: Mapping[str, Stats]
    left_s: float


class EnvoyAdmins:
    """The admin interfaces of the Envoys that mount what is written.

    Args:
        target: what acknowledgements call the target.
        addresses: ``host:port``; a name may stand for many, as that of a headless Service does.
        timeout_s: how long to wait for all of them, before and after something is written, in seconds.
    """

    def __init__(self, target: str, addresses: Iterable[str], timeout_s: float) -> None:
        self._target = target
        self._addresses = tuple(addresses)
        self._timeout_s = timeout_s
        self._silent: set[str] = set()

    def before(self) -> Before:
        """What they tell before something is written."""
        began = time.monotonic()
        told = self._ask(min(_PATIENCE_S, self._timeout_s * _SHARE_BEFORE))
        known = {node: stats for node, stats in told.items() if stats is not None}
        return Before(known, max(0.0, self._timeout_s - (time.monotonic() - began)))

    def acks(self, snapshot: Snapshot, shape: Shape, before: Before) -> tuple[Ack, ...]:
        """Waits until every Envoy took or refused all of it, or the time is over; one ack per Envoy and type."""
        end = time.monotonic() + before.left_s
        wanted, known = expected(snapshot, shape), dict(before.stats)
        seen: dict[str, Stats | None] = {}
        while True:
            # Who does not answer in the last moments is as they said before.
            now = self._ask(min(_PATIENCE_S, end - time.monotonic()))
            seen = {node: stats or seen.get(node) for node, stats in now.items()}
            found: list[Ack] = []
            for node, stats in seen.items():
                # Of one that is new, what it refused earlier was something else.
                earlier = known.setdefault(node, stats) if stats is not None else Stats()
                found.extend(self._of(node, stats, wanted, earlier, snapshot))
            states = {ack.state for ack in found}
            if AckState.NACKED in states or states == {AckState.ACKED} or time.monotonic() + _POLL_S >= end:
                return tuple(sorted(self._explained(found, end)))
            time.sleep(_POLL_S)

    def _of(
        self, node: str, now: Stats | None, wanted: tuple[Expected, ...], before: Stats, snapshot: Snapshot
    ) -> Iterator[Ack]:
        """Of each type the worst, for of some types there are many files."""
        for type_url in dict.fromkeys(one.type_url for one in wanted):
            version = snapshot[type_url].version
            if now is None:
                silent = "its admin interface does not answer"
                yield Ack(self._target, node, type_url, version, AckState.PENDING, Evidence.NONE, silent)
                continue
            states = {judge(one, before, now) for one in wanted if one.type_url is type_url}
            state = next(s for s in (AckState.NACKED, AckState.PENDING, AckState.ACKED) if s in states)
            evidence = Evidence.NONE if state is AckState.PENDING else Evidence.ADMIN
            yield Ack(self._target, node, type_url, version, state, evidence)

    def _ask(self, seconds: float) -> dict[str, Stats | None]:
        """Every Envoy's statistics within that time; None of one that does not answer."""
        deadline = Deadline(time.monotonic() + max(seconds, _LEAST_S))
        try:
            nodes = resolved(self._addresses, deadline)
            nodes.sort(key=self._silent.__contains__)  # many that are silent must not keep others from being asked
            errands = Errands([(node, partial(_stats, deadline, node)) for node in nodes])
            told = errands.results(deadline)
        finally:
            deadline.end()
        self._silent = {node for node in errands.begun if told[node] is None}
        return told

    def _explained(self, acks: Iterable[Ack], end: float) -> list[Ack]:
        """With Envoy's own words on what it refused."""
        acks = list(acks)
        refusing = dict.fromkeys(ack.node for ack in acks if ack.state is AckState.NACKED)
        deadline = Deadline(min(end, time.monotonic() + _PATIENCE_S))
        try:
            words = Errands([(node, partial(_why, deadline, node)) for node in refusing]).results(deadline)
        finally:
            deadline.end()
        return [
            replace(ack, detail=words.get(ack.node) or _UNSAID) if ack.state is AckState.NACKED else ack for ack in acks
        ]


def _stats(deadline: Deadline, node: str) -> Stats:
    return read(deadline.get(node, _STATS))


def _why(deadline: Deadline, node: str) -> str:
    """Envoy's own words where its configuration dump has them; it has them not for all types."""
    try:
        dump = json.loads(deadline.get(node, "/config_dump?resource=dynamic_listeners&mask=name,error_state"))
        found = [one["error_state"]["details"] for one in dump["configs"] if "error_state" in one]
    except KeyError:
        found = []
    return printable(" ".join(str(found[0]).split()))[:_LONGEST] if found else ""
