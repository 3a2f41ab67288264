"""A large journal, record by record as the product writes it, but in bulk: minutes instead of hours.

Some thousand routes change over three years: most applies change one route, a few very many; some come from
annotations; some are refused, rolled back, heal drift or change nothing. What stands beside the records is worked out
by the product's own projection, so that the journal verifies; a test holds a small one against `audit verify`.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.audit.proof.chain import encode, seal
from reconciler.audit.proof.merkle import Frontier, leaf
from reconciler.audit.record import projection, records
from reconciler.audit.record.groups import Facts, stamp
from reconciler.audit.store import history
from reconciler.audit.store.served import leaf_name, row_digest, to_row
from reconciler.model.audit import AuditRecord, Event
from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.digest_tree import EMPTY_TREE, DigestTree
from reconciler.model.happening import Happening, Note
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import Kind, Origin, ResourceId
from tests.support.journals import attempt, conclusion

BEGIN = datetime(2023, 1, 2, tzinfo=UTC)
LASTS = timedelta(days=3 * 365)
_PEOPLE = 60
_NAMESPACES = 24
_FLUSHED = 20_000  # rows of a table at a time

Write = Callable[[str, list[dict[str, Any]]], None]


@dataclass(slots=True)
class World:
    """The journal as it grows, and the rows that were not written yet.

    Attributes:
        write: puts rows into a table.
        sequence, hash, frontier: of the last record.
        routes: how many there are.
    """

    write: Write
    sequence: int
    hash: Digest
    frontier: Frontier
    routes: int
    at: datetime = BEGIN
    changes: int = 0
    applies: int = 0
    origins: dict[ResourceId, Origin] = field(default_factory=dict)
    tree: DigestTree = EMPTY_TREE
    era: int = 1
    ended: int = 0
    live: dict[ResourceId, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)
    versions: dict[ResourceId, int] = field(default_factory=dict)
    snapshot: Digest | None = None
    last_row: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    _rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, row: dict[str, Any]) -> None:
        """One more row."""
        self._rows.setdefault(table, []).append(row)

    def flush(self, *, everything: bool = False) -> None:
        """Writes what has gathered, in an order in which every reference finds its row."""
        if everything or len(self._rows.get("records", ())) >= _FLUSHED:
            for table in _ORDER:
                if rows := self._rows.pop(table, []):
                    self.write(table, rows)

    def record(self, event: Event, facts: Facts) -> AuditRecord:
        """Seals a record onto the last one."""
        sequence = self.sequence + 1
        body, content, digest = seal(sequence, stamp(self.at), event, self.hash, facts)
        intent = body.get("intent")
        named = intent if isinstance(intent, int) else None
        entry = projection.entry_number(sequence, event, named)
        columns = {"sequence": sequence, "hash": digest, "time": stamp(self.at), "event": str(event)}
        self.add("records", {**columns, "entry": entry, "intent": named, "body": content})
        self.frontier, completed = self.frontier.append(leaf(digest))
        for node in completed:
            self.add("nodes", {"level": node.level, "position": node.position, "hash": node.hash})
        self.sequence, self.hash = sequence, digest
        return AuditRecord(sequence, self.at, event, body, digest)

    def entry(self, first: AuditRecord, last: AuditRecord | None) -> None:
        """Writes what stands beside an entry."""
        made = projection.of(first, last)
        row = {name: getattr(made.entry, name) for name in _ENTRY}
        author = made.entry.author
        self.add("entries", {**row, "author_id": None if author is None else self._person(author)})
        number = made.entry.number
        for each in made.happenings:
            self.add("happenings", {"happening": each, "entry": number})
        for commit in made.commits:
            self.add("entry_commits", {"commit_sha": commit, "entry": number})
        for person in made.people:
            self.add("entry_people", {"person_id": self._person(person), "entry": number})
        for one in made.touched:
            self.add("touched", {"entry": number, **{name: getattr(one, name) for name in _TOUCHED}})

    def serve(self, record: AuditRecord, changed: dict[ResourceId, Origin | None], entry: int) -> None:
        """Writes what is served from a record on; `origins` is that already."""
        for name in changed:
            if (row := self.live.pop(name, None)) is not None:
                self.ended += 1
                self.add("served", {**row, "until": record.sequence})
        turns = self.ended > max(len(self.origins), history._SHORTEST)
        if turns:
            self.era, self.ended = self.era + 1, 0
            carried, self.live = self.live, {}
            for name, row in carried.items():
                self.add("served", {**row, "until": record.sequence})
                self._live(name, {**row, "era": self.era, "since": record.sequence})
        for name, origin in changed.items():
            if origin is not None:
                row = {**to_row(origin), "document": self._document(origin), "era": self.era}
                self._live(name, {**row, "came": record.sequence, "since": record.sequence})
        served = record.body["served"]
        assert isinstance(served, dict)
        told = {name: served[name] for name in ("revision", "snapshot", "resources", "documents")}
        row = {"sequence": record.sequence, "time_ms": projection.milliseconds(record.time), "entry": entry}
        self.add("served_states", {**row, "era": self.era, **told})

    def end(self) -> None:
        """Writes what is still served, and where the journal ends."""
        for row in self.live.values():
            self.add("served", {**row, "until": None})
        self.flush(everything=True)

    def _live(self, name: ResourceId, row: dict[str, Any]) -> None:
        self.last_row += 1
        self.live[name] = {**row, "id": self.last_row}

    def _person(self, text: str) -> int:
        if text not in self.people:
            self.people[text] = len(self.people) + 1
            self.add("people", {"id": self.people[text], "text": text})
        return self.people[text]

    def _document(self, origin: Origin) -> Digest:
        digest = digest_bytes(origin.document)
        if digest not in self.documents:
            self.documents.add(digest)
            self.add("documents", {"digest": digest, "body": origin.document})
        return digest


_ENTRY = tuple(each.name for each in fields(projection.EntryRow) if each.name != "author")
_TOUCHED = tuple(each.name for each in fields(projection.Touched))
_ORDER = (
    *("records", "people", "entries", "happenings", "entry_commits", "entry_people"),
    *("touched", "nodes", "documents", "served", "served_states"),
)


def grow(world: World, changes: int) -> None:
    """Lets routes change so often; the routes come into being first.

    Args:
        world: a journal with its first record.
        changes: of routes, applied or not.
    """
    _apply(world, list(range(world.routes)), [])
    left = max(1, round((changes - world.routes) / _CHANGES_EACH))
    step, day = LASTS / left, 0
    for _ in range(left):
        world.at += step
        if (world.at - BEGIN).days // 7 > day:
            day = (world.at - BEGIN).days // 7
            _restart(world)
        _reconcile(world)
        world.flush()
    while world.changes < changes:
        world.at += timedelta(seconds=60)
        _apply(world, [world.chance.randrange(world.routes)], [])
    world.end()


_CHANGES_EACH = 5.0  # routes of an entry, on average


def _reconcile(world: World) -> None:
    """One reconcile, as they come."""
    chance = world.chance
    size = chance.choices((1, chance.randint(2, 5), chance.randint(20, 60)), (70, 20, 10))[0]
    # Some routes change much more often than others.
    chosen = sorted({int(world.routes * chance.random() ** 2) for _ in range(size)})
    match chance.choices(("apply", "refuse", "roll back", "drift", "nothing"), (90, 4, 1, 0.5, 4.5))[0]:
        case "apply":
            _apply(world, chosen, [])
        case "refuse":
            _decide(world, chosen, "Refused", "TooManyDeletes")
        case "roll back":
            _apply(world, chosen, [], decision="RolledBack")
        case "drift":
            _apply(world, chosen, [{"target": "files", "what": "routes.json", "by": "unknown", "at": "unknown"}])
        case "nothing":
            _decide(world, [], "Unchanged", "")


def _restart(world: World) -> None:
    """A process ends, sometimes without a word, and another one begins."""
    for happening in (Happening.AUDIT_STOP, Happening.AUDIT_START):
        if happening is Happening.AUDIT_START or world.chance.random() < 0.9:
            told = world.record(Event.NOTE, records.note(Note(happening, "the process began or ended")))
            world.entry(told, None)
    if world.chance.random() < 0.05:
        told = world.record(Event.NOTE, records.note(Note(Happening.AUDIT_GAP, "an apply could not be recorded")))
        world.entry(told, None)


def _apply(world: World, numbers: list[int], drift: list[Json], decision: str = "Applied") -> None:
    """An intent and its result."""
    facts, origins = _change(world, numbers)
    told: Facts = {"drift": drift} if drift else {}
    happened = [str(Happening.DRIFT_FOUND)] if drift else []
    first = world.record(Event.INTENT, {**facts, **told, "happened": list[Json](happened)})
    done = decision == "Applied"
    changed: dict[ResourceId, Origin | None] = dict(origins)
    if done:
        world.origins.update(origins)
        world.tree = world.tree.with_changes(
            (), {leaf_name(name): row_digest(to_row(one)) for name, one in origins.items()}
        )
        world.snapshot = digest_bytes(f"{world.sequence}".encode())
    world.at += timedelta(milliseconds=world.chance.randint(80, 900))
    last = world.record(Event.RESULT, _ended(world, first, decision, drift=bool(drift)))
    world.entry(first, last)
    if done:
        world.versions.update({name: world.versions.get(name, 0) + 1 for name in origins})
        world.serve(last, changed, first.sequence)


def _decide(world: World, numbers: list[int], decision: str, reason: str) -> None:
    """A reconcile that touched nothing."""
    facts, _ = _change(world, numbers)
    ending = {key: value for key, value in _RESULT.items() if key not in ("intent", "change", "served", "revisions")}
    happened: list[Json] = [str(Happening.REJECT if decision == "Refused" else Happening.NO_OP)]
    told = {**facts, **ending, "decision": decision, "reason": reason, "happened": happened}
    told["finished_at"] = stamp(world.at)
    told["effect"] = {**_RESULT["effect"], "acks": []}
    if not numbers:
        change = facts["change"]
        assert isinstance(change, dict)
        told["change"] = {**change, "snapshot_after": change["snapshot_before"]}
    world.entry(world.record(Event.DECISION, told), None)


def _change(world: World, numbers: list[int]) -> tuple[Facts, dict[ResourceId, Origin]]:
    """What is to be applied: the facts of an intent, and the new versions of the documents."""
    world.applies += 1
    world.changes += len(numbers)
    chance, sha = world.chance, f"{world.applies:010x}{world.chance.getrandbits(120):030x}"
    person = chance.randrange(_PEOPLE)
    author = {"name": f"Person {person}", "email": f"person{person}@example.com", "time": stamp(world.at), "bot": False}
    touch = Touch(sha, f"{author['name']} <{author['email']}>", world.at)
    origins = {}
    routes: list[Json] = []
    for number in numbers:
        origin, before = _version(world, number, touch)
        origins[origin.id] = origin
        routes.append(_route(world, origin, before))
    creates = sum(1 for name in origins if name not in world.versions)
    counts = {**_COUNTS, "create": creates, "update": len(numbers) - creates, "routes_after": world.routes}
    source = {
        **_INTENT["source"],
        "commit": sha,
        "subject": f"Change {len(numbers)} routes, the first of them number {numbers[0] if numbers else 0}",
        "committed_at": stamp(world.at - timedelta(seconds=chance.randint(3, 90))),
        "commits": [{**_INTENT["source"]["commits"][0], "commit": sha, "author": author}],
    }
    change = {
        **_INTENT["change"],
        "plan": digest_bytes(sha.encode()),
        "snapshot_before": world.snapshot,
        "snapshot_after": digest_bytes(f"{world.sequence + 1}".encode()),
        "counts": counts,
        "routes": routes,
        "hosts": [],
    }
    people = {**_INTENT["people"], "author": author, **_review(world, person)}
    signed = chance.random() < 0.6
    verification = {**_SIGNATURE, "result": "trusted" if signed else "unsigned"}
    revisions = {"last_attempted": f"main@sha1:{sha}", "last_applied": f"main@sha1:{sha}"}
    said = {"source": source, "change": change, "people": people, "verification": verification, "revisions": revisions}
    facts: Facts = {**_INTENT, **said, "trigger": "AnnotationChanged" if chance.random() < 0.2 else "NewRevision"}
    return facts, origins


def _review(world: World, author: int) -> Facts:
    """Who looked at it: nearly always somebody else."""
    luck = world.chance.random()
    if luck < 0.04:
        return {"pull_request": None, "approvers": [], "approved_by_another": "no"}
    by = author if luck < 0.05 else (author + 1) % _PEOPLE
    request: Json = {"number": str(world.applies), "url": "", "title": "Change routes", "author": f"Person {author}"}
    approvers: list[Json] = [{"name": f"Person {by}", "email": "", "time": stamp(world.at), "commit": "unknown"}]
    return {"pull_request": request, "approvers": approvers, "approved_by_another": "no" if by == author else "yes"}


def _version(world: World, number: int, touch: Touch) -> tuple[Origin, Origin | None]:
    """The next version of a route's document, and the one that is served."""
    name = ResourceId(Kind.MAPPING, f"team-{number % _NAMESPACES}", f"route-{number}")
    served = world.origins.get(name)
    spec: Facts = {"hostname": "*", "prefix": f"/r{number}/", "service": f"service-{number % 97}:80"}
    spec["timeout_ms"] = 3000 + world.versions.get(name, 0)
    document: Facts = {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Mapping",
        "metadata": {"name": name.name, "namespace": name.namespace},
        "spec": spec,
    }
    place = Provenance(f"routes/{name.namespace}/{name.name}.yaml", 1, touch)
    return Origin(name, place, encode(document)), served


def _route(world: World, origin: Origin, before: Origin | None) -> Json:
    version = world.versions.get(origin.id, 0)
    timeout: Json = {"field": "timeout", "before": f"{2999 + version} ms", "after": f"{3000 + version} ms"}
    fields: list[Json] = [timeout]
    if before is None:
        number = origin.id.name.rpartition("-")[2]
        told = {"host": "*", "path": f"prefix /r{number}/", "to": f"service-{int(number) % 97}:80", "rewrite": "/"}
        fields = [{"field": name, "before": "", "after": value} for name, value in told.items()]
        fields.append({"field": "timeout", "before": "", "after": f"{3000 + version} ms"})
    return {
        "op": "update" if before else "create",
        "kind": str(origin.id.kind),
        "namespace": origin.id.namespace,
        "name": origin.id.name,
        "fields": fields,
        "before": _place(before) if before else None,
        "after": _place(origin),
    }


def _place(origin: Origin) -> Json:
    touch = origin.provenance.touch
    assert isinstance(touch, Touch)
    place: Facts = {"path": origin.provenance.path, "line": origin.provenance.line, "commit": touch.sha}
    return {**place, "author": touch.author, "committed_at": stamp(touch.committed_at)}


def _ended(world: World, first: AuditRecord, decision: str, *, drift: bool) -> Facts:
    """The facts of a result."""
    planned, source = first.body["change"], first.body["source"]
    assert isinstance(planned, dict)
    assert isinstance(source, dict)
    change = {key: value for key, value in planned.items() if key not in ("routes", "hosts", "edge")}
    lead = round((world.at - datetime.fromisoformat(str(source["committed_at"]))).total_seconds() * 1000)
    states = ("Acked", "Acked", "Pending" if world.chance.random() < 0.01 else "Acked")
    acks = [{**_RESULT["effect"]["acks"][0], "node": f"envoy-{n}", "state": state} for n, state in enumerate(states)]
    times = {**_RESULT["effect"]["lead_times_ms"], "commit_to_ack": lead if states[-1] == "Acked" else "unknown"}
    happened = [Happening.APPLY, *([Happening.DRIFT_HEALED] if drift else [])]
    if decision != "Applied":
        happened = [Happening.ROLLBACK, Happening.VERIFY_FAIL]
    served = records.served_summary(None, world.snapshot, len(world.origins), world.tree.digest)
    assert isinstance(served, dict)
    revisions = first.body["revisions"]
    assert isinstance(revisions, dict)
    return {
        **_RESULT,
        "intent": first.sequence,
        "decision": decision,
        "reason": "" if decision == "Applied" else "EnvoyRejected",
        "finished_at": stamp(world.at),
        "effect": {**_RESULT["effect"], "acks": acks, "lead_times_ms": times},
        "change": {**change, "as_planned": True},
        "revisions": revisions,
        "happened": [str(one) for one in sorted(happened)],
        "served": {**served, "revision": revisions["last_applied"]} if decision == "Applied" else None,
    }


def _templates() -> Iterator[dict[str, Any]]:
    """Real records, of which the journal's are made by other values."""
    tried = attempt()
    intent = records.intent(tried)
    yield intent
    ended = conclusion(tried)
    yield records.result(2, intent, ended, records.served_summary(ended.served, None, 0, digest_bytes(b"")))


_INTENT, _RESULT = _templates()
_COUNTS = {**_INTENT["change"]["counts"], "delete": 0}
_SIGNATURE = {"method": "ssh", "key": "unknown", "identity": "unknown", "policy": None, "trust_store": None}
