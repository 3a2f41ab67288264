"""Who did what became of a route: one commit only where no other can have been it."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.audit.record import records
from reconciler.model.audit import AuditRecord, Event
from reconciler.model.credit import Credit, credit
from reconciler.model.digest import digest_bytes
from reconciler.model.entry import entry
from reconciler.model.origin import Attached
from reconciler.model.plan import Change, DocumentChange, FieldChange, Op
from reconciler.model.provenance import ObjectTouch, Provenance, Touch
from reconciler.model.question import RouteChange
from reconciler.model.resource import Kind, ResourceId
from reconciler.model.source import Commit, Person, Revision
from tests.support.journals import NOON, attempt, commit, plan

ROUTE = ResourceId(Kind.MAPPING, "shop", "api")
FIELDS = (FieldChange("timeout", "1 s", "2 s"),)
FILE, POLICIES, MODULES = "api.yaml", "policies.yaml", "module.yaml"


def by(number: int, name: str, *paths: str, parents: tuple[int, ...] = ()) -> Commit:
    """A commit by somebody, of these files; each comes of the one before unless said otherwise."""
    came_of = tuple(commit(one).sha for one in parents or (number - 1,))
    return commit(number, author=Person(name, f"{name}@x"), paths=paths, parents=came_of)


OLD, BOB, EVE = by(1, "old"), by(2, "bob", FILE), by(3, "eve", FILE)
ZOE, PAT, MOD = by(4, "zoe", "README.md"), by(5, "pat", POLICIES), by(6, "mod", MODULES)


def at(made: Commit | None, path: str = FILE) -> Provenance:
    """A place that a commit last touched."""
    return Provenance(path, 3, Touch(made.sha, str(made.author), NOON) if made else None)


def document(kind: Kind, path: str, made: Commit, op: Op = Op.UPDATE, name: str = "p") -> DocumentChange:
    """Another document that changed."""
    before, after = (None if op is Op.CREATE else at(OLD, path)), (None if op is Op.DELETE else at(made, path))
    return DocumentChange(op, ResourceId(kind, "shop", name), before, after)


def changed(
    commits: tuple[Commit, ...],
    before: Provenance | None,
    after: Provenance | None,
    *others: DocumentChange,
    policies: tuple[str, ...] = (),
    **told: Any,
) -> RouteChange:
    """What an entry with these commits, newest first, did to a route."""
    op = Op.CREATE if before is None else Op.DELETE if after is None else Op.UPDATE
    attached = tuple(Attached(name, at(OLD, POLICIES)) for name in policies)
    planned = replace(plan("other"), changes=(Change(op, ROUTE, FIELDS, before, after, attached),), documents=others)
    previous = Revision("main", OLD.sha)
    body = records.intent(attempt(1, plan=planned, commits_in_range=commits, previous=previous, **told))
    found = entry(AuditRecord(2, NOON, Event.INTENT, body, digest_bytes(b"")), None)
    return RouteChange(found, op, FIELDS, None, None, True, ROUTE)


def told(change: RouteChange) -> Credit:
    """The credit of a change, with its places as the record has them."""
    body: Any = change.entry.records[0].body
    (route,) = body["change"]["routes"]
    made = RouteChange(change.entry, change.op, FIELDS, route["before"], route["after"], True, ROUTE)
    return credit(made)


def names(found: Credit) -> list[str]:
    """The candidates, by their first names."""
    return [one.author.partition(" ")[0] for one in found.candidates]


def test_of_several_commits_that_touched_the_document_none_is_named_alone() -> None:
    """Bob set one field, Eve another, Zoe wrote a readme: any of the first two may have set each."""
    found = told(changed((ZOE, EVE, BOB), at(OLD), at(EVE)))
    assert (found.exact, names(found)) == (None, ["eve", "bob"])
    assert not found.elsewhere


def test_the_one_that_touched_it_is_named() -> None:
    """Whatever else came with it; also where others touched the file, but not what it came of."""
    assert names(told(changed((ZOE, BOB), at(OLD), at(BOB)))) == ["bob"]
    found = told(changed((EVE, BOB), at(OLD), at(BOB)))
    assert found.exact is not None
    assert (found.exact.commit, found.exact.author) == (BOB.sha, "bob <bob@x>")


def test_who_touched_it_on_another_branch_is_a_candidate_of_the_merge_alone() -> None:
    """What became of the document came of the way that the last touch stands on."""
    side, main = by(2, "side", FILE, parents=(1,)), by(3, "main", FILE, parents=(1,))
    merge = by(4, "merge", FILE, parents=(3, 2))
    assert names(told(changed((merge, main, side), at(OLD), at(main)))) == ["main"]
    assert names(told(changed((merge, main, side), at(OLD), at(merge)))) == ["merge", "main", "side"]


@pytest.mark.parametrize(("kind", "candidates"), [(Kind.MODULE, ["mod", "bob"]), (Kind.HOST, ["bob"])])
def test_a_module_that_changed_too_may_have_set_it(kind: Kind, candidates: list[str]) -> None:
    """A Host sets no field of a route."""
    assert names(told(changed((MOD, BOB), at(OLD), at(BOB), document(kind, MODULES, MOD)))) == candidates


def test_a_commit_of_unknown_files_may_have_been_it() -> None:
    """As records of before have them."""
    assert names(told(changed((commit(3, paths=None, parents=(OLD.sha,)),), at(OLD), at(commit(3))))) == ["Ann"]
    unknown = commit(4, paths=None, parents=(BOB.sha,))
    assert names(told(changed((unknown, BOB), at(OLD), at(unknown)))) == ["Ann", "bob"]


def test_what_is_not_listed_may_have_been_it() -> None:
    """Of more commits than a record lists nobody is named alone."""
    found = told(changed((ZOE, EVE), at(OLD), at(EVE), commits_omitted=7))
    assert (found.exact, names(found), found.omitted) == (None, ["eve"], 7)
    old = told(changed((), None, at(OLD)))
    assert (names(old), old.or_before, old.exact is not None) == (["old"], True, True)


def test_what_a_policy_set_is_credited_to_it() -> None:
    """Not to whoever touched the Mapping long ago."""
    policy = document(Kind.MAPPING_POLICY, POLICIES, PAT)
    module = document(Kind.MODULE, MODULES, MOD)
    found = told(changed((MOD, PAT, ZOE), at(OLD), at(OLD), policy, module, policies=("shop/p",)))
    assert (names(found), found.elsewhere) == (["pat"], True)
    assert isinstance(found.place, dict)
    assert found.place["path"] == POLICIES
    found = told(changed((MOD, PAT, ZOE), at(OLD), at(OLD), module))
    assert (names(found), found.elsewhere) == (["mod"], True)
    gone = document(Kind.MAPPING_POLICY, POLICIES, PAT, Op.DELETE)
    assert names(told(changed((ZOE, PAT), at(OLD), at(OLD), gone))) == ["pat"]


def test_what_came_from_nowhere_known_is_of_any_commit_or_of_none() -> None:
    """Other settings render the same documents otherwise."""
    found = told(changed((ZOE, BOB), at(OLD), at(OLD)))
    assert (found.exact, names(found), found.elsewhere, found.place) == (None, ["zoe", "bob"], True, None)
    found = told(changed((), at(OLD), at(OLD)))
    assert (found.exact, found.candidates) == (None, ())


def test_what_is_gone_is_credited_to_who_changed_the_file() -> None:
    """Not to who wrote it once."""
    assert names(told(changed((ZOE, BOB), at(OLD), None))) == ["bob"]


def test_objects_are_told_by_their_manager() -> None:
    """There is no commit; the same version is no change."""
    one, two = (Provenance("cluster://x", 1, ObjectTouch("u", str(n), "kubectl", NOON)) for n in (1, 2))
    found = told(changed((), one, two))
    assert found.exact is not None
    assert (found.exact.commit, found.exact.author) == ("2", "kubectl")
    assert told(changed((), two, two)).candidates == ()
