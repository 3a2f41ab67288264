"""What an outcome means to whom."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import kubernetes_validate
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.announce.correlator import Correlator, Entry
from reconciler.announce.event import Said, event_body
from reconciler.announce.news import News, news, served_by
from reconciler.announce.notice import Notice, Subject, Weight, bounded
from reconciler.announce.object_status import object_statuses
from reconciler.model.decision import Decision, Trigger
from reconciler.model.effect import Ack, AckState, Drift, Evidence
from reconciler.model.outcome import Outcome
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import ObjectTouch, Provenance, Touch, object_path
from reconciler.model.resource import Kind, ResourceId
from reconciler.model.source import ObjectChange, ObjectOp, Revision

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHOLE = Subject("RoutingRepository", "edge", "routes", "u-9")
TOUCH = ObjectTouch("u-1", "881", "kubectl", NOON)
SHOP = Provenance(object_path("Service", "shop", "web"), 3, TOUCH)
CART = Provenance(object_path("Ingress", "cart", "web") + "/spec", 0, replace(TOUCH, uid="u-2"))
DONE = Outcome(Trigger.NEW_REVISION, Decision.APPLIED, NOON, NOON, attempted=Revision("main", "abc"), sequence=7)


def problem(code: Code, severity: Severity = Severity.ERROR, **more: object) -> Problem:
    """A finding in the annotation of a Service."""
    found = Problem(
        code, severity, "no such field", SHOP, "spec.prefixx", hint="Is it prefix?", resource="Mapping shop/a"
    )
    return replace(found, **more)  # type: ignore[arg-type]


def told(outcome: Outcome, repository: Subject | None = None) -> News:
    """By a replica called edge-0."""
    return news(outcome, repository, "edge-0")


def reasons(notices: tuple[Notice, ...]) -> list[tuple[str, str, Weight]]:
    """Of what, why, how bad."""
    return sorted((n.subject.place, n.reason, n.weight) for n in notices)


def test_each_finding_has_its_reason_on_its_object() -> None:
    """Which says whether an older version stands in, and leaves out what is for the log alone."""
    cases = {
        (Code.UNKNOWN_FIELD, Severity.ERROR): ("Invalid", Weight.WARNING),
        (Code.NOT_OWNER, Severity.ERROR): ("NotOwner", Weight.WARNING),
        (Code.CONFLICT, Severity.ERROR): ("Conflict", Weight.WARNING),
        (Code.ENVOY_REJECTED, Severity.ERROR): ("EnvoyRejected", Weight.WARNING),
        (Code.SHADOWED, Severity.WARNING): ("Shadowed", Weight.NORMAL),
    }
    for (code, severity), (reason, weight) in cases.items():
        (notice,) = told(replace(DONE, problems=(problem(code, severity),))).standing
        assert (notice.reason, notice.weight, notice.subject) == (
            reason,
            weight,
            Subject("Service", "shop", "web", "u-1"),
        )
    assert told(replace(DONE, problems=(problem(Code.FIELD_IGNORED, Severity.WARNING),))).standing == ()
    kept = ((ResourceId(Kind.MAPPING, "shop", "a"), True),)
    (notice,) = told(replace(DONE, problems=(problem(Code.UNKNOWN_FIELD),), quarantined=kept)).standing
    assert notice.reason == "Quarantined"
    assert notice.note == ("[unknown-field] Mapping shop/a: no such field at spec.prefixx (line 3). Is it prefix?")


def test_thirty_broken_documents_of_one_annotation_are_one_event() -> None:
    """With the first of them."""
    many = tuple(problem(Code.UNKNOWN_FIELD, message=f"finding {n}") for n in range(30))
    (notice,) = told(replace(DONE, problems=many)).standing
    assert notice.note.startswith("30 findings: (1) [unknown-field] Mapping shop/a: finding 0")


def test_a_conflict_is_told_to_both() -> None:
    """The one that goes on being served is not warned."""
    found = told(replace(DONE, problems=(problem(Code.CONFLICT, related=(CART,)),)))
    assert reasons(found.standing) == [
        ("Ingress cart/web", "Conflict", Weight.NORMAL),
        ("Service shop/web", "Conflict", Weight.WARNING),
    ]
    (winner,) = (notice for notice in found.standing if notice.weight is Weight.NORMAL)
    assert winner.note == "Mapping in another namespace no such field"


OTHER = Provenance(object_path("Service", "secret", "vault"), 7, replace(TOUCH, uid="u-3"))
FILE = Provenance("teams/secret/a.yaml", 3, Touch("0123456789", "Eve <eve@example.com>", NOON))


@pytest.mark.parametrize("winner", [OTHER, FILE], ids=["namespace", "file"])
@pytest.mark.parametrize(
    "message",
    [
        "asks for the same requests (*/a…) as Mapping secret/vault ({}), which was there first and keeps them",
        "is shadowed by {}, which is served",
        "is for {{b.example.com}}, for which secret/vault has other TLS settings",
    ],
)
@pytest.mark.parametrize("code", [Code.CONFLICT, Code.SHADOWED, Code.WEIGHTS])
def test_nobody_is_told_what_stands_elsewhere(winner: Provenance, message: str, code: Code) -> None:
    """On neither of the two objects, nor in their status, however the finding is put; of its own each is told all."""
    said = message.format(winner)
    outcome = replace(DONE, problems=(problem(code, message=said, related=(winner,), resource="Mapping shop/cart"),))
    custom = Provenance(object_path("Mapping", "shop", "cart"), 0, TOUCH)
    status = object_statuses(replace(DONE, problems=(replace(outcome.problems[0], provenance=custom),)), ())
    notices = {notice.subject.namespace: notice.note for notice in told(outcome).standing}
    texts = [notices["shop"], *(one.message for one in status.values())]
    assert len(texts) == 2
    for text in texts:
        assert not re.search(r"secret|vault|u-3|Eve|0123456", text), text
        assert ("in the repository" if winner is FILE else "in another namespace") in text
        assert "Mapping shop/cart" in text
    if "secret" in notices:
        assert notices["secret"] == f"Mapping in another namespace {said}"
    near = Provenance(object_path("Service", "shop", "neighbour"), 7, TOUCH)
    said = message.format(near)
    (notice, *_) = told(replace(DONE, problems=(problem(code, message=said, related=(near,)),))).standing
    assert said in notice.note


def test_findings_in_files_are_nobodys_event() -> None:
    """A file is no object."""
    assert (
        told(replace(DONE, problems=(problem(Code.UNKNOWN_FIELD, provenance=Provenance("a.yaml", 3)),))).standing == ()
    )


def test_an_object_that_changed_is_told_that_it_is_served() -> None:
    """Not one that is gone, nor one that is broken."""
    changed = tuple(
        ObjectChange(place.path, op, TOUCH) for place, op in ((SHOP, ObjectOp.CHANGED), (CART, ObjectOp.REMOVED))
    )
    acks = (Ack("xds", "envoy", "cds", "1", AckState.ACKED, Evidence.STREAM),)
    done = replace(DONE, objects=changed, acks=acks)
    (notice,) = told(done).passing
    assert (notice.reason, notice.note) == ("Applied", "served by 1 Envoy; journal entry 7")
    assert told(replace(done, problems=(problem(Code.UNKNOWN_FIELD),))).passing == ()
    assert told(replace(done, decision=Decision.REFUSED)).passing == ()


def test_who_serves_is_counted_by_envoy() -> None:
    """One type outstanding, and the Envoy has not all of it."""

    def ack(node: str, kind: str, state: AckState, evidence: Evidence = Evidence.STREAM, target: str = "xds") -> Ack:
        return Ack(target, node, kind, "1", state, evidence)

    acked, pending = AckState.ACKED, AckState.PENDING
    assert (
        served_by([ack("a", "cds", acked), ack("a", "lds", pending), ack("b", "cds", acked)])
        == "served by 1 of 2 Envoys"
    )
    written = ack("", "", AckState.UNKNOWN, Evidence.READ_BACK, "configmap:edge/envoy")
    assert served_by([written]) == "written to ConfigMap edge/envoy"
    assert served_by([]) == "applied; no Envoy was connected"


def test_drift_is_told_on_the_config_map() -> None:
    """With who did it, and that it is as before."""
    drift = (Drift("configmap:edge/envoy", "lds.pb differs", "kubectl-edit", NOON), Drift("files:/x", "gone"))
    (notice,) = told(replace(DONE, drift=drift)).passing
    assert notice.subject == Subject("ConfigMap", "edge", "envoy")
    assert notice.note == "lds.pb differs, by kubectl-edit at 2026-03-01T12:00:00Z; put back"


def test_the_whole_is_told_how_it_ended() -> None:
    """By decision; quiet polls say nothing, but for who leads."""
    cases = {
        Decision.APPLIED: "Applied",
        Decision.PARTIAL: "Partial",
        Decision.REFUSED: "Refused",
        Decision.FAILED: "Failed",
        Decision.ROLLED_BACK: "RolledBack",
    }
    for decision, reason in cases.items():
        (notice,) = told(replace(DONE, decision=decision), WHOLE).passing
        assert (notice.subject, notice.reason) == (WHOLE, reason)
    quiet = replace(DONE, decision=Decision.UNCHANGED, quiet=True)
    assert told(quiet, WHOLE) == News((), ())
    (notice,) = told(replace(quiet, trigger=Trigger.LEADING), WHOLE).passing
    assert (notice.reason, notice.note) == ("LeadershipChanged", "edge-0 leads now")


@given(st.text(max_size=4000), st.integers(8, 1024))
def test_no_note_is_too_long_or_hides_anything(text: str, most: int) -> None:
    """In bytes, and on one line."""
    cut = bounded(text, most)
    assert len(cut.encode()) <= most
    assert cut.isprintable()


@given(st.text(max_size=3000), st.integers(1, 3))
def test_every_event_is_one_that_the_api_takes(note: str, count: int) -> None:
    """By the API's own schema; a series goes on under the same name."""
    notice = Notice(Subject("Service", "shop", "w" * 253, "u-1"), Weight.NORMAL, "Applied", "Apply", bounded(note))
    bodies = [event_body(Said(Entry(notice, NOON, n), NOON, "edge-0")) for n in (1, count)]
    for body in bodies:
        kubernetes_validate.validate(body, "1.36", strict=True)
    names = {body["metadata"]["name"] for body in bodies if isinstance(body["metadata"], dict)}
    assert len(names) == 1
    assert len(str(names.pop())) <= 253
    assert ("series" in bodies[1]) == (count > 1)


@given(st.lists(st.floats(0, 2900), min_size=1, max_size=6), st.lists(st.floats(-100, 100), min_size=6, max_size=6))
def test_a_series_is_one_event_however_clocks_go(pauses: list[float], steps: list[float]) -> None:
    """Time passes between any two looks at it, and the wall clock is set: one name, one time, in order."""
    correlator, now, bodies = Correlator(), 0.0, []
    notice = Notice(Subject("Service", "shop", "web", "u-1"), Weight.NORMAL, "Applied", "Apply", "served")
    for pause, step in zip(pauses, steps, strict=False):
        now += pause
        at = NOON + timedelta(seconds=now + step)
        entry = correlator.admit(notice, now, at)
        assert entry is not None
        sent_twice = (at, at + timedelta(seconds=0.001))
        bodies += [event_body(Said(entry, when, "edge-0")) for when in sent_twice]
    assert {(str(body["metadata"]), body["eventTime"]) for body in bodies} == {
        (str(bodies[0]["metadata"]), bodies[0]["eventTime"])
    }
    series = [body["series"] for body in bodies if "series" in body]
    assert all(str(one["lastObservedTime"]) >= str(bodies[0]["eventTime"]) for one in series if isinstance(one, dict))
