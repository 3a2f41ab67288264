"""What Envoys held only while an apply was under way leads to the entry that sent it."""

from dataclasses import replace
from pathlib import Path

from reconciler.audit import Journal
from reconciler.model.decision import Decision
from reconciler.model.plan import Change, Op
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import Kind, ResourceId
from tests.support.journals import NOON, Clock, attempt, conclusion

_BRIEF = ResourceId(Kind.MAPPING, "default", "brief")
_SHA = "c" * 40


def test_a_version_that_did_not_stay_is_told_with_what_became_of_it(tmp_path: Path) -> None:
    """Under way, then taken back; another commit of the same route, and another route, are not meant."""
    place = Provenance("routes/brief.yaml", 3, Touch(_SHA, "Ann <ann@example.com>", NOON))
    tried = attempt(1)
    tried = replace(tried, plan=replace(tried.plan, changes=(Change(Op.CREATE, _BRIEF, (), None, place),)))
    journal = Journal.open(tmp_path / "journal.db", Clock())
    versions = journal.versions()
    sequence = journal.intend(tried)
    assert versions.sent("Mapping", "default", "brief", (_SHA,)) == (sequence, "is under way")
    taken_back = conclusion(tried, decision=Decision.ROLLED_BACK, reason="EnvoyRejected")
    journal.conclude(sequence, taken_back, None, None)
    assert versions.sent("Mapping", "default", "brief", (_SHA,)) == (sequence, "was taken back")
    assert versions.sent("Mapping", "default", "brief", ("d" * 40,)) is None
    assert versions.sent("Mapping", "default", "other", (_SHA,)) is None
    journal.close()
