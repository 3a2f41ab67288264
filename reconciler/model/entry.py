"""One line of the audit log: an intent with its result, a decision that touched nothing, or a note. Pure."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.audit import AuditRecord, Event
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import Json
from reconciler.model.effect import AckState
from reconciler.model.happening import Happening
from reconciler.model.telling import applied_change, happened

_WORST_FIRST = (AckState.NACKED, AckState.PENDING, AckState.UNKNOWN, AckState.ACKED)
UNKNOWN = "unknown"


class Answer(StrEnum):
    """Whether something is so, as far as anybody asked."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision, or a note of something else, as the log lists it.

    Attributes:
        sequence: of the intent, decision or note: the number `audit show` takes.
        trigger: None for a note.
        decision: None when there is no result: the apply is under way, or it was interrupted; and for a note.
        happened: what it tells, sorted.
        interrupted: whether the process died between intent and result.
        reason, message: why it ended so; empty when all is well.
        commit, subject, author: empty for a plain directory.
        creates, updates, deletes: routes of the plan that was applied, or would have been.
        quarantined: how many resources are not served as they are written.
        acks: number of Envoys by the worst state of what they were sent.
        records: the one or two records behind it, whole; a body is empty where it was taken out.
        finished_at: when it ended; None while it has not.
        committer: empty for a plain directory.
        commits: the commits it brought, newest first.
        commits_omitted: how many more it brought than are listed.
        authors: of those that are listed, each once.
        pull_request: its number; empty where there is none, ``unknown`` where nobody asked.
        approvers: who approved it; None where nobody asked.
        signed: whether the commit is signed, and by a key that was trusted, as far as that was checked.
        lead_ms: from commit to the last acknowledgement, in milliseconds; None where that is not known.
        actor: who asked for it, where it was somebody; empty otherwise.
        claimed: number of the pull request that the commit's message names; nobody asked a forge whether that is so.
        self_approved: those who wrote it are the only ones who approved it.
        withheld: what its records tell and whoever asks may not see (``people``, ``source.repository``), sorted.
    """

    sequence: int
    time: datetime
    trigger: Trigger | None
    decision: Decision | None
    interrupted: bool
    reason: str
    message: str
    repository: str
    revision: str
    commit: str
    subject: str
    author: str
    creates: int
    updates: int
    deletes: int
    quarantined: int
    acks: tuple[tuple[str, int], ...]
    records: tuple[AuditRecord, ...]
    happened: tuple[Happening, ...] = ()
    finished_at: datetime | None = None
    committer: str = ""
    commits: tuple[str, ...] = ()
    pull_request: str = UNKNOWN
    approvers: tuple[str, ...] | None = None
    signed: Answer = Answer.UNKNOWN
    lead_ms: int | None = None
    actor: str = ""
    claimed: str = ""
    self_approved: bool = False
    commits_omitted: int = 0
    authors: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether its records are as they were written, as far as each alone can tell."""
        return all(record.intact for record in self.records)

    @property
    def approved(self) -> Answer:
        """Whether somebody approved it who did not write it."""
        if self.approvers is None:
            return Answer.UNKNOWN
        return Answer.YES if self.approvers and not self.self_approved else Answer.NO

    @property
    def approved_alone(self) -> Answer:
        """Whether those who wrote it are the only ones who approved it; not known where nobody asked a forge."""
        if self.approvers is None:
            return Answer.UNKNOWN
        return Answer.YES if self.self_approved else Answer.NO

    @property
    def acknowledged(self) -> Answer:
        """Whether every Envoy took it; not known where none can say."""
        states = {state for state, _ in self.acks}
        if states & {AckState.NACKED, AckState.PENDING}:
            return Answer.NO
        return Answer.YES if states == {AckState.ACKED} else Answer.UNKNOWN


def entry(first: AuditRecord, result: AuditRecord | None) -> Entry:
    """Joins an intent with the record that concludes it, if there is one; a decision or a note stands alone.

    Bodies of every schema are understood; of an empty one, which was taken out, only the frame is told.

    Raises:
        ValueError: a body is damaged.
    """
    last = result or first
    decided = "decision" in last.body
    counts = _group(last if decided else first, "change", "counts")
    source, people = _group(first, "source"), _group(first, "people")
    return Entry(
        sequence=first.sequence,
        time=first.time,
        trigger=_trigger(first),
        decision=Decision(_text(last.body.get("decision"))) if decided else None,
        interrupted=last.event is Event.INTERRUPTED,
        reason=_text(last.body.get("reason")),
        message=_text(last.body.get("message")),
        repository=_text(source.get("repository")),
        revision=_text(_group(first, "revisions").get("last_attempted")),
        commit=_text(source.get("commit")),
        subject=_text(source.get("subject")),
        author=_person(people.get("author")),
        creates=_number(counts.get("create")),
        updates=_number(counts.get("update")),
        deletes=_number(counts.get("delete")),
        quarantined=len(_list(last.body.get("quarantined"))),
        acks=_acks(last),
        records=(first,) if result is None else (first, result),
        happened=_happened(first, result),
        finished_at=_finished(last),
        committer=_person(people.get("committer")),
        commits=tuple(_text(each.get("commit")) for each in _dicts(source.get("commits"))),
        commits_omitted=_number(source.get("commits_omitted")),
        authors=tuple(dict.fromkeys(_person(each.get("author")) for each in _dicts(source.get("commits")))),
        pull_request=_pull_request(people),
        approvers=_approvers(people.get("approvers")),
        signed=_signed(first.body.get("verification")),
        lead_ms=_lead(last),
        actor=_actor(first.body.get("actor")),
        claimed=_claimed(people),
        self_approved=people.get("approved_by_another") == Answer.NO and bool(_list(people.get("approvers"))),
    )


def _trigger(first: AuditRecord) -> Trigger | None:
    """A note has none, and what was deleted tells none."""
    if not first.body or first.event in (Event.NOTE, Event.JOURNAL_STARTED):
        return None
    return Trigger(_text(first.body.get("trigger")))


def _happened(first: AuditRecord, result: AuditRecord | None) -> tuple[Happening, ...]:
    found = set(happened(first.event, first.body)) if first.body else set()
    if result is not None and result.body:
        found.update(happened(result.event, result.body, first.body))
    return tuple(sorted(found))


def _finished(last: AuditRecord) -> datetime | None:
    """By its own word; what has none ended when it was recorded, but an intent has not."""
    said = _text(last.body.get("finished_at"))
    if said:
        return datetime.fromisoformat(said)
    return None if last.event is Event.INTENT else last.time


def _pull_request(people: dict[str, Json]) -> str:
    found = people.get("pull_request", UNKNOWN)
    return str(found.get("number", "")) if isinstance(found, dict) else _text(found)


def _approvers(found: Json) -> tuple[str, ...] | None:
    if not isinstance(found, list):
        return None
    return tuple(_text(each.get("name")) for each in _dicts(found))


def _signed(found: Json) -> Answer:
    """That there is a signature says nothing yet: everybody can sign."""
    if not isinstance(found, dict):
        return Answer.UNKNOWN
    return {"trusted": Answer.YES, "untrusted": Answer.NO, "unsigned": Answer.NO}.get(
        _text(found.get("result")), Answer.UNKNOWN
    )


def _lead(last: AuditRecord) -> int | None:
    found = _group(last, "effect", "lead_times_ms").get("commit_to_ack")
    return found if isinstance(found, int) else None


def _actor(found: Json) -> str:
    if not isinstance(found, dict):
        return ""
    name = _text(found.get("name"))
    return name if name and name != UNKNOWN else _text(found.get("through"))


def _claimed(people: dict[str, Json]) -> str:
    claims = people.get("claims")
    return _text(claims.get("pull_request")) if isinstance(claims, dict) else ""


def _acks(record: AuditRecord) -> tuple[tuple[str, int], ...]:
    """Of every Envoy the word that matters most: one type rejected or silent is not outweighed by others accepted."""
    worst: dict[tuple[str, str], str] = {}
    for ack in _dicts(_group(record, "effect").get("acks")):
        node, state = (_text(ack.get("target")), _text(ack.get("node"))), _text(ack.get("state"))
        worst[node] = min(worst.get(node, state), state, key=_gravity)
    return tuple((state, many) for state, many in sorted(Counter(worst.values()).items()))


def _gravity(state: str) -> int:
    return _WORST_FIRST.index(state) if state in _WORST_FIRST else 0


def _group(record: AuditRecord, *path: str) -> dict[str, Json]:
    found: Json = record.body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _person(person: Json) -> str:
    return f"{_text(person.get('name'))} <{_text(person.get('email'))}>" if isinstance(person, dict) else ""


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _dicts(value: Json) -> list[dict[str, Json]]:
    return [each for each in _list(value) if isinstance(each, dict)]


def took_effect(entry: Entry) -> bool:
    """Whether another thing was served after an entry, or, of what never ended, may have been: what auditors count."""
    change = applied_change(entry.records[0].body, entry.records[-1].body)
    differs = change.get("snapshot_before") != change.get("snapshot_after")
    return differs and entry.decision in (None, Decision.APPLIED, Decision.PARTIAL)
