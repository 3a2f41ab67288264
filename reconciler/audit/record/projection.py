"""What the database repeats of a record's body, so that questions are answered without reading bodies. Pure.

`of` is the only place that knows it: what is written beside a record, what verification compares with, and what a
migration fills in, all come from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.audit.record.groups import stamp
from reconciler.model.audit import AuditRecord, Event
from reconciler.model.credit import same_touch
from reconciler.model.decision import Decision
from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN, Entry, entry
from reconciler.model.telling import applied_change

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LONGEST_PERSON = 500  # characters: what is in an index must fit on a third of a page
_LONGEST_COMMIT = 64
_LONGEST_NAME = 300
# What the log lists; the record that a journal starts with is none of it.
LISTED = (Event.INTENT, Event.DECISION, Event.NOTE)
_CLOSING = (Event.RESULT, Event.INTERRUPTED)
_NOBODY = {"", UNKNOWN}
_APPLIED = (Decision.APPLIED, Decision.PARTIAL)

_Id = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """The columns of the table `entries`, by their names; ``author`` stands for the one that refers to `people`."""

    number: int
    last: int | None
    time: str
    time_ms: int
    finished: str | None
    trigger: str | None
    decision: str | None
    interrupted: bool
    reason: str
    message: str
    subject: str
    commit_sha: str | None
    author: str | None
    committer: str
    pull_request: str
    approved: str
    self_approved: bool
    signed: str
    acknowledged: str
    changes_served: bool
    creates: int
    updates: int
    deletes: int
    quarantined: int
    lead_ms: int | None
    actor: str
    commits_omitted: int


@dataclass(frozen=True, slots=True, order=True)
class Touched:
    """What an entry says of one resource: ``op`` None where it is in no plan, but quarantined."""

    kind: str
    namespace: str
    name: str
    op: str | None
    applied: bool


@dataclass(frozen=True, slots=True)
class Projection:
    """All rows of one entry, each kind sorted and without doubles.

    Attributes:
        commits: the revision's own, those of the range that are listed, and those that last touched what changed.
        people: who wrote any of it.
    """

    entry: EntryRow
    happenings: tuple[str, ...]
    commits: tuple[str, ...]
    people: tuple[str, ...]
    touched: tuple[Touched, ...]


def entry_number(sequence: int, event: str, intent: int | None) -> int:
    """The number of the entry that a record belongs to."""
    return intent if event in _CLOSING and intent is not None else sequence


def milliseconds(time: datetime) -> int:
    """Since 1970."""
    return (time - _EPOCH) // _MILLISECOND


def of(first: AuditRecord, last: AuditRecord | None) -> Projection:
    """The rows of an entry.

    Args:
        first: an intent, a decision or a note.
        last: what concludes the intent, if anything does yet.

    Raises:
        KeyError, TypeError, ValueError: a body is not a record's.
    """
    told = entry(first, last)
    brought = _brought(first, last or first)
    commits = {told.commit, *told.commits, *(_plain(_text(place, "commit")) for place in brought)} - {""}
    return Projection(
        entry=_row(told),
        happenings=tuple(sorted({str(each) for each in told.happened})),
        commits=tuple(sorted({commit[:_LONGEST_COMMIT] for commit in commits})),
        people=tuple(sorted({_plain(one)[:_LONGEST_PERSON] for one in _people(told, first, brought)} - _NOBODY)),
        touched=_touched(first, last),
    )


def _row(told: Entry) -> EntryRow:
    first, last = told.records[0], told.records[-1]
    return EntryRow(
        number=told.sequence,
        last=last.sequence if last is not first else None,
        time=stamp(told.time),
        time_ms=milliseconds(told.time),
        finished=stamp(told.finished_at) if told.finished_at else None,
        trigger=str(told.trigger) if told.trigger else None,
        decision=str(told.decision) if told.decision else None,
        interrupted=told.interrupted,
        reason=_plain(told.reason),
        message=_plain(told.message),
        subject=_plain(told.subject),
        commit_sha=told.commit[:_LONGEST_COMMIT] or None,
        author=_plain(told.author)[:_LONGEST_PERSON] or None,
        committer=_plain(told.committer),
        pull_request=_plain(told.pull_request),
        approved=str(told.approved),
        self_approved=told.self_approved,
        signed=str(told.signed),
        acknowledged=str(told.acknowledged),
        changes_served=_changes_served(last) if "change" in last.body else _changes_served(first),
        creates=told.creates,
        updates=told.updates,
        deletes=told.deletes,
        quarantined=told.quarantined,
        lead_ms=told.lead_ms,
        actor=_plain(told.actor),
        commits_omitted=told.commits_omitted,
    )


def _changes_served(record: AuditRecord) -> bool:
    """Whether what is served would be another thing after it."""
    change = _group(record.body, "change")
    return change.get("snapshot_before") != change.get("snapshot_after")


def _brought(first: AuditRecord, ended: AuditRecord) -> list[dict[str, Json]]:
    """Where documents are written that another touch than before brought; an old touch is nothing of this entry."""
    changes = (_group(first.body, "change"), applied_change(first.body, ended.body))
    lists = [change.get(name) for change in changes for name in ("routes", "documents")]
    found = []
    for listed in {id(each): each for each in lists}.values():  # the same list, where it was carried out as planned
        for each in listed if isinstance(listed, list) else ():
            after = each.get("after") if isinstance(each, dict) else None
            if isinstance(each, dict) and isinstance(after, dict) and not same_touch(each.get("before"), after):
                found.append(after)
    return found


def _people(told: Entry, first: AuditRecord, brought: list[dict[str, Json]]) -> Iterator[str]:
    yield told.author
    source = _group(first.body, "source")
    yield from (_person(each) for each in _dicts(source.get("commits")))
    yield from (_text(each, "version", "manager") for each in _dicts(source.get("objects")))
    for place in brought:
        yield _text(place, "author")
        yield _text(place, "object", "manager")


def _person(commit: dict[str, Json]) -> str:
    name, email = (_text(commit, "author", part) for part in ("name", "email"))
    return f"{name} <{email}>" if name or email else ""


def _text(facts: Json, *path: str) -> str:
    for name in path:
        facts = facts.get(name) if isinstance(facts, dict) else None
    return facts if isinstance(facts, str) else ""


def _dicts(listed: Json) -> list[dict[str, Json]]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _touched(first: AuditRecord, last: AuditRecord | None) -> tuple[Touched, ...]:
    ended = last or first
    applied = ended.event is Event.RESULT and ended.body.get("decision") in _APPLIED
    planned = dict(_changed(_group(first.body, "change")))
    really = dict(_changed(applied_change(first.body, ended.body)))
    found = dict.fromkeys(planned, False) | dict.fromkeys(really, applied)
    planned |= really
    quarantined = dict(_listed(ended.body.get("quarantined")))
    rows = {name: Touched(*name, planned[name], done) for name, done in found.items()}
    rows |= {name: Touched(*name, None, applied=False) for name in quarantined if name not in rows}
    return tuple(rows[name] for name in sorted(rows))


def _changed(change: dict[str, Json]) -> Iterator[tuple[_Id, str | None]]:
    """Routes, and the other documents."""
    yield from _listed(change.get("routes"))
    yield from _listed(change.get("documents"))


def _listed(listed: Json) -> Iterator[tuple[_Id, str | None]]:
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            name = tuple(_plain(str(item[key]))[:_LONGEST_NAME] for key in ("kind", "namespace", "name"))
            yield (name[0], name[1], name[2]), str(item["op"]) if "op" in item else None


def _group(body: dict[str, Json], name: str) -> dict[str, Json]:
    group = body.get(name, {})
    if not isinstance(group, dict):
        raise TypeError(name)
    return group


def _plain(text: str) -> str:
    # PostgreSQL's text can hold every character but this one.
    return text.replace("\0", "\\0")
