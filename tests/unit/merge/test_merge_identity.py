"""One version per identity: duplicates, rejected, held and unreadable."""

from dataclasses import replace

from reconciler.merge import Merged, merge
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import Rejected
from tests.support.mappings import mapping, mapping_id, provenance

A = mapping_id("a")
HELD = Problem(Code.ENVOY_REJECTED, Severity.ERROR, "Envoy refuses it", provenance("a"), resource=str(A))


def test_without_trouble_everything_is_served_sorted() -> None:
    """Good resources come out sorted by identity, with nothing to say about them."""
    a, b = mapping("a", "/a/"), mapping("b", "/b/")
    merged = merge([b, a], [])
    assert merged == Merged((a, b), (), ())


def test_the_older_of_two_documents_with_one_identity_wins() -> None:
    """The loser is reported where it stands, the winner's place is named, and nothing is quarantined."""
    old, new = mapping("a", "/old/", day=1, path="z.yaml"), mapping("a", "/new/", day=2, path="b.yaml")
    merged = merge([new, old], [])
    assert merged.resources == (old,)
    (problem,) = merged.problems
    assert (problem.code, problem.severity) == (Code.DUPLICATE_IDENTITY, Severity.ERROR)
    assert problem.provenance == new.origin.provenance
    assert problem.related == (old.origin.provenance,)
    assert "z.yaml:1" in problem.message
    assert merged.quarantined == ()


def test_a_document_without_a_commit_is_the_youngest() -> None:
    """No touch ranks behind every touch; among equals the path decides."""
    touched, bare = mapping("a", "/1/", day=3, path="z.yaml"), mapping("a", "/2/", day=None, path="b.yaml")
    assert merge([bare, touched], []).resources == (touched,)
    first = mapping("a", "/3/", day=None, path="a.yaml")
    assert merge([bare, first], []).resources == (first,)


def test_a_duplicate_does_not_take_over_when_the_served_file_is_edited() -> None:
    """The file that serves an identity keeps it, although its last touch is now the younger one."""
    served = mapping("a", "/1/", day=1, path="home.yaml")
    edited = mapping("a", "/2/", day=5, path="home.yaml")
    rival = mapping("a", "/3/", day=3, path="rival.yaml")
    assert merge([rival, edited], [], last_good=[served]).resources == (edited,)


def test_a_rejected_document_leaves_the_last_good_version() -> None:
    """Rejected with an identity: what is served stays, and says so."""
    served = mapping("a", "/1/")
    merged = merge([], [Rejected("routes/a.yaml", A)], last_good=[served])
    assert merged.resources == (served,)
    assert merged.quarantined == ((A, True),)


def test_a_new_rejected_document_is_absent() -> None:
    """Rejected and never served: absent, and says so."""
    merged = merge([], [Rejected("routes/a.yaml", A)])
    assert merged.resources == ()
    assert merged.quarantined == ((A, False),)


def test_a_rejected_home_is_not_replaced_by_a_duplicate_elsewhere() -> None:
    """Breaking the served document does not hand its identity to another file."""
    served = mapping("a", "/1/", path="home.yaml")
    rival = mapping("a", "/2/", path="rival.yaml")
    merged = merge([rival], [Rejected("home.yaml", A)], last_good=[served])
    assert merged.resources == (served,)
    assert merged.quarantined == ((A, True),)
    assert [p.code for p in merged.problems] == [Code.DUPLICATE_IDENTITY]


def test_a_broken_leftover_does_not_stop_a_good_document() -> None:
    """Rejected in a file that does not serve the identity: the good document elsewhere is served."""
    good = mapping("a", "/2/", path="new.yaml")
    merged = merge([good], [Rejected("other.yaml", A)])
    assert merged.resources == (good,)
    assert merged.quarantined == ()


def test_a_held_identity_stays_at_its_last_good_version_and_the_reason_is_reported() -> None:
    """Envoy refused the new version: the old one serves, the Problem is passed on."""
    served, new = mapping("a", "/1/"), mapping("a", "/2/")
    merged = merge([new], [], last_good=[served], held={A: HELD})
    assert merged.resources == (served,)
    assert merged.quarantined == ((A, True),)
    assert merged.problems == (HELD,)
    assert merge([new], [], held={A: HELD}).quarantined == ((A, False),)


def test_holding_ends_with_the_document() -> None:
    """A held identity that was deleted is gone, without a word about it."""
    merged = merge([], [], last_good=[mapping("a")], held={A: HELD})
    assert merged == Merged((), (), ())


def test_an_unreadable_file_keeps_all_it_served_that_is_not_defined_elsewhere() -> None:
    """Unreadable path, or a document too broken to name: its identities stay, moved ones move, others may go."""
    kept, moved, gone = (mapping(n, f"/{n}/", path=p) for n, p in (("a", "f.yaml"), ("b", "f.yaml"), ("c", "g.yaml")))
    moved_now = mapping("b", "/new/", path="h.yaml")
    last_good = [kept, moved, gone]
    for merged in (
        merge([moved_now], [], last_good=last_good, unreadable=["f.yaml"]),
        merge([moved_now], [Rejected("f.yaml")], last_good=last_good),
    ):
        assert merged.resources == (kept, moved_now)
        assert merged.quarantined == ((A, True),)


def test_the_new_place_of_an_unchanged_document_is_told() -> None:
    """A stand-in equal to the current document is the current one: its line and commit are those of now."""
    served = mapping("a", "/1/", day=1)
    now = replace(served, origin=replace(served.origin, provenance=provenance("a", 2)))
    assert merge([now], [], last_good=[served]).resources == (now,)
