"""What the table answers to one request; answers that need Envoy's word were read off a running Envoy 1.40."""

import pytest

from reconciler.model.resource import (
    InsecureAction,
    MappingResource,
    MatchKind,
    Redirect,
    RedirectCode,
    RegexRewrite,
    Resource,
    Scheme,
    SecurityModel,
)
from reconciler.model.table import Request
from reconciler.table import Answer, BadRequest, Explanation, Forwarded, NotFound, Redirected, build, explain
from tests.support.mappings import host, listener, mapping


def ask(resources: list[Resource], request: Request) -> Explanation:
    """Builds and asks."""
    return explain(build(resources).table, request)


def answer(one: MappingResource, request: Request) -> Answer:
    """The answer of a table with one Mapping."""
    return ask([one], request).answer


def wins(one: MappingResource, request: Request) -> bool:
    """Whether the only Mapping takes the request."""
    return ask([one], request).route is not None


@pytest.mark.parametrize(
    ("one", "path", "sent"),
    [
        (mapping("a", "/foo/", rewrite="/"), "/foo/bar", "/bar"),
        (mapping("a", "/foo", rewrite="/"), "/foo/bar", "//bar"),
        (mapping("a", "/foo", rewrite="/v/"), "/foo/b", "/v//b"),
        (mapping("a", "/foo/", rewrite="/v"), "/foo/b", "/vb"),
        (mapping("a", "/foo/", rewrite=None), "/foo/bar", "/foo/bar"),
        (mapping("a", "/CI", case_sensitive=False, rewrite="/w"), "/ci/a", "/w/a"),
        (mapping("a", "/e", kind=MatchKind.EXACT, rewrite="/z"), "/e", "/z"),
        (mapping("a", "/re/.*", kind=MatchKind.REGEX, rewrite="/x"), "/re/a/b", "/x"),
        (mapping("a", "/", regex_rewrite=RegexRewrite("/(.*)/x", "/\\1")), "/q/x", "/q"),
    ],
)
def test_the_path_that_is_sent_upstream(one: MappingResource, path: str, sent: str) -> None:
    """The matched prefix is replaced as it stands; the query stays."""
    got = answer(one, Request("a.test", path, query=(("k", "v"), ("f", None), ("e", ""))))
    assert isinstance(got, Forwarded)
    assert got.path == f"{sent}?k=v&f&e="
    assert got.cluster.name == "a.default:80"


def test_the_host_that_is_sent_upstream() -> None:
    """As it came, or as the Mapping says."""
    request = Request("A.test:81", "/x/")
    hosts = [
        answer(mapping("a"), request),
        answer(mapping("a", host_rewrite="h.test"), request),
        answer(mapping("a", auto_host_rewrite=True), request),
    ]
    assert [got.host for got in hosts if isinstance(got, Forwarded)] == ["A.test:81", "h.test", "a.default"]


@pytest.mark.parametrize(
    ("redirect", "location"),
    [
        (Redirect("n.test"), "http://n.test/r/a?b=c"),
        (Redirect("n.test:99", path="/p"), "http://n.test:99/p?b=c"),
        (Redirect("n.test", path="/p?z=1"), "http://n.test/p?z=1"),
        (Redirect("n.test", path="p"), "http://n.test/p?b=c"),
        (Redirect("n.test", prefix="/pp"), "http://n.test/pp/a?b=c"),
        (Redirect("n.test", prefix="pp"), "http://n.test/pp/a?b=c"),
        (Redirect("n.test", regex=RegexRewrite("/r/(.*)", "/\\1/x")), "http://n.test/a/x?b=c"),
        (Redirect("n.test", path=""), "http://n.test/r/a?b=c"),
        (Redirect("n.test", scheme=Scheme.HTTPS), "https://n.test/r/a?b=c"),
        (Redirect("n.test:80", scheme=Scheme.HTTP), "http://n.test:80/r/a?b=c"),
    ],
)
def test_the_location_of_a_redirect(redirect: Redirect, location: str) -> None:
    """Scheme of the request unless there is another, host of the Mapping, path replaced as asked, query kept."""
    request = Request("a.test", "/r/a", query=(("b", "c"),))
    assert answer(mapping("a", "/r", redirect=redirect), request) == Redirected(301, location)


def test_the_scheme_and_status_of_a_redirect() -> None:
    """The code of the Mapping; http, whatever a client says of its own protocol."""
    one = mapping("a", redirect=Redirect("n.test", code=RedirectCode.PERMANENT))
    for value in ("https", "http", "ftp"):
        request = Request("a.test", "/x/", headers=(("x-forwarded-proto", value),))
        assert answer(one, request) == Redirected(308, "http://n.test/x/")


@pytest.mark.parametrize(
    ("one", "request_", "taken"),
    [
        (mapping("a", "/x"), Request("h", "/xy"), True),
        (mapping("a", "/x"), Request("h", "/X"), False),
        (mapping("a", "/x", case_sensitive=False), Request("h", "/Xy"), True),
        (mapping("a", "/x", kind=MatchKind.EXACT), Request("h", "/xy"), False),
        (mapping("a", "/x", kind=MatchKind.EXACT, case_sensitive=False), Request("h", "/X"), True),
        (mapping("a", "/x", kind=MatchKind.REGEX), Request("h", "/xy"), False),
        (mapping("a", "/X.", kind=MatchKind.REGEX, case_sensitive=False), Request("h", "/xy"), True),
        (mapping("a", "/"), Request("h", "/%61//b"), True),
        (mapping("a", "/", method="POST"), Request("h", "/"), False),
        (mapping("a", "/", headers={"h": "1"}), Request("h", "/"), False),
        (mapping("a", "/", headers={"h": "~.*"}), Request("h", "/"), False),
        (mapping("a", "/", headers={"h": "~.*"}), Request("h", "/", headers=(("H", ""),)), True),
        (mapping("a", "/", headers={"h": "2"}), Request("h", "/", headers=(("h", "1"), ("h", "2"))), True),
        (mapping("a", "/", headers={"h": "1,2"}), Request("h", "/", headers=(("h", "1"), ("h", "2"))), False),
        (mapping("a", "/", headers={"h": None}), Request("h", "/", headers=(("h", ""),)), True),
        (mapping("a", "/", headers={":path": "/?q=1"}), Request("h", "/", query=(("q", "1"),)), True),
        (mapping("a", "/", headers={"x-forwarded-proto": "http"}), Request("h", "/"), True),
        (
            mapping("a", "/", headers={"x-forwarded-proto": "https"}),
            Request("h", "/", headers=(("x-forwarded-proto", "https"),)),
            False,
        ),
        (mapping("a", "/", headers={"x-request-id": None, "x-forwarded-for": None}), Request("h", "/"), True),
        (
            mapping("a", "/", headers={"x-forwarded-for": "~1[.]1[.]1[.]1,.*"}),
            Request("h", "/", headers=(("x-forwarded-for", "1.1.1.1"),)),
            True,
        ),
        (
            mapping("a", "/", headers={"x-envoy-retry-on": None}),
            Request("h", "/", headers=(("x-envoy-retry-on", "5xx"),)),
            False,
        ),
        (mapping("a", "/", headers={":scheme": "http"}), Request("h", "/"), True),
        (mapping("a", "/a/"), Request("h", "/b/../a/c"), True),
        (mapping("a", "/b/"), Request("h", "/b/../a/c"), False),
        (mapping("a", "/", query={"q": "1"}), Request("h", "/", query=(("q", "1"), ("q", "2"))), True),
        (mapping("a", "/", query={"q": "1"}), Request("h", "/", query=(("q", "2"), ("q", "1"))), False),
        (mapping("a", "/", query={"q": None}), Request("h", "/", query=(("q", ""),)), True),
        (mapping("a", "/", query={"q": None}), Request("h", "/", query=(("q", None),)), True),
        (mapping("a", "/", query={"q": None}), Request("h", "/"), False),
        (mapping("a", "/", host="a.test"), Request("A.TEST:8080", "/"), True),
        (mapping("a", "/", host="*.test"), Request("a.b.test", "/"), True),
        (mapping("a", "/", host="*.test"), Request(".test", "/"), False),
        (mapping("a", "/", host="~[ab]\\.test"), Request("B.test:1", "/"), True),
        (mapping("a", "/", host="~[ab]\\.test"), Request("c.test", "/"), False),
        (mapping("a", "/", host="~a\\.test:80"), Request("a.test:80", "/"), True),
        (mapping("a", "/", host="~a\\.test:80"), Request("a.test:81", "/"), False),
        (mapping("a", "/", host="*"), Request("[::1]:80", "/"), True),
    ],
)
def test_conditions(one: MappingResource, request_: Request, taken: bool) -> None:
    """Each kind of condition, with Envoy's meaning."""
    assert wins(one, request_) is taken


def test_what_envoy_refuses_before_it_routes() -> None:
    """A path that is no path is a 400, whatever the table."""
    assert isinstance(answer(mapping("a", "/"), Request("h", "/caf\u00e9")), BadRequest)


def test_the_virtual_host_is_picked_first() -> None:
    """By the best domain; a rule that is not attached there is not asked."""
    labels = {"l": "1"}
    resources: list[Resource] = [
        host("exact", "a.test"),
        host("wild", "*.test", selector=labels),
        mapping("hostless", "/", host=None, labels=labels),
        mapping("any", "/", labels=labels),
    ]
    assert str(ask(resources, Request("b.test", "/")).virtual_host) == "*.test"
    picked = ask(resources, Request("a.test", "/"))
    assert (str(picked.virtual_host), [c.route.name for c in picked.candidates]) == ("a.test", ["default/any"])


def test_an_unserved_host_or_port_says_what_there_is() -> None:
    """404 in words."""
    resources: list[Resource] = [listener("l", 80), host("h", "a.test"), mapping("a", "/")]
    assert ask(resources, Request("b.test", "/")).answer == NotFound(
        "no virtual host serves `b.test`; there are: `a.test`"
    )
    assert ask(resources, Request("a.test", "/", port=81)).answer == NotFound("no listener on port 81; there are: 80")
    assert ask(resources, Request("a.test", "/", port=80)).listener == "listener-80"


def test_a_weighted_group_shows_all_shares() -> None:
    """Percent of each, adding up to 100; who gets none is a near miss."""
    mappings: list[Resource] = [mapping("a"), mapping("b", weight=10), mapping("c", weight=30), mapping("d", weight=0)]
    explained = ask(mappings, Request("h", "/x/1"))
    assert [(c.route.name, c.percent) for c in explained.candidates] == [
        ("default/c", 30),
        ("default/b", 10),
        ("default/a", 60),
    ]
    assert explained.route == explained.candidates[0].route
    assert [(miss.route.name, miss.reason) for miss in explained.near_misses] == [
        ("default/d", "its weight leaves it no request beside default/c")
    ]


def test_guards_answer_instead_of_rules() -> None:
    """Redirect to https (the port 80 goes), or 404, whatever a client says of its own protocol."""
    for insecure, expected in (
        (InsecureAction.REDIRECT, Redirected(301, "https://H.test/x/?q=1")),
        (InsecureAction.REJECT, NotFound("the request is not secure, and the Host rejects those")),
    ):
        resources: list[Resource] = [host("h", "h.test", insecure=insecure), mapping("a")]
        request = Request("H.test:80", "/x/", query=(("q", "1"),))
        assert ask(resources, request).answer == expected
        claims = Request("h.test", "/x/", headers=(("x-forwarded-proto", "https"),))
        for model, routed in (
            (SecurityModel.XFP, False),
            (SecurityModel.INSECURE, False),
            (SecurityModel.SECURE, True),
        ):
            found = ask([*resources, listener("l", 80, security=model)], claims).answer
            assert isinstance(found, Forwarded) is routed


def test_near_misses_say_the_first_condition_that_failed() -> None:
    """Rules whose path holds come first; then those that share the beginning of the path."""
    mappings: list[Resource] = [
        mapping("winner", "/x/y"),
        mapping("method", "/x/y/z", method="POST"),
        mapping("header", "/x/y/z", headers={"h": "1"}),
        mapping("longer", "/x/y/zz"),
        mapping("later", "/"),
        mapping("far", "/other/path"),
    ]
    explained = ask(mappings, Request("h", "/x/y/z"))
    assert explained.route is not None
    assert explained.route.name == "default/winner"
    assert [(miss.route.name, miss.reason) for miss in explained.near_misses] == [
        ("default/method", "the method is not `POST`"),
        ("default/header", "the header `h` is missing"),
        ("default/later", "default/winner comes first"),
        ("default/longer", "the path does not start with `/x/y/zz`"),
    ]


def test_near_misses_are_capped() -> None:
    """Ten are enough for a person."""
    mappings: list[Resource] = [mapping(f"m{n}", f"/x/{n}") for n in range(30)]
    assert len(ask(mappings, Request("h", "/x/")).near_misses) == 10
