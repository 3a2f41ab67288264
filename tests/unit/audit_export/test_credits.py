"""Whom the table credits a change to."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.export import table
from reconciler.audit.export.credits import Credits
from reconciler.audit.export.facts import changes
from reconciler.model.audit import AuditRecord, Event
from reconciler.model.credit import credit
from reconciler.model.digest import Json, digest_bytes
from reconciler.model.entry import Entry, entry
from reconciler.model.plan import Op
from reconciler.model.question import RouteChange
from reconciler.model.resource import Kind, ResourceId
from tests.support import export_checks as checks
from tests.support.journals import NOON

SHAS = [digit * 40 for digit in "abcd"]
PATHS = ["a.yaml", "b.yaml", "c.yaml"]
_COMMITS = st.lists(
    st.tuples(st.sampled_from(SHAS), st.none() | st.lists(st.sampled_from(PATHS), max_size=3)),
    max_size=4,
    unique_by=lambda one: one[0],
)
_SIDE = st.none() | st.builds(
    lambda commit, path: {"commit": commit, "path": path, "line": 1, "author": commit[0]},
    st.sampled_from(SHAS),
    st.sampled_from(PATHS),
)
_OPS = st.sampled_from(["create", "update", "delete"])


def document(kind: str, name: str, op: str, before: Json, after: Json) -> Json:
    """A document, or a route, of a change."""
    facts: dict[str, Json] = {"op": op, "kind": kind, "namespace": "shop", "name": name}
    return {**facts, "before": before, "after": after}


def place(sha: str, path: str) -> dict[str, Json]:
    """A line of a file, as of a commit."""
    return {"commit": sha, "path": path, "line": 1, "author": sha[0]}


def decided(
    commits: list[tuple[str, list[str] | None]],
    routes: list[Json],
    documents: list[Json],
    held: list[Json] | None = None,
) -> Entry:
    """An entry that was applied."""
    parents: list[list[Json]] = [[sha] for sha, _ in commits[1:]]
    listed: list[Json] = []
    for (sha, paths), of in zip(commits, [*parents, []], strict=False):
        facts: dict[str, Json] = {"commit": sha, "author": {"name": sha[0], "email": "x"}, "parents": list(of)}
        listed.append(facts if paths is None else {**facts, "paths": [*paths]})
    body: dict[str, Json] = {
        "trigger": "NewRevision",
        "decision": "Applied",
        "source": {"commits": listed},
        "change": {"routes": routes, "documents": documents},
        "quarantined": held or [],
    }
    intent = AuditRecord(2, NOON, Event.INTENT, body, digest_bytes(b"1"))
    return entry(intent, AuditRecord(3, NOON, Event.RESULT, {**body, "intent": 2}, digest_bytes(b"2")))


@given(
    _COMMITS,
    st.lists(st.tuples(_OPS, _SIDE, _SIDE), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(["MappingPolicy", "Module", "Mapping"]), _OPS, _SIDE, _SIDE), max_size=3),
)
def test_each_is_credited_as_the_whole_entry_has_it(
    commits: list[tuple[str, list[str] | None]],
    routes: list[tuple[str, Json, Json]],
    documents: list[tuple[str, str, Json, Json]],
) -> None:
    """What is left out to be fast has no say."""
    listed = [document("Mapping", f"r{number}", *one) for number, one in enumerate(routes)]
    beside = [document(one[0], f"d{number}", *one[1:]) for number, one in enumerate(documents)]
    made = decided(commits, listed, beside)
    credits_ = Credits.of(made)
    for each in changes(made):
        name = ResourceId(Kind.MAPPING, each.namespace, each.name)
        before, after = each.told["before"], each.told["after"]
        whole = credit(RouteChange(made, Op(each.op), (), before, after, True, name))
        assert credits_.credit(each, held=False) == whole


def test_cells_say_what_is_not_known() -> None:
    """One of several, a policy, a deletion, and what an earlier entry held back."""
    old, new, gone = (place(sha, "a.yaml") for sha in (SHAS[0], SHAS[1], SHAS[3]))
    was, other = place(SHAS[0], "c.yaml"), place(SHAS[2], "c.yaml")
    held: Json = {"kind": "Mapping", "namespace": "shop", "name": "late"}
    first = decided([], [], [], [held])
    policy = document("MappingPolicy", "slow", "update", was, other)
    second = decided(
        [(SHAS[1], ["a.yaml"]), (SHAS[3], ["a.yaml"]), (SHAS[2], ["c.yaml"])],
        [
            document("Mapping", "many", "update", old, new),
            document("Mapping", "limited", "update", old, old),
            document("Mapping", "gone", "delete", was, None),
        ],
        [policy],
    )
    third = decided([(SHAS[3], ["a.yaml"])], [document("Mapping", "late", "create", None, gone)], [])
    rows = {row["name"]: row for row in checks.table("".join(table.rows([first, second, third])))}
    a_or_b = f"one of 2: {SHAS[1]}; {SHAS[3]}"
    assert (rows["many"]["last_touched_by"], rows["many"]["last_touched_author"]) == (a_or_b, "b <x>; d <x>")
    assert rows["limited"]["last_touched_by"] == f"{SHAS[2]}, by MappingPolicy shop/slow"
    assert rows["gone"]["last_touched_by"] == SHAS[2]
    assert rows["late"]["last_touched_by"] == f"{SHAS[3]} or before"
