"""What Envoys made of files they read, as their admin interfaces tell: files themselves have no way back.

Every subscription has a version, that of the file it accepted last, and counts what it rejected.
https://www.envoyproxy.io/docs/envoy/latest/configuration/overview/xds_api#statistics
"""

import json
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from reconciler.apply.configmap.content import Shape
from reconciler.apply.files_sources import by_path
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl
from reconciler.model.text import printable

_STATS = r"/stats?format=json&filter=(cds|lds|[.]rds[.].*|scoped_rds[.].*)[.](version_text|update_rejected)$"
_PATIENCE_S = 2.0  # for one answer
_POLL_S = 0.2
_LARGEST = 8 << 20  # bytes of one answer
_LONGEST = 500  # characters of Envoy's words
_MOST = 256  # Envoys behind one name


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


class EnvoyAdmins:
    """The admin interfaces of the Envoys that mount what is written.

    Args:
        target: what acknowledgements call the target.
        addresses: ``host:port``; a name may stand for many, as that of a headless Service does.
        timeout_s: how long to wait for all of them, in seconds.
    """

    def __init__(self, target: str, addresses: Iterable[str], timeout_s: float) -> None:
        self._target = target
        self._addresses = tuple(addresses)
        self._timeout_s = timeout_s

    def before(self) -> Mapping[str, Stats]:
        """What they tell before something is written, by node."""
        return {node: stats for node, stats in self._ask() if stats is not None}

    def acks(self, snapshot: Snapshot, shape: Shape, before: Mapping[str, Stats]) -> tuple[Ack, ...]:
        """Waits until every Envoy took or refused all of it, or the time is over; one ack per Envoy and type."""
        deadline = time.monotonic() + self._timeout_s
        wanted, known = expected(snapshot, shape), dict(before)
        while True:
            found: list[Ack] = []
            for node, stats in self._ask():
                # Of one that is new, what it refused earlier was something else.
                earlier = known.setdefault(node, stats) if stats is not None else Stats()
                found.extend(self._of(node, stats, wanted, earlier, snapshot))
            states = {ack.state for ack in found}
            if AckState.NACKED in states or states == {AckState.ACKED} or time.monotonic() >= deadline:
                return tuple(sorted(found))
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
            detail = _why(node) if state is AckState.NACKED else ""
            evidence = Evidence.NONE if state is AckState.PENDING else Evidence.ADMIN
            yield Ack(self._target, node, type_url, version, state, evidence, detail)

    def _ask(self) -> Iterator[tuple[str, Stats | None]]:
        """Every Envoy's statistics; None of one that does not answer."""
        for address in self._addresses:
            for node in _resolved(address):
                try:
                    yield node, read(_get(node, _STATS))
                except (OSError, HTTPException, ValueError, TypeError):
                    yield node, None


def _resolved(address: str) -> list[str]:
    """Every address behind a name; the name itself where there is none."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except OSError:
        return [address]
    hosts = sorted({str(place[4][0]) for place in found})[:_MOST]
    return [f"[{one}]:{port}" if ":" in one else f"{one}:{port}" for one in hosts]


def _get(node: str, path: str) -> bytes:
    host, _, port = node.rpartition(":")
    with closing(HTTPConnection(host.strip("[]"), int(port), timeout=_PATIENCE_S)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        answer = response.read(_LARGEST + 1)
    if response.status != 200 or len(answer) > _LARGEST:  # noqa: PLR2004 - HTTP
        raise ValueError(f"status {response.status}, {len(answer)} bytes")
    return answer


def _why(node: str) -> str:
    """Envoy's own words where its configuration dump has them; it has them not for all types."""
    try:
        dump = json.loads(_get(node, "/config_dump?resource=dynamic_listeners&mask=name,error_state"))
        found = [one["error_state"]["details"] for one in dump["configs"] if "error_state" in one]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        found = []
    return printable(" ".join(str(found[0]).split()))[:_LONGEST] if found else "Envoy rejected a file; its log says why"
