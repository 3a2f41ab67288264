"""Documents that are not their author's to write take no part in the merge."""

from dataclasses import replace

import pytest

from reconciler.compile import NOTHING, Compiled, Options, compile_routes, load_source
from reconciler.merge import merge
from reconciler.merge.ownership.reach import host_may_be, host_within, literal_tail
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.match import MatchKind
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import object_path
from reconciler.model.resource import MappingResource
from reconciler.model.source import SourceFile, SourceSnapshot
from tests.support.mappings import host_match, mapping
from tests.support.owned_tables import ownership_of

_TEAM = """
  teams: [{name: shop, namespaces: [shop, shop-staging], paths: [teams/shop]}]
  platform: {paths: [platform]}
  rules: [{hosts: [shop.test], owners: {teams: [shop]}}]
"""
_AUTH = "AuthService\nmetadata: {name: auth}\nspec: {auth_service: auth}\n"


def _owners(spec: str) -> str:
    return f"apiVersion: reconciler.dev/v1alpha1\nkind: Ownership\nmetadata: {{name: owners}}\nspec: {spec}"


def _document(rest: str) -> str:
    return f"apiVersion: getambassador.io/v3alpha1\nkind: {rest}"


def _mapping(name: str, hostname: str, namespace: str = "default", prefix: str = "/") -> str:
    head = f"Mapping\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{l: a}}}}\n"
    return _document(f"{head}spec: {{hostname: '{hostname}', prefix: {prefix}, service: svc}}\n")


def _compiled(files: dict[str, str], before: Compiled = NOTHING, options: Options | None = None) -> Compiled:
    found = tuple(SourceFile(path, "", text.encode()) for path, text in sorted(files.items()))
    source, used = SourceSnapshot(None, None, found), options or Options()
    return compile_routes(source, load_source(source, used), used, before.resources)


def _served(compiled: Compiled) -> list[str]:
    return [str(one.origin.id) for one in compiled.resources]


def _refused(compiled: Compiled) -> list[Problem]:
    return [problem for problem in compiled.problems if problem.code is Code.NOT_OWNER]


def _annotation(namespace: str, name: str = "svc") -> str:
    return object_path("Service", namespace, name)


def test_an_annotation_speaks_for_its_own_namespace() -> None:
    """Whatever it says, and also where nobody has written an Ownership."""
    files = {_annotation("evil"): _mapping("cart", "a.test", "shop")}
    compiled = _compiled(files)
    assert _served(compiled) == []
    assert [problem.field for problem in _refused(compiled)] == ["metadata.namespace"]
    assert _served(_compiled({_annotation("shop"): _mapping("cart", "a.test", "shop")})) == ["Mapping shop/cart"]


def test_an_annotation_never_takes_the_name_of_another_over() -> None:
    """Neither from another annotation nor from a file, and whether served before or not."""
    own = {_annotation("shop"): _mapping("cart", "a.test", "shop")}
    both = own | {_annotation("evil"): _mapping("cart", "b.test", "shop")}
    for before in (NOTHING, _compiled(own)):
        (served,) = (one for one in _compiled(both, before).resources if isinstance(one, MappingResource))
        assert served.origin.provenance.path == _annotation("shop")


def test_a_team_may_speak_for_all_its_namespaces_and_the_platform_for_all() -> None:
    """From the cluster and from its folder; nobody else from a file."""
    owners = {"platform/owners.yaml": _owners(_TEAM)}
    cart = _mapping("cart", "a.test", "shop")
    assert "Mapping shop/cart" in _served(_compiled(owners | {_annotation("shop-staging"): cart}))
    assert "Mapping shop/cart" in _served(_compiled(owners | {"teams/shop/cart.yaml": cart}))
    assert "Mapping shop/cart" in _served(_compiled(owners | {"platform/cart.yaml": cart}))
    assert "Mapping shop/cart" not in _served(_compiled(owners | {"teams/shop2/cart.yaml": cart}))
    assert "Mapping shop/cart" not in _served(_compiled(owners | {_annotation("other"): cart}))


def test_the_namespace_of_the_object_counts_and_not_that_of_a_file() -> None:
    """A rule for a namespace is about annotations there."""
    owners = {"owners.yaml": _owners("{rules: [{hosts: [shop.test], owners: {namespaces: [shop]}}]}")}
    ours = _mapping("cart", "shop.test", "shop")
    assert "Mapping shop/cart" in _served(_compiled(owners | {_annotation("shop"): ours}))
    compiled = _compiled(owners | {"cart.yaml": ours})
    assert "Mapping shop/cart" not in _served(compiled)
    assert "owners.yaml:4" in str(_refused(compiled)[0])


def test_an_ownership_is_read_from_the_repository_only() -> None:
    """One in an annotation is an error, and holds nobody up; with platform paths, so is one elsewhere."""
    everything = _owners("{rules: [{hosts: ['*'], owners: {namespaces: [evil]}}]}")
    files = {_annotation("evil"): everything, "cart.yaml": _mapping("cart", "a.test")}
    compiled = _compiled(files)
    assert _served(compiled) == ["Mapping default/cart"]
    assert [problem.code for problem in compiled.problems] == [Code.NOT_ALLOWED]
    assert compiled.unguarded == ()
    limited = Options(limits=replace(DEFAULT_LIMITS, platform_paths=("platform",)))
    files = {"teams/evil/owners.yaml": everything, "cart.yaml": _mapping("cart", "a.test")}
    assert _served(_compiled(files, options=limited)) == ["Mapping default/cart"]
    assert "Ownership default/owners" in _served(_compiled({"platform/owners.yaml": everything}, options=limited))


@pytest.mark.parametrize("broken", ["{rules: [{hots: [shop.test]}]}", "{rules: [", "{ruels: []}"])
def test_a_broken_ownership_fails_closed(broken: str) -> None:
    """The last good one stays in force; without one nothing may be applied."""
    files = {"owners.yaml": _owners(_TEAM), "evil.yaml": _mapping("cart", "shop.test")}
    good = _compiled(files)
    files["owners.yaml"] = _owners(broken)
    after = _compiled(files, good)
    assert _served(after) == ["Ownership default/owners"]
    assert after.unguarded == ()
    assert _compiled(files).unguarded != ()


def test_a_guard_of_a_stranger_is_nobodys_wish() -> None:
    """An annotation can't hold all plans up by it; a file can, and so can what was served."""
    owners = {"platform/owners.yaml": _owners(_TEAM)}
    every = Options(limits=replace(DEFAULT_LIMITS, platform_namespaces=("*",)))
    stranger = _compiled(owners | {_annotation("default"): _document(_AUTH)}, options=every)
    assert _refused(stranger)
    assert stranger.unguarded == ()
    wrong = _document(_AUTH.replace("auth_service:", "service:"))
    broken = _compiled(owners | {_annotation("default"): wrong}, options=every)
    assert broken.unguarded == ()
    assert _compiled(owners | {"teams/evil/auth.yaml": _document(_AUTH)}).unguarded == ("AuthService default/auth",)
    served = _compiled({_annotation("default"): _document(_AUTH)}, options=every)
    after = _compiled(owners | {_annotation("default"): _document(_AUTH)}, served, every)
    assert after.unguarded == ("AuthService default/auth",)


def test_a_policy_is_about_mappings_its_author_could_have_written() -> None:
    """By name and by label; about the own ones it is as before."""
    policy = (
        "apiVersion: reconciler.dev/v1alpha1\nkind: MappingPolicy\nmetadata: {name: closed}\n"
        "spec: {selector: {matchLabels: {l: a}}, maintenance: {enabled: true}}\n"
    )
    owners = {"owners.yaml": _owners("{rules: [{hosts: [shop.test], owners: {paths: [teams/shop]}}]}")}
    files = owners | {"teams/shop/cart.yaml": _mapping("cart", "shop.test")}
    evil = _compiled(files | {"teams/evil/closed.yaml": policy})
    assert "MappingPolicy default/closed" not in _served(evil)
    assert "is about Mapping default/cart" in _refused(evil)[0].message
    assert "MappingPolicy default/closed" in _served(_compiled(files | {"teams/shop/closed.yaml": policy}))


def test_a_moved_document_falls_back_to_where_it_was_right() -> None:
    """The last good version stays if that one is its author's, and only then."""
    owners = {"owners.yaml": _owners("{rules: [{hosts: [shop.test], owners: {paths: [teams/shop]}}]}")}
    good = _compiled(owners | {"teams/shop/cart.yaml": _mapping("cart", "shop.test")})
    moved = _compiled(owners | {"teams/evil/cart.yaml": _mapping("cart", "shop.test", prefix="/evil/")}, good)
    (kept,) = (one for one in moved.resources if isinstance(one, MappingResource))
    assert kept.origin.provenance.path == "teams/shop/cart.yaml"
    assert kept.path.value == "/"


def test_what_is_only_proposed_is_told_and_served() -> None:
    """A warning, as long as nobody enforces it."""
    files = {"owners.yaml": _owners(f"\n  enforce: false{_TEAM}"), "evil.yaml": _mapping("cart", "shop.test")}
    compiled = _compiled(files)
    assert "Mapping default/cart" in _served(compiled)
    assert [problem.severity for problem in _refused(compiled)] == [Severity.WARNING]


def test_hosts_leave_of_a_claim_what_they_serve() -> None:
    """A Mapping for all hosts that one Host alone takes asks for no more than that."""
    one = _document("Host\nmetadata: {name: a}\nspec: {hostname: a.test, requestPolicy: {insecure: {action: Route}}}\n")
    files = {"platform/owners.yaml": _owners(_TEAM), "wide.yaml": _mapping("wide", "*")}
    assert _refused(_compiled(files))
    assert not _refused(_compiled(files | {"host.yaml": one}))


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        (mapping("m", "/", host="a.test"), True),
        (mapping("m", "/", host="a.test", headers={"x-a": "1"}), True),
        (mapping("m", "/", host="a.test", precedence=1), False),
        (mapping("m", "/", host="a.test", precedence=-1), True),
        (mapping("m", "/shop/", host="*"), True),
        (mapping("m", "/shop/", host="a.test"), False),
        (mapping("m", "/shop/", host="*", headers={"x-a": "1"}), False),
        (mapping("m", "/shop/", host="*", method="GET"), False),
        (mapping("m", "/shop/", host="*", query={"q": "1"}), False),
        (mapping("m", "/SHOP/", host="*", case_sensitive=False), False),
        (mapping("m", "/SHOP/", host="*"), True),
        (mapping("m", "/shop", host="a.test"), True),
        (mapping("m", "/shop", host="a.test", kind=MatchKind.EXACT), True),
        (mapping("m", "/shop/x", host="a.test", kind=MatchKind.EXACT), False),
        (mapping("m", "/s.*", host="a.test", kind=MatchKind.REGEX), False),
        (mapping("m", "/t.*", host="a.test", kind=MatchKind.REGEX), True),
        (mapping("m", "/shop/", host="~[a-c]\\.test"), False),
        (mapping("m", "/shop/", host="~[b-c]\\.test"), True),
        (mapping("m", "/shop/", host="~a\\.test:8080"), False),
        (mapping("m", "/shop/x", host="a.test", shadow=True), False),
    ],
)
def test_only_what_comes_behind_all_of_a_prefix_may_reach_into_it(claim: MappingResource, right: bool) -> None:
    """The prefix ``/shop/`` of the host ``a.test`` belongs to others; the host does not."""
    owners = ownership_of("a.test", "/shop/", "teams/shop")
    problems = [problem.code for problem in merge([claim, owners], []).problems]
    assert (Code.NOT_OWNER not in problems) is right


@pytest.mark.parametrize(
    ("pattern", "tail"),
    [
        ("a\\.test", "a.test"),
        ("(a|b)\\.Test", ".test"),
        ("a\\.test|b", ""),
        ("a.test", "test"),
        ("a\\.test(:80)?", ""),
        ("ab*", ""),
        ("a{2}", ""),
        ("[|)]x", "x"),
        ("(?i)a-b", "a-b"),
        ("\\Qa|b\\E", ""),
        ("a\\d", ""),
    ],
)
def test_the_plain_end_of_a_pattern(pattern: str, tail: str) -> None:
    """What every match ends with, and nothing that only some do."""
    assert literal_tail(pattern) == tail


def test_patterns_against_suffixes() -> None:
    """Told apart by their plain ends."""
    owned = host_match("*.a.test")
    assert host_may_be(host_match("~x\\.a\\.test"), owned)
    assert host_within(host_match("~x\\.a\\.test"), owned)
    assert not host_within(host_match("~x?\\.a\\.test"), owned)
    assert not host_may_be(host_match("~x\\.b\\.test"), owned)
    assert host_may_be(host_match("~.*:80"), owned)
