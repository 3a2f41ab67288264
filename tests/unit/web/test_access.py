"""Who may see what: every way in, and every way past it."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.web.access import (
    EVERYTHING,
    Facts,
    Grants,
    Refused,
    Rules,
    Scope,
    Token,
    Viewer,
    decide,
    digest_of,
)

GRANTS = Grants(
    (Token(digest_of("all-token"), "ann", EVERYTHING), Token(digest_of("shop-token"), "bob", Scope.of(["shop"]))),
    users={"carol": Scope.of(["shop"]), "root": EVERYTHING},
    groups={"pay": Scope.of(["pay", "cash"]), "ops": EVERYTHING},
)
RULES = Rules(open=False, local=False, peers=(ip_network("10.0.0.7/32"), ip_network("fd00::/8")))
ASKED = Facts("192.0.2.1", ("pages.example.com",))
PROXIED = replace(ASKED, peer="10.0.0.7", users=("carol",))


def status(facts: Facts, rules: Rules = RULES, grants: Grants = GRANTS) -> int:
    """How a request is answered, as HTTP says it."""
    found = decide(facts, rules, grants)
    return found.status if isinstance(found, Refused) else 200


def namespaces(facts: Facts, rules: Rules = RULES) -> set[str] | None:
    """What somebody who is let in may see; None for everything."""
    found = decide(facts, rules, GRANTS)
    assert isinstance(found, Viewer), found
    return None if found.scope.namespaces is None else set(found.scope.namespaces)


@pytest.mark.parametrize("header", ["Bearer all-token", "bearer  all-token "])
def test_a_token_lets_in(header: str) -> None:
    """The scheme is written in any case (RFC 9110, section 11.1)."""
    assert decide(replace(ASKED, authorizations=(header,)), RULES, GRANTS) == Viewer("ann", EVERYTHING, "token")


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Bearer other",),
        ("Basic all-token",),
        ("Bearer all-token x",),
        ("Bearer all-token", "Bearer all-token"),
        (f"Bearer {digest_of('all-token')}",),
        ("Bearer ünï",),
    ],
)
def test_nothing_else_does(headers: tuple[str, ...]) -> None:
    """Not the hash of a token either, which is what the file shows."""
    assert status(replace(ASKED, authorizations=headers)) == 401


def test_a_wrong_token_is_not_made_good_by_a_proxy() -> None:
    """Who shows a token means it."""
    assert status(replace(PROXIED, authorizations=("Bearer other",))) == 401


def test_a_session_is_as_good_as_its_token_as_long_as_that_is() -> None:
    """With a token that is taken back its sessions end."""
    facts = replace(ASKED, session=digest_of("shop-token"))
    assert namespaces(facts) == {"shop"}
    assert status(facts, grants=Grants()) == 401


def test_a_proxy_is_believed_by_its_address_alone() -> None:
    """Whoever else sends its headers is asked for credentials."""
    assert namespaces(PROXIED) == {"shop"}
    for peer in ("10.0.0.8", "", "10.0.0.7.example.com", "::ffff:10.0.0.8", "fe80::1%eth0"):
        assert status(replace(PROXIED, peer=peer)) == 401, peer
    for peer in ("::ffff:10.0.0.7", "fd00::1"):
        assert status(replace(PROXIED, peer=peer)) == 200, peer
    assert status(PROXIED, replace(RULES, peers=())) == 401


def test_groups_add_up() -> None:
    """Of a user and all groups that are known."""
    assert namespaces(replace(PROXIED, groups=("pay, unknown", "x"))) == {"shop", "pay", "cash"}
    assert namespaces(replace(PROXIED, users=("dave",), groups=("pay",))) == {"pay", "cash"}
    assert namespaces(replace(PROXIED, groups=("pay,ops",))) is None
    assert namespaces(replace(PROXIED, users=("root",))) is None


@pytest.mark.parametrize(
    ("users", "expected"), [(("carol", "root"), 401), (("carol", "carol"), 401), ((" ",), 401), (("dave",), 403)]
)
def test_a_proxy_names_one_user_who_may_see_something(users: tuple[str, ...], expected: int) -> None:
    """Of two names one may be the client's own, which the proxy has let through."""
    assert status(replace(PROXIED, users=users)) == expected


def test_very_many_groups_are_refused() -> None:
    """What a proxy sends is bounded, too."""
    assert status(replace(PROXIED, groups=(",".join(["pay"] * 500),))) == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8082", "127.0.0.1:1", "[::1]:8082", "localhost."])
def test_on_loopback_nobody_is_asked(host: str) -> None:
    """What only this machine can reach, by a name that only means this machine."""
    open_rules = Rules(open=True, local=True)
    assert decide(replace(ASKED, hosts=(host,)), open_rules, Grants()) == Viewer("anonymous", EVERYTHING, "loopback")


@pytest.mark.parametrize(
    "hosts", [("evil.example.com",), ("evil.example.com:8082",), (), ("localhost", "localhost"), ("localhost@evil",)]
)
def test_names_of_others_are_refused_on_loopback(hosts: tuple[str, ...]) -> None:
    """A page from elsewhere can let its own name point to this machine, and ask what its browser may ask."""
    assert status(replace(ASKED, hosts=hosts), Rules(open=True, local=True)) == 400


def test_own_names_are_told_by_the_settings() -> None:
    """On loopback besides this machine's, elsewhere in place of any."""
    named = replace(RULES, hosts=frozenset({"pages.example.com"}))
    token = replace(ASKED, authorizations=("Bearer all-token",))
    assert [status(replace(token, hosts=(h,)), named) for h in ("pages.example.com:443", "x.example.com")] == [200, 400]
    assert status(token, replace(named, local=True)) == 200


_TEXT = st.text(max_size=20) | st.sampled_from(["Bearer all-token", "carol", "ops", "10.0.0.7", "localhost"])
_TEXTS = st.lists(_TEXT, max_size=3).map(tuple)


@given(st.builds(Facts, _TEXT, _TEXTS, _TEXTS, _TEXTS, _TEXTS, _TEXT))
def test_whoever_comes_in_has_shown_something(facts: Facts) -> None:
    """Whatever a request says, it is let in for a token, a session or a proxy's word alone; and nothing fails."""
    found = decide(facts, RULES, GRANTS)
    if isinstance(found, Viewer):
        assert found.through in ("token", "proxy", "session")
        assert (found.through == "token") == (facts.authorizations == ("Bearer all-token",))
        assert found.through != "proxy" or facts.peer == "10.0.0.7"
        assert found.through != "session"  # no text of these is a hash that is known
