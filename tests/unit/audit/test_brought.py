"""What a record says an entry brought: the files of its commits, and the documents behind no route."""

from dataclasses import replace
from typing import Any

from reconciler.audit.record import records
from reconciler.compile import NOTHING, Options, plan_change
from reconciler.model.digest import Json, canonical_json
from reconciler.model.plan import DocumentChange, Op
from reconciler.model.provenance import Provenance
from reconciler.model.resource import Kind, Origin, ResourceId
from reconciler.model.telling import applied_change
from reconciler.state import recompiled
from tests.support.journals import attempt, commit, conclusion, plan

_PATHS = ("README.md", "routes/api.yaml", *(f"{number}.yaml" for number in range(900)))


def test_commits_name_what_they_changed_of_what_is_changed() -> None:
    """Of a thousand files those at which a route stands; a commit that changed too many, or nobody knows, none."""
    ours, readme, unknown = (commit(number, paths=paths) for number, paths in ((1, _PATHS), (2, ("x",)), (3, None)))
    tried = attempt(1, "api", commits_in_range=(ours, readme, unknown), commits_omitted=4)
    source: Any = records.intent(tried)["source"]
    assert [each.get("paths") for each in source["commits"]] == [["routes/api.yaml"], [], None]
    assert source["commits_omitted"] == 4
    assert "commits_omitted" not in str(records.intent(attempt(1)))


def test_documents_behind_no_route_are_told() -> None:
    """A Host whose document changed: what, and where it stands; a result does not tell it again."""
    place = Provenance("hosts.yaml", 1)
    host = DocumentChange(Op.UPDATE, ResourceId(Kind.HOST, "shop", "web"), place, replace(place, line=2))
    tried = attempt(1, plan=replace(plan("a"), documents=(host,)))
    body: Any = records.intent(tried)
    (told,) = body["change"]["documents"]
    assert (told["op"], told["kind"], told["namespace"], told["name"]) == ("update", "Host", "shop", "web")
    assert (told["before"]["line"], told["after"]["line"]) == (1, 2)
    ended: Any = records.result(1, body, conclusion(tried), None)
    assert "documents" not in ended["change"]
    assert applied_change(body, ended)["documents"] == [told]


def test_a_plan_tells_the_documents_that_say_another_thing() -> None:
    """A Host that comes and goes, and not one that only moved; a Mapping is told with its route."""
    host, moved = _origin(Kind.HOST, "web", hostname="*"), _origin(Kind.HOST, "other", hostname="b.example")
    mapping = _origin(Kind.MAPPING, "api", hostname="*", prefix="/api/", service="api:80")
    first, _ = recompiled([moved, mapping], Options())
    elsewhere = replace(moved, provenance=Provenance("elsewhere.yaml", 9))
    second, _ = recompiled([host, elsewhere, replace(mapping)], Options())
    came = plan_change(first, second, Options(), None).documents
    assert [(one.op, one.id, one.before, one.after) for one in came] == [(Op.CREATE, host.id, None, host.provenance)]
    gone = plan_change(second, first, Options(), None).documents
    assert [(one.op, one.id, one.before) for one in gone] == [(Op.DELETE, host.id, host.provenance)]
    whole = plan_change(NOTHING, second, Options(), None)
    assert {one.id for one in whole.changes} == {mapping.id}
    assert {one.id for one in whole.documents} == {host.id, moved.id}


def _origin(kind: Kind, name: str, **spec: Json) -> Origin:
    body: Json = {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": str(kind),
        "metadata": {"name": name, "namespace": "shop"},
        "spec": spec,
    }
    return Origin(ResourceId(kind, "shop", name), Provenance(f"{name}.yaml", 1), canonical_json(body))
