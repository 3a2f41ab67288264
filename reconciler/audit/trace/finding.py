"""Which version of which document served a line, and by which entry of the journal it came. Pure.

The commit in the line decides. Time chooses among what is equal otherwise: one commit served twice, or an object of
the cluster and a file without history, which have no commit. Clocks of Envoy and journal differ, and an Envoy that was
not connected may have held an older version.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from reconciler.audit.trace.line import Line
from reconciler.audit.trace.version import Version, apart, nearest
from reconciler.model.resource import Kind

TOLERANCE = 60.0
_MOST_REMEMBERED = 200_000


class Record(Protocol):
    """What the journal is asked."""

    def versions(self, kind: str, namespace: str, name: str, commits: tuple[str, ...]) -> Sequence[Version]:
        """All versions of a document with one of these commits; where none is named, all that have no commit."""

    def sent(self, kind: str, namespace: str, name: str, commits: tuple[str, ...]) -> tuple[int, str] | None:
        """The newest entry that sent Envoys such a version which did not come to stay, and what became of it."""

    def deleted(self, moment: str) -> int | None:
        """The entry by which retention deleted what was served at a moment; None where nothing was deleted."""

    def upstreams(self, versions: Sequence[Version]) -> Sequence[str]:
        """The service that each version forwards to, as it was written."""

    def hosts(self, authority: str, moment: str) -> Sequence[Version]:
        """The Hosts served at a moment that cover a name, the most exact first."""


class By(StrEnum):
    """How the version was told from others."""

    COMMIT = "commit"
    TIME = "time"


class Unserved(StrEnum):
    """Why no version served a line."""

    NO_ROUTE = "no Mapping takes this request"
    NO_CONNECTION = "no TCPMapping takes this connection"
    TO_HTTPS = "sent to https by a Host, before all Mappings"
    REJECTED = "rejected as insecure by a Host, before all Mappings"
    PROBE = "a health check of the edge itself"
    BEFORE_ROUTES = "answered by Envoy before it looked for a route"


class Lost(StrEnum):
    """Why a line that was served leads to no version."""

    UNKNOWN = "the journal has no such version of it"
    ELSEWHERE = "the journal has this version of it in another place"
    DELETED = "deleted by retention"


@dataclass(frozen=True, slots=True)
class Found:
    """What a line leads to.

    Attributes:
        versions: usually one; several, where connections share a chain and the line does not tell them apart.
        unserved: set where no Mapping served it; then `versions` has the Host that answered, where that is known.
        sent_by: the entry that sent such a version to Envoys, which served it, but not for good; ``ended`` says how
            that entry ended.
        lost: set where it was served, and leads nowhere; ``deleted_by`` is the entry of the deletion.
        apart_s: seconds the line is before (negative) or after the time it was served by the journal.
        others: how many more versions would fit, if the clocks differ by as much as is tolerated.
    """

    versions: tuple[Version, ...] = ()
    by: By = By.COMMIT
    unserved: Unserved | None = None
    lost: Lost | None = None
    deleted_by: int | None = None
    sent_by: int | None = None
    ended: str = ""
    apart_s: float = 0.0
    others: int = 0


@dataclass(slots=True)
class Finder:
    """Finds versions, and remembers them: millions of lines are of a few versions.

    Attributes:
        tolerance: seconds that the clocks of Envoy and journal may differ, and an Envoy may be behind.
    """

    record: Record
    tolerance: float = TOLERANCE
    _versions: dict[tuple[str, str, str], Sequence[Version]] = field(default_factory=dict)
    _last: dict[tuple[str, str, str], Found] = field(default_factory=dict)

    def find(self, line: Line) -> Found:
        """What served it."""
        if not line.mapping:
            return self._unserved(line)
        origin = (line.mapping, line.source, line.commit)
        last = self._last.get(origin)
        if last is not None and last.versions[0].covers(line.time):
            return last
        if len(self._last) > _MOST_REMEMBERED:
            self._last.clear()
            self._versions.clear()
        found = self._shared(line) if line.tcp else self._of_mapping(line, Kind.MAPPING, line.mapping, (line.commit,))
        if len(found.versions) == 1 and not (found.lost or found.others or found.apart_s or line.tcp):
            self._last[origin] = found
        return found

    def forget(self) -> None:
        """Asks anew: the journal has grown."""
        self._versions.clear()
        self._last.clear()

    def _of_mapping(self, line: Line, kind: str, mapping: str, commits: tuple[str, ...]) -> Found:
        known = self._known(kind, mapping, commits)
        here = [one for one in known if one.path in line.source.split(",") or one.path == line.source]
        chosen = nearest(here, line.time)
        if chosen is None:
            deleted = self.record.deleted(line.time)
            if deleted is not None:
                return Found(lost=Lost.DELETED, deleted_by=deleted)
            return Found(lost=Lost.ELSEWHERE) if known else self._sent(kind, mapping, commits)
        by = By.COMMIT if line.commit else By.TIME
        away = apart(chosen, line.time)
        fitting = [one for one in here if abs(apart(one, line.time)) <= self.tolerance]
        others = len([one for one in fitting if one is not chosen]) if by is By.TIME else 0
        return Found((chosen,), by, apart_s=away if abs(away) > self.tolerance else 0.0, others=others)

    def _sent(self, kind: str, mapping: str, commits: tuple[str, ...]) -> Found:
        """Envoy may have served what was rolled back, or is not yet acknowledged by all."""
        namespace, _, name = mapping.partition("/")
        named = tuple(filter(None, commits))
        found = self.record.sent(kind, namespace, name, named) if named else None
        return Found(sent_by=found[0], ended=found[1]) if found else Found(lost=Lost.UNKNOWN)

    def _shared(self, line: Line) -> Found:
        """Of connections several TCPMappings may share a chain: the upstream tells which it was."""
        commits = tuple(line.commit.split(","))
        whole = self._of_mapping(line, Kind.TCP_MAPPING, line.mapping, commits)
        if whole.versions or "," not in line.mapping:
            return whole
        each = [self._of_mapping(line, Kind.TCP_MAPPING, one, commits) for one in line.mapping.split(",")]
        found = [one for one in each if one.versions]
        if len(found) < len(each):
            return next(one for one in each if not one.versions)
        versions = [one.versions[0] for one in found]
        services = self.record.upstreams(versions)
        chosen = [
            one for one, service in zip(found, services, strict=True) if _leads_to(service, line.cluster)
        ] or found
        if len(chosen) == 1:
            return chosen[0]
        return Found(tuple(one.versions[0] for one in chosen), chosen[0].by, apart_s=max(o.apart_s for o in chosen))

    def _known(self, kind: str, mapping: str, commits: tuple[str, ...]) -> Sequence[Version]:
        asked = (kind, mapping, ",".join(commits))
        known = self._versions.get(asked)
        if known is None:
            namespace, _, name = mapping.partition("/")
            known = self.record.versions(kind, namespace, name, tuple(filter(None, commits)))
            self._versions[asked] = known
        return known

    def _unserved(self, line: Line) -> Found:
        why = _why_unserved(line)
        if why not in (Unserved.TO_HTTPS, Unserved.REJECTED):
            return Found(unserved=why)
        hosts = tuple(self.record.hosts(line.authority, line.time)[:1])
        return Found(hosts, By.TIME, unserved=why)


def _leads_to(service: str, cluster: str) -> bool:
    """Whether a cluster (``host:port``, more behind it) is that of a service as a document spells it."""
    bare = service.rpartition("://")[2]
    host, _, port = bare.partition(":")
    named, _, rest = cluster.partition(":")
    return named.split(".")[0] == host.split(".")[0] and (not port or rest.split("+")[0].split("~")[0] == port)


def _why_unserved(line: Line) -> Unserved:
    """By what Envoy answered: what stands before all Mappings is no Mapping's, and has no origin to print."""
    if line.tcp:
        return Unserved.NO_CONNECTION
    flags = line.flags.split(",")
    if "NR" in flags:
        return Unserved.NO_ROUTE
    if flags != ["-"]:
        return Unserved.BEFORE_ROUTES
    match line.status:
        case 301:
            return Unserved.TO_HTTPS
        case 404:
            return Unserved.REJECTED
        case 200:
            return Unserved.PROBE
    return Unserved.BEFORE_ROUTES


def served_by(found: Found) -> Iterator[Version]:
    """The versions of Mappings that served it; none for a line that none served."""
    if found.unserved is None:
        yield from found.versions
