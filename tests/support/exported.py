"""One small journal with a bit of everything, as what exports of it are made from: no database, the same every time."""

import json
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from reconciler.audit.export import cloudevents, intoto, ocsf, pack
from reconciler.audit.export import table as table_of
from reconciler.audit.export.given import Given
from reconciler.audit.proof.chain import FIRST_PREVIOUS, seal
from reconciler.audit.proof.merkle import Frontier, leaf
from reconciler.audit.proof.note import Checkpoint, signed
from reconciler.audit.proof.signing import Signer
from reconciler.audit.record import records
from reconciler.audit.record.groups import Facts, read_stamp, stamp
from reconciler.model.audit import Attempt, AuditRecord, Conclusion, Event
from reconciler.model.controller import Controller
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import Json, digest_bytes
from reconciler.model.effect import Ack, AckState, Drift, Evidence, Placed
from reconciler.model.entry import Entry, entry
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.plan import Plan, Refusal, RefusalReason
from reconciler.model.question import Window
from reconciler.model.review import Approval, CheckRun, Review
from reconciler.model.source import Commit, Person, Signature
from reconciler.model.table import EMPTY_TABLE
from tests.support.journals import NOON, SNAPSHOT, attempt, commit, conclusion
from tests.support.plans import compare, route, table

FOLDER = Path(__file__).parents[1] / "unit" / "audit_export" / "expected"
ORIGIN = "example.com/journal"
SIGNER = Signer.of(b"\x01" * 32, ORIGIN)
HOSTILE = "=HYPERLINK(\"http://evil.example\") | <script>alert('1')</script> [x](http://evil.example) \u202e`*_#\r\n- a"
PLACED = Placed("configmap:edge/routes", "edge/routes", "0c1f", "4711")
REVIEW = Review(
    "12",
    "https://git.example.com/team/routes/pulls/12",
    "Send the shop to its new service",
    "ann",
    (Approval("bob", NOON - timedelta(minutes=1, seconds=30), f"{1:040x}"[::-1], "bob@example.com"),),
    "bob",
    NOON - timedelta(minutes=1),
    (CheckRun("validate", "success"),),
    "bob",
)


class Writer:
    """Seals records one after the other, a second each."""

    def __init__(self) -> None:
        self.records: list[AuditRecord] = []

    def add(self, event: Event, facts: Facts) -> AuditRecord:
        """The next record."""
        sequence = len(self.records) + 1
        previous = self.records[-1].hash if self.records else FIRST_PREVIOUS
        at = stamp(NOON + timedelta(seconds=sequence))
        body, _, digest = seal(sequence, at, event, previous, facts)
        self.records.append(AuditRecord(sequence, read_stamp(at), event, body, digest))
        return self.records[-1]

    def apply(self, tried: Attempt, ended: Conclusion | None) -> None:
        """An intent with its result; None: the process died."""
        first = self.add(Event.INTENT, records.intent(tried))
        if ended is None:
            self.add(Event.INTERRUPTED, records.interrupted(first.sequence, first.body))
            return
        served: Json = None
        if ended.decision in (Decision.APPLIED, Decision.PARTIAL):
            served = records.served_summary(ended.served, ended.plan.after, 2, digest_bytes(b"documents"))
        self.add(Event.RESULT, records.result(first.sequence, first.body, ended, served))


def entries(sealed: Sequence[AuditRecord]) -> list[Entry]:
    """The entries of a journal, oldest first."""
    ends = {each.body["intent"]: each for each in sealed if each.event in (Event.RESULT, Event.INTERRUPTED)}
    listed = (each for each in sealed if each.event in (Event.INTENT, Event.DECISION, Event.NOTE))
    return [entry(first, ends.get(first.sequence)) for first in listed]


def given(sealed: Sequence[AuditRecord], **changed: object) -> Given:
    """What an export of them has beside them."""
    frontier = Frontier()
    for each in sealed:
        frontier, _ = frontier.append(leaf(each.hash))
    checkpoint = signed(Checkpoint(ORIGIN, len(sealed), frontier.root()), SIGNER)
    at = NOON + timedelta(hours=1)
    plain = Given(ORIGIN, len(sealed), checkpoint, str(SIGNER.public), at, "all", "1.2.3", SIGNER)
    return replace(plain, **changed)  # type: ignore[arg-type]


def hostile(text: str) -> list[Entry]:
    """One apply in which everything that others write says this."""
    who = Person(text, text)
    made = commit(1, author=who, committer=who, subject=text, trailers=((text, text),))
    review = replace(REVIEW, title=text, author=text, approvals=(Approval(text),), merger=text)
    tried = _attempt(made, table([]), table([route(text)]), review=review, actor=Actor(text, text))
    ack = Ack(text, text, text, text, AckState.NACKED, Evidence.STREAM, text)
    writer = Writer()
    writer.apply(tried, conclusion(tried, acks=(ack,), reason=text, message=text))
    return entries(writer.records)


def sample() -> list[AuditRecord]:
    """The journal of the golden files."""
    writer = Writer()
    writer.add(Event.JOURNAL_STARTED, records.started("1.2.3", "layout"))
    writer.add(Event.NOTE, records.note(Note(Happening.AUDIT_START, "the journal is written from now on")))
    first, second, third = (_tables()[name] for name in ("first", "second", "third"))
    reviewed = commit(1, subject="Send the shop to its new service", signature=Signature.SSH)
    applied = _attempt(reviewed, EMPTY_TABLE, first, review=REVIEW)
    writer.apply(applied, conclusion(applied, acks=_acks(AckState.ACKED)))
    alone = commit(2, subject=HOSTILE, author=Person("Eve | <b>", "eve@example.com"), signature=Signature.NONE)
    drift = (Drift("xds", "a cluster was edited", "kubectl-edit", NOON),)
    unasked = _attempt(alone, first, second, drift=drift, allowed_by=Actor("eve", "setting allow_plan"))
    overridden = Refusal(RefusalReason.TOO_MANY_DELETES, "1 of 2 routes would go")
    unasked = replace(unasked, plan=replace(unasked.plan, lifted=(overridden,)))
    partly = conclusion(
        unasked, decision=Decision.PARTIAL, reason="Quarantined", acks=_acks(AckState.NACKED), placed=(PLACED,)
    )
    writer.apply(unasked, partly)
    refused = _attempt(commit(3), second, third, trigger=Trigger.RETRY)
    told = conclusion(refused, decision=Decision.REFUSED, reason="TooManyDeletes", message="3 of 3 go", acks=())
    writer.add(Event.DECISION, records.decision(refused, told, None))
    writer.apply(_attempt(commit(4), second, third), None)
    ann = Actor("ann", "kubectl")
    writer.add(Event.NOTE, records.note(Note(Happening.SUSPEND, "nothing is applied until it is resumed", ann)))
    auditor = Actor("auditor", "command line on host-1")
    writer.add(Event.NOTE, records.note(Note(Happening.EXPORT, "4 entries were given out", auditor)))
    writer.add(Event.INTENT, records.intent(_attempt(commit(5), second, third)))
    return writer.records


def _tables() -> dict[str, object]:
    shop, cart, help_ = route("shop"), route("cart"), route("help")
    moved = route("shop", precedence=5)
    return {"first": table([shop, cart]), "second": table([moved, help_]), "third": EMPTY_TABLE}


def _attempt(made: Commit, before: object, after: object, **changed: object) -> Attempt:
    controller = Controller("default", "replica-1", "production", "host-1", 7)
    planned: Plan = compare(before, after)  # type: ignore[arg-type]
    return attempt(1, commit=made, plan=planned, commits_in_range=(made,), controller=controller, **changed)


def _acks(state: AckState) -> tuple[Ack, ...]:
    types: Iterable[str] = ("envoy.config.cluster.v3.Cluster", "envoy.config.route.v3.RouteConfiguration")
    detail = "no such cluster" if state is AckState.NACKED else ""
    return tuple(
        Ack("xds", "envoy-1", f"type.googleapis.com/{name}", SNAPSHOT, state, Evidence.STREAM, detail) for name in types
    )


def formats(sealed: Sequence[AuditRecord]) -> dict[str, str]:
    """Each format of the whole journal, by the name of its golden file."""
    listed, beside = entries(sealed), given(sealed)
    hours = Window(frozenset(range(5)), time(13), time(17), ZoneInfo("UTC"))
    made = {
        "export.csv": table_of.rows(listed),
        "export.cloudevents.json": cloudevents.batch(listed, beside),
        "export.ocsf.jsonl": ocsf.lines(listed, beside),
        "export.intoto.jsonl": intoto.lines(listed, beside, SIGNER),
        "pack.md": pack.markdown(lambda: listed, beside, hours),
        "pack.html": pack.html(lambda: listed, beside, hours),
    }
    texts = {name: "".join(pieces) for name, pieces in made.items()}
    statements = [
        json.loads(b64decode(json.loads(line)["payload"])) for line in texts["export.intoto.jsonl"].splitlines()
    ]
    return texts | {"export.intoto.statements.json": json.dumps(statements, indent=2) + "\n"}


if __name__ == "__main__":
    for name, text in formats(sample()).items():
        (FOLDER / name).write_bytes(text.encode())
