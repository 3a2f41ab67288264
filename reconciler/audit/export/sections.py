"""What an evidence pack tells of one entry: names with values, and tables. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.audit.export import facts
from reconciler.audit.export.exceptions import exceptions
from reconciler.audit.export.facts import Acked, Changed, Place, dicts, text, word
from reconciler.audit.record.groups import stamp
from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN, Answer, Entry
from reconciler.model.question import Window

_MOST_FINDINGS = 50
_NOTHING = "-"
_TIMES = {
    "commit_to_merge": "from commit to merge",
    "commit_to_fetch": "from commit to fetch",
    "fetch_to_apply": "from fetch to apply",
    "apply_to_ack": "from apply to the last acknowledgement",
    "commit_to_ack": "from commit to the last acknowledgement",
}
_CAPTIONS = {
    Answer.YES: "What changed",
    Answer.NO: "What was asked for and is not served by this entry",
    Answer.UNKNOWN: "What was asked for; whether it was applied is not known",
}

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a caption; it is left out where there are none."""

    caption: str
    columns: Row
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One entry; ``facts`` are names with values, ``exceptions`` what an auditor will ask about."""

    number: int
    title: str
    exceptions: Row
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]


def section(entry: Entry, hours: Window | None) -> Section:
    """All that is told of an entry."""
    return Section(
        number=entry.sequence,
        title=title(entry),
        exceptions=exceptions(entry, hours),
        facts=tuple((name, value) for name, value in _facts(entry) if value),
        tables=tuple(table for table in _tables(entry) if table.rows),
    )


def title(entry: Entry) -> str:
    """An entry in one line."""
    ended = str(entry.decision or "Interrupted") if entry.trigger else ", ".join(entry.happened)
    if facts.under_way(entry):
        ended = "under way"
    damaged = "" if entry.intact else "DAMAGED"
    commit = f"{entry.commit[:7]} {entry.subject}" if entry.commit else entry.message
    return ": ".join(filter(None, (damaged, ended, commit)))


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "Recorded", stamp(entry.time)
    yield "Ended", stamp(entry.finished_at) if entry.finished_at else ""
    yield "What happened", ", ".join(entry.happened)
    yield "Reason", entry.reason
    yield "Message", entry.message
    yield "Trigger", str(entry.trigger or "")
    yield "Asked for by", entry.actor
    yield "Controller", facts.controller(entry)
    if entry.trigger is not None:
        yield from _of_source(entry)
        yield from _of_review(entry)
        yield from _of_effect(entry)


def _of_source(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "Repository", entry.repository
    yield "Revision", entry.revision
    yield "Commit", entry.commit
    yield "Subject", entry.subject
    yield "Author", entry.author or UNKNOWN
    yield "Committer", entry.committer or UNKNOWN


def _of_review(entry: Entry) -> Iterator[tuple[str, str]]:
    people = facts.first(entry, "people")
    request, approvals, merger = people.get("pull_request", UNKNOWN), facts.approvals(entry), people.get("merger")
    yield "Pull request", _request(request, entry)
    yield "Approved by", UNKNOWN if approvals is None else "; ".join(approvals) or "nobody"
    yield "Approved by another than its author", str(entry.approved)
    yield "Merged by", _spoken(merger)
    checks = people.get("checks", UNKNOWN)
    runs = "; ".join(f"{text(each.get('name'))}: {text(each.get('result'))}" for each in dicts(checks))
    yield "Checks of the forge", (runs or "none") if isinstance(checks, list) else UNKNOWN
    claims = people.get("claims")
    if isinstance(claims, dict):
        yield "The commit message claims", "; ".join(f"{name}: {_said(said)}" for name, said in claims.items())
    found = facts.first(entry, "verification")
    signed = {Answer.YES: "signed by a trusted key", Answer.NO: "not signed by a trusted key"}
    how = "; ".join(f"{name}: {_said(said)}" for name, said in found.items() if said is not None)
    yield "Signature", ", ".join(filter(None, (signed.get(entry.signed, UNKNOWN), how)))


def _of_effect(entry: Entry) -> Iterator[tuple[str, str]]:
    change, effect = facts.change(entry), facts.last(entry, "effect")
    yield "Plan", text(change.get("plan"))
    yield "Risks", ", ".join(facts.risks(facts.changes(entry)))
    yield "Configuration before", text(change.get("snapshot_before"))
    yield "Configuration after", text(change.get("snapshot_after"))
    yield "Acknowledged by every Envoy", str(entry.acknowledged)
    times = effect.get("lead_times_ms")
    for name, words in _TIMES.items():
        if isinstance(times, dict) and name in times:
            yield f"Time {words}", _milliseconds(times[name])


def _request(told: Json, entry: Entry) -> str:
    if told is None:
        return "none"
    if not isinstance(told, dict):
        claimed = f" (the commit message names {entry.claimed}; nobody asked a forge)" if entry.claimed else ""
        return f"{UNKNOWN}{claimed}"
    named = (text(told.get("title")), f"by {word(told.get('author'))}", text(told.get("url")))
    return ", ".join(filter(None, (f"number {word(told.get('number'))}", *named)))


def _spoken(told: Json) -> str:
    return f"{word(told.get('name'))} at {word(told.get('time'))}" if isinstance(told, dict) else UNKNOWN


def _said(told: Json) -> str:
    return ", ".join(word(each) for each in told) if isinstance(told, list) else word(told)


def _milliseconds(told: Json) -> str:
    return f"{told / 1000:.3f} s" if isinstance(told, int) else UNKNOWN


def _tables(entry: Entry) -> Iterator[Table]:
    found = facts.changes(entry)
    sides = ("Field", "Before", "After", "Written at", "Last touched by", "Risks")
    for applied, caption in _CAPTIONS.items():
        rows = (row for each in found if each.applied is applied for row in _of_change(each))
        yield Table(caption, ("Change", "What", *sides), tuple(rows))
    commits = dicts(facts.first(entry, "source").get("commits"))
    yield Table("Commits", ("Commit", "Author", "Subject", "Signature"), tuple(_commit(each) for each in commits))
    verdicts = facts.last(entry, "verdicts").items()
    yield Table("Checks", ("Check", "Verdict"), tuple((name, word(said)) for name, said in verdicts))
    yield _findings(dicts(facts.last(entry).get("checks")))
    heard = ("Target", "Envoy", "Type", "State", "Known by", "Detail")
    yield Table("Acknowledgements", heard, tuple(_acks(facts.acks(entry))))
    yield Table("Rejected before the rest was applied", heard, tuple(_acks(facts.rejections(entry))))
    yield Table(
        "Targets",
        ("Target", "Read back as it was written", "Object", "Version"),
        tuple(_target(each) for each in dicts(facts.last(entry, "effect").get("targets"))),
    )
    lifted = ("What", "Refused for", "By", "Reason", "Approved by", "Expires", "Followed up by")
    yield Table("Safeguards that were overridden", lifted, tuple(map(_lifted, facts.exceptions(entry))))
    drift = dicts(facts.first(entry).get("drift"))
    names = ("target", "what", "by", "at")
    yield Table(
        "Drift", ("Target", "What", "By", "At"), tuple(tuple(word(each.get(n)) for n in names) for each in drift)
    )
    records = (
        (str(record.sequence), str(record.event), record.hash, "yes" if record.intact else "NO: damaged")
        for record in entry.records
    )
    yield Table("Records of the journal", ("Number", "Event", "Hash", "Content has this hash"), tuple(records))


def _of_change(found: Changed) -> Iterator[Row]:
    """A row for each field; the first one says what it is about."""
    place, risks = found.place, ", ".join(found.risks)
    about = (found.op, f"{found.kind} {found.label}")
    where = (str(place) if place else _NOTHING, _touched(place), risks or _NOTHING)
    if not found.fields:
        yield (*about, _NOTHING, _NOTHING, _NOTHING, *where)
    for number, field in enumerate(found.fields):
        sides = (field.field, field.before or _NOTHING, field.after or _NOTHING)
        yield (*about, *sides, *where) if number == 0 else ("", "", *sides, "", "", "")


def _touched(place: Place | None) -> str:
    if place is None:
        return _NOTHING
    return f"{place.commit[:7]} {place.author}".strip() if place.commit else place.written or UNKNOWN


def _commit(told: dict[str, Json]) -> Row:
    author = told.get("author")
    name = f"{text(author.get('name'))} <{text(author.get('email'))}>" if isinstance(author, dict) else UNKNOWN
    return text(told.get("commit")), name, text(told.get("subject")), word(told.get("signature"))


def _findings(found: list[dict[str, Json]]) -> Table:
    names = ("severity", "code", "resource", "message")
    shown = tuple(tuple(text(each.get(name)) for name in names) for each in found[:_MOST_FINDINGS])
    more = f" (the first {_MOST_FINDINGS} of {len(found)})" if len(found) > _MOST_FINDINGS else ""
    return Table(f"Findings{more}", ("Severity", "Code", "About", "Message"), shown)


def _target(told: dict[str, Json]) -> Row:
    written = told.get("object")
    named = (
        (text(written.get("name")), word(written.get("resource_version"))) if isinstance(written, dict) else ("", "")
    )
    return word(told.get("target")), word(told.get("read_back")), *(each or _NOTHING for each in named)


def _lifted(told: dict[str, Json]) -> Row:
    """A safeguard: what it would have refused, and who wanted otherwise."""
    refused = ", ".join(text(each.get("reason")) for each in dicts(told.get("refusals")))
    by = told.get("by")
    who = f"{word(by.get('name'))}, {word(by.get('through'))}" if isinstance(by, dict) else UNKNOWN
    rest = (word(told.get(name)) for name in ("reason", "approver", "expires", "follow_up"))
    return word(told.get("what")), refused or UNKNOWN, who, *rest


def _acks(found: Iterable[Acked]) -> Iterator[Row]:
    for each in found:
        yield each.target, each.node, each.type.rpartition(".")[2], each.state, each.evidence, each.detail
