"""A repository and a cluster define the same things: who has precedence, who is shadowed, what is not known."""

from reconciler.merge import merge
from reconciler.model.problem import Code, Severity
from reconciler.model.provenance import object_path
from reconciler.model.resource import Rejected
from reconciler.model.source import Realm
from tests.support.mappings import mapping, mapping_id

A, B = mapping_id("a"), mapping_id("b")
SERVICE = object_path("Service", "default", "a")


def test_the_realm_of_precedence_has_the_identity_and_the_other_is_told_as_shadowed() -> None:
    """Not age, and not who serves it now, but the setting decides; nothing is quarantined for it."""
    file, annotation = mapping("a", "/file/", day=5), mapping("a", "/annotation/", day=1, path=SERVICE)
    for precedence, winner, loser in ((Realm.GIT, file, annotation), (Realm.CLUSTER, annotation, file)):
        for served in ([], [loser], [winner]):
            merged = merge([annotation, file], [], last_good=served, precedence=precedence)
            assert merged.resources == (winner,)
            (problem,) = merged.problems
            assert (problem.code, problem.severity, problem.resource) == (Code.SHADOWED, Severity.INFO, str(A))
            assert problem.provenance == loser.origin.provenance
            assert problem.related == (winner.origin.provenance,)
            assert merged.quarantined == ()


def test_a_good_file_takes_over_from_a_broken_annotation() -> None:
    """The annotation that is served breaks while the file is good: that of precedence needs no last good version."""
    served, file = mapping("a", "/annotation/", path=SERVICE), mapping("a", "/file/", day=5)
    assert merge([file], [Rejected(SERVICE, A)], last_good=[served]).resources == (file,)


def test_a_broken_file_that_serves_is_not_replaced_by_the_annotation_behind_it() -> None:
    """What is served from the file stays: a slip there must not bring an old annotation back."""
    served, annotation = mapping("a", "/file/"), mapping("a", "/annotation/", path=SERVICE)
    path = served.origin.provenance.path
    assert merge([annotation], [Rejected(path, A)], last_good=[served]).resources == (served,)


def test_an_annotation_does_not_take_the_requests_of_a_file() -> None:
    """Two Mappings of different names ask for the same: that of precedence has them, even from one who serves."""
    file, annotation = mapping("a", "/x/", day=5), mapping("b", "/x/", day=1, path=SERVICE)
    for served in ([], [annotation], [file]):
        merged = merge([annotation, file], [], last_good=served)
        assert merged.resources == (file,)
        assert [problem.code for problem in merged.problems] == [Code.CONFLICT]
        assert merged.quarantined == ((B, False),)
    assert merge([annotation, file], [], precedence=Realm.CLUSTER).resources == (annotation,)


def test_what_is_served_from_a_dark_realm_stays() -> None:
    """Nothing is known of the cluster: its routes stay as they were, without being called quarantined."""
    file, annotation = mapping("a", "/file/"), mapping("b", "/annotation/", path=SERVICE)
    dark = merge([file], [], last_good=[file, annotation], dark=[Realm.CLUSTER])
    assert (dark.resources, dark.quarantined, dark.problems) == ((file, annotation), (), ())
    assert merge([file], [], last_good=[file, annotation]).resources == (file,)
    assert merge([annotation], [], last_good=[file, annotation], dark=[Realm.GIT]).resources == (file, annotation)


def test_what_waits_behind_does_not_come_out_while_its_better_is_dark() -> None:
    """The forge is down at the start, or the file is broken beyond telling: an old annotation must not come back."""
    served, annotation = mapping("a", "/file/"), mapping("a", "/annotation/", path=SERVICE)
    path = served.origin.provenance.path
    assert merge([annotation], [], last_good=[served], dark=[Realm.GIT]).resources == (served,)
    assert merge([annotation], [], last_good=[served], unreadable=[path]).resources == (served,)
    assert merge([annotation], [Rejected(path)], last_good=[served]).resources == (served,)
    assert merge([annotation], [], last_good=[served]).resources == (annotation,)
    file = mapping("a", "/file/")
    served = mapping("a", "/annotation/", path=SERVICE)
    dark = merge([file], [], last_good=[served], dark=[Realm.CLUSTER], precedence=Realm.CLUSTER)
    assert dark.resources == (served,)
    assert merge([file], [], last_good=[served], dark=[Realm.CLUSTER]).resources == (file,)


def test_a_document_that_moved_within_the_repository_takes_over_from_an_unreadable_file() -> None:
    """Both places are of one realm: there it was moved."""
    served, moved = mapping("a", "/a/"), mapping("a", "/b/", path="elsewhere.yaml")
    path = served.origin.provenance.path
    assert merge([moved], [], last_good=[served], unreadable=[path]).resources == (moved,)
