"""Who set a field: on the page of a route, in the API, and what who may see some namespaces is told of it."""

from dataclasses import replace

import pytest

from reconciler.model.audit import AuditRecord, Event
from reconciler.model.credit import Credit, Writer
from reconciler.model.digest import Json, digest_bytes
from reconciler.model.entry import entry
from reconciler.model.plan import FieldChange, Op
from reconciler.model.question import Blamed, RouteChange
from reconciler.model.resource import Kind, ResourceId
from reconciler.web.access import EVERYTHING, Scope
from reconciler.web.api.entry_models import BlamedModel
from reconciler.web.narrow import credited
from reconciler.web.pages.views.evidence import exceptions
from reconciler.web.pages.views.setters import setter
from tests.support.journals import NOON

SHOP = Scope.of(["shop"])
OLD, NEW, OTHER = (digit * 40 for digit in "abc")
NAME = ResourceId(Kind.MAPPING, "shop", "item")


def place(commit: str, path: str = "shop/item.yaml") -> dict[str, Json]:
    """A line of a file, as of a commit."""
    return {"path": path, "line": 3, "commit": commit, "author": f"{commit[0]} <{commit[0]}@example.com>"}


def brought(commit: str, *paths: str) -> dict[str, Json]:
    """A commit of the range."""
    author: Json = {"name": commit[0], "email": f"{commit[0]}@example.com"}
    return {"commit": commit, "author": author, "parents": [], "paths": list(paths)}


def blamed(before: Json, after: Json, commits: list[Json], documents: list[Json] | None = None) -> Blamed:
    """A field that an entry of these commits set."""
    op = Op.UPDATE
    route: Json = {"op": str(op), "kind": "Mapping", "namespace": "shop", "name": "item", "after": after}
    foreign: Json = {"op": "update", "kind": "Mapping", "namespace": "other", "name": "pay"}
    body: dict[str, Json] = {
        "trigger": "NewRevision",
        "decision": "Applied",
        "source": {"commit": NEW, "commits": commits},
        "people": {"author": {"name": "b", "email": "b@example.com"}},
        "change": {"routes": [route, foreign], "documents": documents or []},
    }
    told = entry(AuditRecord(2, NOON, Event.DECISION, body, digest_bytes(b"")), None)
    fields = (FieldChange("timeout", "1 s", "2 s"),)
    return Blamed("timeout", "2 s", RouteChange(told, op, fields, before, after, True, NAME), NAME)


def test_one_of_several_is_not_named_alone() -> None:
    """Two commits of the entry changed the file: both are told, by whom they are, and none as the one."""
    first, second = brought(NEW, "shop/item.yaml"), brought(OTHER, "shop/item.yaml")
    first["parents"] = [OTHER]
    one = credited(blamed(place(OLD), place(NEW), [first, second]), EVERYTHING)
    model, shown = BlamedModel.of(one), setter(one)
    assert (model.commit, [each.commit for each in model.candidates], model.withheld) == (None, [NEW, OTHER], False)
    assert shown is not None
    assert (shown.exact, shown.many, shown.authors) == (False, 2, ("b <b@example.com>", "c <c@example.com>"))
    # The other is shown to nobody who only sees the route, which stands as of the newest.
    narrow = credited(blamed(place(OLD), place(NEW), [first, second]), SHOP)
    model = BlamedModel.of(narrow)
    assert (model.commit, [each.commit for each in model.candidates], model.withheld) == (None, [NEW], True)
    assert OTHER not in str(model)


@pytest.mark.parametrize(("namespace", "told"), [("shop", "MappingPolicy shop/slow"), ("other", "")])
def test_what_a_policy_set_is_not_of_the_route_s_commit(namespace: str, told: str) -> None:
    """The route stands as it did: the policy is named, to those who may see it, and who changed that."""
    path = f"{namespace}/slow.yaml"
    policy: Json = {
        "op": "update",
        "kind": "MappingPolicy",
        "namespace": namespace,
        "name": "slow",
        "before": place(OLD, path),
        "after": place(NEW, path),
    }
    made = blamed(place(OLD), place(OLD), [brought(NEW, path)], [policy])
    every, narrow = BlamedModel.of(credited(made, EVERYTHING)), BlamedModel.of(credited(made, SHOP))
    assert (every.commit, every.elsewhere, every.document) == (NEW, True, f"MappingPolicy {namespace}/slow")
    assert (narrow.elsewhere, narrow.document, narrow.place) == (True, told, f"{path}:3" if told else None)
    assert (narrow.commit, narrow.withheld) == ((NEW, False) if told else (None, True))


def test_a_commit_from_before_the_entry_is_said_to_be_that() -> None:
    """Its last touch is none of the entry's commits."""
    model = BlamedModel.of(credited(blamed(place(OLD), place(OTHER), [brought(NEW, "x")]), EVERYTHING))
    assert (model.commit, model.or_before, model.elsewhere) == (OTHER, True, False)


def test_of_before_the_journal_nobody_is_credited() -> None:
    """No commit, and nothing that could be one."""
    one = credited(replace(blamed(None, None, []), change=None), SHOP)
    assert (one.credit, setter(one), BlamedModel.of(one).commit) == (None, None, None)


def test_a_version_of_an_object_is_no_commit() -> None:
    """Nothing is linked that there is not, and no more is listed than a line takes."""
    writers = tuple(Writer(str(number), "kubectl", "unknown") for number in range(9))
    shown = setter(
        replace(credited(blamed(place(OLD), place(OLD), []), EVERYTHING), credit=Credit(None, writers, None))
    )
    assert shown is not None
    assert [one.commit for one in shown.touches] == [""] * 5
    assert (shown.many, shown.authors) == (9, ("kubectl",))


def test_an_overridden_safeguard_is_told_in_rows() -> None:
    """One thing a row, what nobody knows as unknown."""
    refusals: Json = [{"reason": "TooManyDeletes", "message": "1 of 2"}]
    told: Json = {
        "what": "break-glass",
        "refusals": refusals,
        "by": {"name": "eve", "through": "cli"},
        "expires": "unknown",
    }
    rows = [(one.name, one.value, one.known) for one in exceptions({"exceptions": [told]})]
    assert rows == [
        ("What", "break-glass", True),
        ("Safeguard", "TooManyDeletes: 1 of 2", True),
        ("By", "eve, through cli", True),
        ("Expires", "unknown", False),
    ]
