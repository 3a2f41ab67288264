"""The status of objects, and of the whole."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.announce.conditions import Stated, conditions_json
from reconciler.announce.notice import Subject
from reconciler.announce.object_status import ObjectStatus, differs, object_statuses, peer_json, status_json
from reconciler.announce.progress import Around, Progress, data_of, status_of
from reconciler.announce.wish import REQUESTED_AT, Wish
from reconciler.model.decision import Decision, Trigger
from reconciler.model.effect import Ack, AckState, Evidence
from reconciler.model.outcome import Outcome
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import ObjectTouch, Provenance, object_path
from reconciler.model.resource import Kind, ResourceId
from reconciler.model.source import ObjectChange, ObjectOp, Revision
from reconciler.model.suspension import Suspension
from tests.support.mappings import mapping

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOUCH = ObjectTouch("u-1", "881", "kubectl", NOON, generation=4)
SHOP = Provenance(object_path("Mapping", "shop", "web"), 1, TOUCH)
WEB = Subject("Mapping", "shop", "web", "u-1")
ONE, TWO = Revision("main", "a1"), Revision("main", "b2")
DONE = Outcome(Trigger.NEW_REVISION, Decision.APPLIED, NOON, NOON, attempted=ONE, applied=ONE)
BAD = Problem(Code.BAD_REGEX, Severity.ERROR, "no regex", SHOP, "spec.prefix", resource="Mapping shop/web")
BOOLS = st.booleans()


def test_what_is_served_is_ready_and_what_is_broken_says_why() -> None:
    """Also where an older version stands in, and where the whole revision is refused."""
    there = mapping("web")
    served = (replace(there, origin=replace(there.origin, provenance=SHOP)), mapping("file"))
    assert object_statuses(DONE, served) == {WEB: ObjectStatus(WEB, 4, True, True, "Served")}
    older = ((ResourceId(Kind.MAPPING, "shop", "web"), True),)
    broken = object_statuses(replace(DONE, problems=(BAD,), quarantined=older), served)[WEB]
    assert (broken.accepted, broken.ready, broken.reason, broken.generation) == (False, False, "Quarantined", 4)
    assert broken.message.endswith("Its last good version is served.")
    changed = (ObjectChange(SHOP.path, ObjectOp.CHANGED, TOUCH),)
    refused = replace(DONE, decision=Decision.REFUSED, reason="UnsafePlan", message="too many", objects=changed)
    assert object_statuses(refused, served)[WEB] == ObjectStatus(WEB, 4, True, False, "UnsafePlan", "too many")


def test_a_peers_words_are_those_its_definitions_take() -> None:
    """Its enumerations know no others."""
    fine = ObjectStatus(WEB, 4, True, True, "Served")
    bad = replace(fine, ready=False, reason="Invalid", message="why")
    assert peer_json(fine) == {"state": "Running", "reason": ""}
    assert peer_json(bad) == {"state": "Inactive", "reason": "Invalid: why"}
    host = Subject("Host", "shop", "web")
    assert peer_json(replace(fine, subject=host)) == {"state": "Ready"}
    assert peer_json(replace(bad, subject=host)) == {"state": "Error", "errorReason": "Invalid: why"}
    assert peer_json(replace(bad, subject=Subject("Module", "shop", "ambassador"))) == {}


@given(BOOLS, BOOLS, st.integers(1, 5))
def test_what_was_written_does_not_differ(ready: bool, before: bool, generation: int) -> None:
    """Or each reconcile would write every status."""
    status = ObjectStatus(WEB, generation, ready, ready, "Served" if ready else "Invalid")
    found = status_json(replace(status, ready=before, reason="X"), {}, NOON)
    written = status_json(status, found, NOON + timedelta(hours=1))
    again = status_json(status, written, NOON + timedelta(hours=2))
    assert again == written
    assert not differs(again, written)
    assert differs(written, found) or ready == before


@given(st.lists(st.tuples(BOOLS, st.integers(0, 3)), min_size=1, max_size=20))
def test_a_condition_keeps_its_time_as_long_as_it_holds(steps: list[tuple[bool, int]]) -> None:
    """The time tells since when, not when it was last looked at."""
    conditions: Any = []
    expected, last = NOON, None
    for number, (status, reason) in enumerate(steps):
        now = NOON + timedelta(minutes=number)
        expected, last = (expected if status is last else now), status
        conditions = conditions_json([Stated("Ready", status, f"R{reason}")], number, conditions, now)
        assert conditions[0]["lastTransitionTime"] == f"{expected:%Y-%m-%dT%H:%M:%SZ}"
        assert conditions[0]["observedGeneration"] == number


def ack(node: str, state: AckState) -> Ack:
    return Ack("xds", node, "cds", "1", state, Evidence.STREAM)


def test_the_whole_keeps_what_a_quiet_poll_or_a_restart_does_not_tell() -> None:
    """Counts, times and conditions of the last change; a failure shows, and a quiet poll after it ends it."""
    acks = (ack("a", AckState.ACKED), ack("b", AckState.PENDING))
    progress = Progress().after(replace(DONE, acks=acks, problems=(BAD,)), "r1")
    status = status_of(progress, Around(3, "", "edge-0"), {}, NOON)
    assert (status["acked"], status["envoys"], status["problems"]) == (1, 2, 1)
    assert (status["lastAppliedRevision"], status["lastHandledReconcileAt"]) == ("main@sha1:a1", "r1")
    assert (status["observedGeneration"], status["leader"]) == (3, "edge-0")
    assert _true(status) == {"Stalled"}

    quiet = progress.after(replace(DONE, decision=Decision.UNCHANGED, quiet=True), "r2")
    assert quiet.stated == progress.stated
    assert status_of(quiet, Around(3, "", "edge-0"), {}, NOON)["acked"] == 1

    restarted = Progress().after(replace(DONE, decision=Decision.UNCHANGED), "")
    after = status_of(restarted, Around(3, "suspended by eve", "edge-0"), status, NOON)
    assert (after["acked"], after["lastAppliedTime"], after["problems"]) == (1, status["lastAppliedTime"], 0)
    assert _true(after) == {"Ready", "Suspended"}
    moved = Progress().after(replace(DONE, decision=Decision.UNCHANGED, applied=TWO), "")
    assert "acked" not in status_of(moved, Around(3, "", "edge-0"), status, NOON)

    failing = replace(DONE, decision=Decision.FAILED, reason="GitUnreachable", message="no", retry=True)
    failed = restarted.after(failing, "")
    assert _true(status_of(failed, Around(3, "", ""), {}, NOON)) == {"Reconciling"}
    mended = failed.after(replace(DONE, decision=Decision.UNCHANGED, quiet=True), "")
    assert _true(status_of(mended, Around(3, "", ""), {}, NOON)) == {"Ready"}


def _true(status: dict[str, Any]) -> set[str]:
    return {one["type"] for one in status["conditions"] if one["status"] == "True"}


def test_a_config_map_says_the_same_in_texts() -> None:
    """Nothing else is allowed there."""
    status = status_of(Progress().after(replace(DONE, problems=(BAD,)), ""), Around(0, "", "edge-0"), {}, NOON)
    data = data_of(status, {"source": {"url": "https://git.example.com/r.git"}, "interval": "60s"})
    assert all(isinstance(value, str) for value in data.values())
    assert (data["url"], data["interval"], data["Ready"], data["problems"]) == (
        "https://git.example.com/r.git",
        "60s",
        "False",
        "1",
    )
    assert "suspend" not in data


def test_who_wished_what_is_read_from_the_managed_fields() -> None:
    """The last of those who own the field; whatever else the object holds is no wish."""

    def entry(manager: str, hour: int, fields: object) -> dict[str, object]:
        return {"manager": manager, "time": f"2026-03-01T{hour:02}:00:00Z", "fieldsV1": fields}

    suspend: dict[str, Any] = {"f:spec": {"f:suspend": {}}}
    managed = [
        entry("eve", 9, suspend),
        entry("ann", 11, suspend),
        entry("reconciler", 12, {"f:spec": {"f:source": {}}}),
    ]
    metadata = {"uid": "u", "generation": 2, "managedFields": managed, "annotations": {REQUESTED_AT: "now\u202e"}}
    body: Any = {"metadata": metadata, "spec": {"suspend": True}, "status": {"lastHandledReconcileAt": "before"}}
    wish = Wish.of(body, config_map=False)
    assert (wish.suspend, wish.by, wish.requested, wish.handled) == (True, "ann", "now\\u202e", "before")
    assert str(wish.suspension("RoutingRepository edge/routes")) == " by ann through RoutingRepository edge/routes"
    assert Wish.of({"data": {"suspend": "true"}}, config_map=True).suspend
    for nothing in ({}, {"spec": "x", "metadata": []}, {"spec": {"suspend": "yes"}}):
        found: Any = nothing
        wish = Wish.of(found, config_map=False)
        assert (wish.suspend, wish.by, wish.requested) == (False, "", "")
    assert Wish.of({}, config_map=False).suspension("x") == Suspension(False, "", "x")
