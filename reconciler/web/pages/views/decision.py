"""One decision, whole: who, what, checked how, refused why, taken by whom, and how to prove it. Pure."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.audit import AuditRecord
from reconciler.model.digest import Json
from reconciler.model.entry import Answer, Entry
from reconciler.model.telling import applied_change
from reconciler.web.pages.views import badges, evidence, facts, outcomes, timeline
from reconciler.web.pages.views.acknowledgements import Node, nodes_of
from reconciler.web.pages.views.badges import Badge
from reconciler.web.pages.views.changes import ChangedHost, ChangedRoute, changed_host, changed_route, risks_of
from reconciler.web.pages.views.evidence import Fact
from reconciler.web.pages.views.facts import HIDDEN, Group
from reconciler.web.pages.views.moments import Moment, moment
from reconciler.web.pages.views.places import Place, place
from reconciler.web.pages.views.timing import Timing, timing

ROUTES_PER_PAGE = 50
_MOST_RISKS = 50


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why it was not applied, and what to do about it."""

    reason: str
    message: str
    advice: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem that a check found."""

    badge: Badge
    code: str
    resource: str
    place: Place | None
    field: str
    message: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One of the commits that it brought."""

    sha: str
    author: str
    subject: str
    at: Moment | None


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the journal behind it."""

    sequence: int
    event: str
    at: Moment
    hash: str
    previous: str
    body: Json


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """All of it.

    Attributes:
        item: its line of the timeline.
        withheld: what of its records whoever asks may not see, as an `Entry` has it.
        applied: whether what changed came to Envoys.
        routes: those of one page; ``many`` of all.
        damaged: numbers of the records that are not as they were written.
        risks: what of it deserves a second look, each with what it is about.
    """

    item: timeline.Item
    withheld: tuple[str, ...]
    trigger: str
    source: tuple[Fact, ...]
    people: tuple[Fact, ...]
    verification: tuple[Fact, ...]
    exceptions: tuple[Fact, ...]
    drift: tuple[str, ...]
    commits: tuple[Commit, ...]
    applied: Answer
    routes: tuple[ChangedRoute, ...]
    many: int
    risks: tuple[str, ...]
    hosts: tuple[ChangedHost, ...]
    refusals: tuple[Refusal, ...]
    findings: tuple[Finding, ...]
    quarantined: tuple[tuple[str, bool], ...]
    nodes: tuple[Node, ...]
    rejections: tuple[Node, ...]
    timing: Timing | None
    digests: tuple[Fact, ...]
    records: tuple[Record, ...]
    damaged: tuple[int, ...]


def decision_page(entry: Entry, now: datetime, page: int = 1) -> DecisionPage:
    """One entry of the log as a page.

    Args:
        entry: with the bodies of its records, as far as the visitor may see them.
        now: for "3 min ago".
        page: of the routes, from 1.
    """
    begin, end = entry.records[0].body, entry.records[-1].body
    change = applied_change(begin, end)
    routes = facts.groups(change.get("routes"))
    shown = routes[(page - 1) * ROUTES_PER_PAGE : page * ROUTES_PER_PAGE]
    effect = facts.group(end, "effect")
    return DecisionPage(
        item=timeline.item(entry, now),
        withheld=entry.withheld,
        trigger=str(entry.trigger or ""),
        source=evidence.source(begin, entry.withheld),
        people=evidence.people(begin, entry),
        verification=_verification(begin, entry),
        exceptions=evidence.hidden("Overridden") if "exceptions" in entry.withheld else evidence.exceptions(begin),
        drift=_drift(begin, entry),
        commits=tuple(_commit(one, now) for one in facts.groups(facts.group(begin, "source").get("commits"))),
        applied=outcomes.applied(entry),
        routes=tuple(changed_route(one) for one in shown),
        many=len(routes),
        risks=_risks(change, begin, end),
        hosts=tuple(changed_host(one) for one in facts.groups(change.get("hosts"))),
        refusals=tuple(_refusal(one) for one in facts.groups(change.get("refusals"))),
        findings=tuple(_finding(one) for one in facts.groups(end.get("checks"))),
        quarantined=tuple(_quarantined(one) for one in facts.groups(end.get("quarantined"))),
        nodes=nodes_of(facts.groups(effect.get("acks"))),
        rejections=nodes_of(facts.groups(effect.get("rejections"))),
        timing=timing(entry, begin, end),
        digests=_digests(begin, end, change),
        records=tuple(_record(one, now) for one in entry.records),
        damaged=tuple(one.sequence for one in entry.records if not one.intact),
    )


def _verification(begin: Group, entry: Entry) -> tuple[Fact, ...]:
    if "verification" in entry.withheld:
        return evidence.hidden("Signature")
    return evidence.verification(begin.get("verification")) if begin.get("source") else ()


def _drift(begin: Group, entry: Entry) -> tuple[str, ...]:
    if "drift" in entry.withheld:
        return (HIDDEN,)
    return tuple(evidence.drift(one) for one in facts.groups(begin.get("drift")))


def _risks(change: Group, begin: Group, end: Group) -> tuple[str, ...]:
    """Of routes, and of what the records say of the change as a whole."""
    found, told = [], set[str]()
    for one in facts.groups(change.get("routes")):
        name = f"{facts.text(one.get('namespace'))}/{facts.text(one.get('name'))}"
        found += [f"{name}: {risk}" for risk in risks_of(one)]
        told.update(risks_of(one))
    for body in (change, begin, end):
        found += [risk for risk in risks_of(body) if risk not in told]
    return tuple(dict.fromkeys(found))[:_MOST_RISKS]


def _commit(one: Group, now: datetime) -> Commit:
    at = facts.time(one.get("committed_at"))
    return Commit(
        facts.text(one.get("commit")),
        facts.person(one.get("author")),
        facts.text(one.get("subject")),
        moment(at, now) if at else None,
    )


_ADVICE = {
    "EmptyTable": "If nothing is to be served, apply this very plan with --allow-plan and its digest; otherwise look "
    "whether the folder, the branch or the ambassador_id is the one you mean.",
    "TooManyDeletes": "If so many routes are to go, apply this very plan with --allow-plan and its digest; otherwise "
    "bring back what was removed by mistake.",
    "HistoryRewritten": "Find out who pushed over the branch. If the new history is right, apply this very plan with "
    "--allow-plan and its digest.",
    "Unguarded": "Mend what guards these requests; nobody is let past it until then.",
}


def _refusal(one: Group) -> Refusal:
    reason = facts.text(one.get("reason"))
    return Refusal(reason, facts.text(one.get("message")), _ADVICE.get(reason, ""))


def _finding(one: Group) -> Finding:
    return Finding(
        badges.of_severity(facts.text(one.get("severity"))),
        facts.text(one.get("code")),
        facts.text(one.get("resource")),
        place(one.get("place")),
        facts.text(one.get("field")),
        facts.text(one.get("message")),
        facts.text(one.get("expected")),
        facts.text(one.get("got")),
    )


def _quarantined(one: Group) -> tuple[str, bool]:
    kind, namespace, name = (facts.text(one.get(part)) for part in ("kind", "namespace", "name"))
    return f"{kind} {namespace}/{name}", one.get("older_version_served") is True


def _digests(begin: Group, end: Group, change: Group) -> tuple[Fact, ...]:
    tool = facts.group(begin, "tool")
    served = facts.group(end, "served")
    named = {
        "Plan": change.get("plan"),
        "Snapshot before": change.get("snapshot_before"),
        "Snapshot after": change.get("snapshot_after"),
        "Documents served": served.get("documents") or served.get("digest"),
        "Settings": tool.get("config"),
        "Program": tool.get("version"),
    }
    return tuple(Fact(name, facts.text(value), code=True) for name, value in named.items() if facts.text(value))


def _record(record: AuditRecord, now: datetime) -> Record:
    previous = facts.text(record.body.get("previous"))
    return Record(record.sequence, str(record.event), moment(record.time, now), record.hash, previous, record.body)
