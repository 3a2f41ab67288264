"""What an entry's records say, read for those who are told of it elsewhere. Pure.

Records are read as they are, of every schema and with anything in them: what is missing is empty or ``unknown``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from reconciler.model.audit import Event
from reconciler.model.decision import Decision
from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN, Answer, Entry
from reconciler.model.plan import FieldChange
from reconciler.model.telling import applied_change

Group = dict[str, Json]

_SERVED = (Decision.APPLIED, Decision.PARTIAL)
HOST, LISTENER, EDGE = "VirtualHost", "Listener", "Edge"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written, and what touched it last.

    Attributes:
        path: of a file or an object of the cluster.
        commit, author: empty in a cluster and in a plain directory.
        written: what touched it there, in words; empty where a commit did.
    """

    path: str
    line: int
    commit: str
    author: str
    written: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that an entry changed, or would have.

    Attributes:
        kind: of the document behind a route (``Mapping``); ``VirtualHost``, ``Listener`` or ``Edge`` for what stands
            around routes.
        namespace: empty for what has none.
        op: ``create``, ``update`` or ``delete``.
        applied: whether it is served by that; not known while it is under way, and where that was interrupted.
        told: as the record has it; empty for what it does not list.
    """

    kind: str
    namespace: str
    name: str
    op: str
    fields: tuple[FieldChange, ...]
    before: Place | None
    after: Place | None
    risks: tuple[str, ...]
    applied: Answer
    told: Group = field(default_factory=dict)

    @property
    def is_route(self) -> bool:
        """Whether it is a route, not what stands around routes."""
        return self.kind not in (HOST, LISTENER, EDGE)

    @property
    def identity(self) -> str:
        """Names it among all."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def label(self) -> str:
        """The same for people, who know the kind: ``namespace/name``."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def place(self) -> Place | None:
        """Where it is written now, or was."""
        return self.after or self.before


@dataclass(frozen=True, slots=True)
class Acked:
    """The word of one Envoy on one type."""

    target: str
    node: str
    type: str
    version: str
    state: str
    evidence: str
    detail: str


def under_way(entry: Entry) -> bool:
    """Whether its end is yet to be recorded."""
    return entry.records[-1].event is Event.INTENT


def served(entry: Entry) -> Answer:
    """Whether what it planned is served by it."""
    if under_way(entry) or entry.interrupted:
        return Answer.UNKNOWN
    return Answer.YES if entry.records[-1].event is Event.RESULT and entry.decision in _SERVED else Answer.NO


def first(entry: Entry, *path: str) -> Group:
    """A group of the intent, decision or note."""
    return _group(entry.records[0].body, path)


def last(entry: Entry, *path: str) -> Group:
    """A group of the record that ended it."""
    return _group(entry.records[-1].body, path)


def change(entry: Entry) -> Group:
    """What was planned in the end."""
    return applied_change(entry.records[0].body, entry.records[-1].body)


def changes(entry: Entry) -> tuple[Changed, ...]:
    """All it changed or would have, routes first.

    Where another plan was applied than was intended, what was left out of it is told as not applied.
    """
    really = tuple(_changes(change(entry), served(entry)))
    known = {(each.identity, each.op) for each in really}
    planned = _changes(first(entry, "change"), Answer.NO)
    dropped = (each for each in planned if (each.identity, each.op) not in known)
    return (*really, *dropped)


def acks(entry: Entry) -> tuple[Acked, ...]:
    """What Envoys said of what was applied."""
    return _acks(last(entry, "effect").get("acks"))


def rejections(entry: Entry) -> tuple[Acked, ...]:
    """What Envoys rejected before the rest was applied."""
    return _acks(last(entry, "effect").get("rejections"))


def risks(found: Iterable[Changed]) -> tuple[str, ...]:
    """What of these changes nobody must overlook, sorted."""
    return tuple(sorted({risk for each in found for risk in each.risks}))


def approvals(entry: Entry) -> tuple[str, ...] | None:
    """Who approved it, when and at which commit; None where nobody asked."""
    found = first(entry, "people").get("approvers")
    if not isinstance(found, list):
        return None
    return tuple(" ".join(filter(None, _approval(each))) for each in dicts(found))


def exceptions(entry: Entry) -> list[Group]:
    """The safeguards that somebody overrode for it."""
    return dicts(first(entry).get("exceptions"))


def controller(entry: Entry) -> str:
    """The process that wrote it, in words; empty where that is not known."""
    found = first(entry, "controller")
    names = (text(found.get(name)) for name in ("environment", "instance", "replica", "host"))
    return "/".join(name for name in names if name and name != UNKNOWN)


def text(value: Json) -> str:
    """A text; empty for anything else."""
    return value if isinstance(value, str) else ""


def word(value: Json) -> str:
    """A value in a word: ``unknown`` for what is missing."""
    match value:
        case None | "":
            return UNKNOWN
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case _:
            return UNKNOWN


def dicts(value: Json) -> list[Group]:
    """The objects of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _group(body: Group, path: tuple[str, ...]) -> Group:
    found: Json = body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _changes(planned: Group, applied: Answer) -> Iterator[Changed]:
    for route in dicts(planned.get("routes")):
        namespace = text(route.get("namespace"))
        yield _changed(route, text(route.get("kind")), namespace, text(route.get("name")), applied)
    for host in dicts(planned.get("hosts")):
        name = "/".join(filter(None, (text(host.get("listener")), text(host.get("host")))))
        yield _changed(host, HOST if host.get("host") else LISTENER, "", name, applied)
    for edge in dicts(planned.get("edge")):
        yield _changed(edge, EDGE, "", text(edge.get("subject")), applied)


def _changed(told: Group, kind: str, namespace: str, name: str, applied: Answer) -> Changed:
    return Changed(
        kind=kind,
        namespace=namespace,
        name=name,
        op=text(told.get("op")),
        fields=tuple(
            FieldChange(text(each.get("field")), text(each.get("before")), text(each.get("after")))
            for each in dicts(told.get("fields"))
        ),
        before=_place(told.get("before")),
        after=_place(told.get("after")),
        risks=_texts(told.get("risks")),
        applied=applied,
        told=told,
    )


def _place(told: Json) -> Place | None:
    if not isinstance(told, dict):
        return None
    line, thing, written = told.get("line"), told.get("object"), ""
    if isinstance(thing, dict):
        written = f"resourceVersion {word(thing.get('resource_version'))} by {word(thing.get('manager'))}"
    return Place(
        path=text(told.get("path")),
        line=line if isinstance(line, int) else 0,
        commit=text(told.get("commit")),
        author=text(told.get("author")),
        written=written,
    )


def _acks(told: Json) -> tuple[Acked, ...]:
    names = ("target", "node", "type", "version", "state", "evidence", "detail")
    return tuple(Acked(*(text(each.get(name)) for name in names)) for each in dicts(told))


def _approval(told: Group) -> Iterator[str]:
    yield text(told.get("name"))
    if email := text(told.get("email")):
        yield f"<{email}>"
    for joint, name in (("at", "time"), ("of", "commit")):
        if (said := word(told.get(name))) != UNKNOWN:
            yield f"{joint} {said}"


def _texts(told: Json) -> tuple[str, ...]:
    return tuple(each for each in told if isinstance(each, str)) if isinstance(told, list) else ()
