"""The law of replicas: whoever missed commits serves, byte for byte, what the leader serves."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import yaml
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from reconciler import following
from reconciler.change import compiled_change, memory_after, read
from reconciler.cluster.standing_form import pack, unpack
from reconciler.compile import Options
from reconciler.following import agrees, last_good, standing_of
from reconciler.merge import ConflictPolicy
from reconciler.model.digest import digest_bytes
from reconciler.model.limits import Limits
from reconciler.model.provenance import AnyTouch, ObjectTouch, Provenance, Touch
from reconciler.model.resource import Kind, Origin, ResourceId
from reconciler.model.source import Revision, SourceFile, SourceSnapshot
from reconciler.model.standing import Published, RefusedRevision, Standing
from reconciler.resources import load, load_origins
from reconciler.state import State
from tests.support.controllers import mapping
from tests.support.generated_tables import documents

OPTIONS = Options()
BROKEN = "a: [\n"
Commit = Mapping[str, str]


def advance(state: State, number: int, files: Commit, published: Published = None, options: Options = OPTIONS) -> State:
    """What the reconcile of a commit leaves, if nothing refuses it."""
    sources = [SourceFile(path, digest_bytes(text.encode()), text.encode()) for path, text in sorted(files.items())]
    source = SourceSnapshot(Revision("main", f"{number:040x}"), None, tuple(sources))
    loaded = read(source, options, state, None)
    good = last_good(state, published, source, loaded, options)
    change = compiled_change(source, loaded, options, state, good)
    after = State(change.whole, source.revision, source.revision, followed=published.digest if published else "")
    return replace(after, memory=memory_after(source, loaded, change, options, state, good), good=good)


def follow(state: State, number: int, files: Commit, leader: State, options: Options = OPTIONS) -> State:
    """The last commit, and then what the leader says of it."""
    published = standing_of(leader)
    assert published is not None
    published = unpack(pack(published))
    if state.attempted == leader.attempted and agrees(state, published):
        return state
    state = advance(state, number, files, published, options)
    assert agrees(state, published)
    return state


def grown(chance: Random, count: int) -> list[Commit]:
    """Commits in which documents come, go, change, break, and ask for what others have."""
    files: dict[str, str] = {}
    commits: list[Commit] = []
    for _ in range(count):
        for path in chance.sample(["a.yaml", "b.yaml", "c.yaml"], chance.randint(1, 3)):
            files[path] = _edited(files.get(path, ""), chance)
        commits.append(dict(files))
    return commits


def _edited(text: str, chance: Random) -> str:
    match chance.randrange(6):
        case 0:
            return BROKEN
        case 1:
            return text + "\n---\n" + BROKEN
        case 2 if text and BROKEN not in text:
            found = [one for one in yaml.safe_load_all(text) if isinstance(one, dict)]
            for one in chance.sample(found, min(2, len(found))):
                one.setdefault("spec", {})["no_such_field"] = 1
            return yaml.safe_dump_all(found)
        case 3:
            names, prefixes = chance.choices("xyz", k=2), chance.choices(["/p/", "/q/"], k=2)
            return "---\n".join(mapping(name, prefix) for name, prefix in zip(names, prefixes, strict=True))
    found = list(yaml.safe_load_all(documents(chance.randrange(2**32)).text))
    return yaml.safe_dump_all(chance.sample(found, min(len(found), 6)))


@settings(max_examples=25, deadline=None)
@given(
    conflicts=st.sampled_from(ConflictPolicy),
    seed=st.integers(0, 2**32),
    seen=st.lists(st.booleans(), min_size=1, max_size=6),
)
@example(ConflictPolicy.QUARANTINE, 4194305, [False, True, False, True])  # equal documents at two places
@example(ConflictPolicy.QUARANTINE, 968151980, [False] * 6)  # compiled on top of itself it would come out otherwise
def test_whoever_missed_commits_serves_what_the_leader_serves(
    conflicts: ConflictPolicy, seed: int, seen: Sequence[bool]
) -> None:
    """With files broken, documents invalid, and Mappings that compete: the same digest after the leader's word."""
    options = replace(OPTIONS, conflicts=conflicts)
    commits = grown(Random(seed), len(seen))
    leader = follower = State()
    for number, (files, awake) in enumerate(zip(commits, seen, strict=True)):
        leader = advance(leader, number, files, None, options)
        if awake:
            follower = advance(follower, number, files, None, options)
    last = len(commits) - 1
    before = follower.applied.snapshot.digest
    follower = follow(follower, last, commits[last], leader, options)
    event("differed" if before != leader.applied.snapshot.digest else "agreed before")
    assert follower.applied.snapshot.digest == leader.applied.snapshot.digest
    assert follower.applied.quarantined == leader.applied.quarantined


def served(state: State) -> dict[str, str]:
    """Names of the routes that are served, and the prefix of each."""
    return {route.name: route.path.value for route in state.applied.table.routes}


def test_of_another_revision_the_leader_only_knows_more_than_one_who_is_new() -> None:
    """What a replica knows itself is newer than what the leader said of an older commit."""
    good, broken = {"a.yaml": mapping("a", "/1/")}, {"a.yaml": BROKEN}
    leader = advance(advance(State(), 0, good), 1, broken)
    published = standing_of(leader)
    new = advance(State(), 2, broken | {"b.yaml": mapping("b", "/b/")}, published)
    assert served(new) == {"default/a": "/1/", "default/b": "/b/"}
    own = advance(State(), 2, {"a.yaml": mapping("a", "/2/")})
    assert served(advance(own, 3, broken, published)) == {"default/a": "/2/"}


def test_of_what_is_as_it_is_written_nothing_is_told() -> None:
    """A repository without findings costs the cluster one small object, however many Mappings it has."""
    state = State()
    for number in range(2):
        state = advance(state, number, {f"{name}.yaml": mapping(name, f"/{name}{number}/") for name in "abcdefgh"})
        standing = standing_of(state)
        assert standing is not None
        assert standing.origins == ()


def test_a_replica_that_was_refused_a_revision_publishes_nothing_of_it() -> None:
    """What it serves is not what that revision says."""
    state = advance(State(), 0, {"a.yaml": mapping("a", "/1/")})
    assert standing_of(replace(state, attempted=Revision("main", "f" * 40))) is None


def test_the_word_is_learnt_once() -> None:
    """A replica that can't come to agree, as its own Envoys reject something, does not try again at every poll."""
    leader = advance(advance(State(), 0, {"a.yaml": mapping("a", "/1/")}), 1, {"a.yaml": BROKEN})
    published = standing_of(leader)
    assert published is not None
    fresh = advance(State(), 1, {"a.yaml": BROKEN})
    assert not agrees(fresh, published)
    assert agrees(replace(fresh, followed=published.digest), published)
    assert agrees(fresh, replace(published, revision=Revision("main", "f" * 40)))


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"{}",
        gzip.compress(b"{}"),
        gzip.compress(b"[]"),
        gzip.compress(b'{"revision": "main", "documents": []}'),
        gzip.compress(b'{"revision": "main@sha1:00", "documents": [{"kind": "Secret"}]}'),
        gzip.compress(b'{"revision": "main@sha1:00", "documents": [1]}'),
        gzip.compress(
            b'{"revision": "main@sha1:00", "documents": [{"kind": "Host", "namespace": "", "name": "", "path": "", '
            b'"line": 1e999, "document": ""}]}'
        ),
        gzip.compress(b'{"revision": "main@sha1:00", "documents": []}')[:-5],
        gzip.compress(b" " * (33 << 20)),
        gzip.compress(b"[" * 200_000),
    ],
    ids=lambda packed: f"{len(packed)} bytes",  # the packed ones hold the time
)
def test_what_is_not_of_the_form_is_refused(packed: bytes) -> None:
    """Somebody else may have written it: cut off, something else, a bomb."""
    with pytest.raises(ValueError, match=r".+"):
        unpack(packed)


ROW: dict[str, object] = {
    "kind": "Mapping",
    "namespace": "default",
    "name": "a",
    "path": "a.yaml",
    "line": 1,
    "document": '{"kind":"Mapping"}',
    "touch": {"key": "0" * 40, "by": "Ann", "at": "2026-05-06T12:00:00+00:00"},
}


def word(rows: object, **more: object) -> bytes:
    """What somebody may write into the ConfigMap."""
    content = {"revision": "main@sha1:" + "0" * 40, "documents": rows, **more}
    return gzip.compress(json.dumps(content).encode())


@pytest.mark.parametrize(
    "changed",
    [
        {"path": "\ud800"},
        {"path": "a\0"},
        {"path": "a" * 20_000},
        {"path": 1},
        {"name": "\udfff"},
        {"line": 2**70},
        {"line": -1},
        {"line": True},
        {"touch": {"key": "0", "by": "Ann", "at": "2026-05-06T12:00:00"}},
        {"touch": {"key": "0", "by": "Ann", "at": "0001-01-01T00:00:00+14:00"}},
        {"touch": {"key": "0", "by": "\ud800", "at": "2026-05-06T12:00:00+00:00"}},
        {"touch": None},
        {"touch": {"key": "object:u@1@2026-05-06T12:00:00", "by": "", "at": "2026-05-06T12:00:00+00:00"}},
        {"touch": {"key": "object:u@1@0001-01-01T00:00:00+14:00", "by": "", "at": "2026-05-06T12:00:00+00:00"}},
        {"document": "{"},
        {"document": "[]"},
        {"document": '{"a": 1}'},
        {"document": '{"a":"\\ud800"}'},
        {"document": '{"a":NaN}'},
        {"document": '{"a":' + "[" * 70 + "]" * 70 + "}"},
        {"document": '{"a":"' + "b" * (1 << 20) + '"}'},
    ],
)
def test_each_part_of_a_row_is_looked_at(changed: dict[str, object]) -> None:
    """What would fail later, in the middle of a reconcile or of the journal, is no word at all."""
    unpack(word([ROW]))
    with pytest.raises(ValueError, match=r".+"):
        unpack(word([ROW | changed]))


def test_what_is_told_is_heard_as_it_is() -> None:
    """Of commits and of objects of the cluster, with what is refused: the one who tells holds it against this, too."""
    name, noon = ResourceId(Kind.MAPPING, "shop", "a"), datetime(2026, 5, 6, 12, tzinfo=UTC)
    written = ObjectTouch("uid", "7", "kubectl", noon)
    made = replace(written, created_at=noon - timedelta(days=1))
    touches: list[AnyTouch | None] = [None, Touch("0" * 40, "Ann", noon), written, made]
    rows = tuple(
        Origin(replace(name, name=str(number)), Provenance(f"{number}.yaml", 3, touch), b"{}")
        for number, touch in enumerate(touches)
    )
    revision = Revision("main", "0" * 40, "1" * 64)
    refused = RefusedRevision(replace(revision, sha="f" * 40), "UnsafePlan", "too much", digest_bytes(b""))
    standing = Standing(revision, rows, 12, refused)
    assert unpack(pack(standing)) == standing
    assert unpack(pack(standing)).digest == standing.digest
    for many in (
        replace(standing, origins=rows * 3_000),
        replace(standing, origins=(replace(rows[0], document=b"{" * 9_000_000),)),
    ):
        with pytest.raises(ValueError, match="more than"):
            pack(many)


@pytest.mark.parametrize(
    "packed",
    [
        word([ROW, ROW]),
        word([ROW] * 10_001),
        word({}),
        word([], revision="main@sha1:xyz"),
        word([], revision="main@sha1:" + "0" * 40 + "+cluster@sha256:0"),
        word([], revision="\ud800@sha1:" + "0" * 40),
        word([], routes=-1),
        word([], refused={}),
        word([], refused={"revision": "main@sha1:" + "0" * 40, "reason": "r", "message": "m", "plan": "p"}),
        word([ROW | {"document": '{"a":"' + "b" * 1_000_000 + '"}', "name": str(n)} for n in range(9)]),
    ],
    ids=lambda packed: f"{len(packed)} bytes",
)
def test_the_whole_is_bounded(packed: bytes) -> None:
    """However well it packs."""
    with pytest.raises(ValueError, match=r".+"):
        unpack(packed)


AUTH = "apiVersion: ambassador/v1\nkind: AuthService\nname: auth\nauth_service: auth:80\n"
OWNERSHIP = (
    "apiVersion: reconciler.dev/v1alpha1\nkind: Ownership\nmetadata: {name: teams}\nspec:\n"
    "  teams:\n  - {name: shop, paths: [shop/], hosts: [shop.example.com]}\n"
)


def stands(path: str, text: str) -> Standing:
    """The leader's word that a document stood there when the commit of number 1 broke it."""
    file = SourceFile(path, "", text.encode())
    (resource,) = load([file]).resources
    return Standing(Revision("main", f"{1:040x}"), (resource.origin,))


def taken(files: Commit, published: Standing, options: Options = OPTIONS) -> set[str]:
    """What a new replica takes for the last good version of something in the commit of number 1."""
    return {str(resource.origin.id) for resource in advance(State(), 1, files, published, options).good}


def test_what_everybody_is_told_by_is_taken_only_where_it_may_stand() -> None:
    """Whoever may write the ConfigMap gets no AuthService past the folders of the platform."""
    published, options = stands("team/auth.yaml", AUTH), replace(OPTIONS, limits=Limits(platform_paths=("platform",)))
    assert taken({"team/auth.yaml": BROKEN}, published) == {"AuthService default/auth"}
    assert taken({"team/auth.yaml": BROKEN}, published, options) == set()


def test_only_what_our_own_reading_leaves_open_is_taken() -> None:
    """A document that no file of the revision has is nobody's; one is where it is, wherever others say it was."""
    published = stands("shop/a.yaml", mapping("a", "/1/"))
    broken = mapping("a", "/1/", no_such_field="1")
    other = mapping("b", "/b/")
    assert taken({"shop/a.yaml": other}, published) == set()
    assert taken({"shop/b.yaml": BROKEN}, published) == set()
    assert taken({"shop/a.yaml": broken}, published) == {"Mapping default/a"}
    assert taken({"shop/a.yaml": mapping("a", "/2/")}, published) == {"Mapping default/a"}
    assert taken({"mine/a.yaml": broken}, published) == {"Mapping default/a"}
    assert taken({"mine/a.yaml": broken, "o.yaml": OWNERSHIP}, published) == set()
    later = replace(published, revision=Revision("main", "f" * 40))
    assert taken({"shop/a.yaml": other}, later) == set()


def test_the_same_word_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is heard at every reconcile, and may hold thousands of documents."""
    published = stands("a.yaml", mapping("once", "/once/"))
    times: list[int] = []

    def counted(*args: object, **kwargs: object) -> object:
        times.append(1)
        return load_origins(*args, **kwargs)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(following, "load_origins", counted)
    for _ in range(3):
        assert taken({"a.yaml": mapping("once", "/once/", no_such_field="1")}, published) == {"Mapping default/once"}
    assert len(times) == 1
