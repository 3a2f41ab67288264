"""What of a change a reviewer must not overlook: told from plans as they really are."""

from collections.abc import Sequence

import pytest

from reconciler.audit.record import risks
from reconciler.model.plan import Change, EdgeChange, FieldChange, HostChange, Op
from reconciler.model.resource import Kind, ResourceId
from reconciler.model.risk import Risk

NAME = ResourceId(Kind.MAPPING, "default", "api")


def route(op: Op, *fields: tuple[str, str, str]) -> Sequence[Risk]:
    """The risks of a route with these fields: name, before, after."""
    return risks.of_route(Change(op, NAME, tuple(FieldChange(*field) for field in fields), None, None))


def host(*fields: tuple[str, str, str], op: Op = Op.UPDATE) -> Sequence[Risk]:
    """The risks of a virtual host."""
    return risks.of_host(HostChange(op, "http", "a.example.com", tuple(FieldChange(*field) for field in fields)))


@pytest.mark.parametrize(
    ("field", "before", "after", "risk"),
    [
        ("auth", "", "NOT ASKED", Risk.AUTH_BYPASSED),
        ("auth", "NOT ASKED", "", None),
        ("to", "api:443 (TLS)", "api:80", Risk.TLS_REMOVED),
        ("to", "api:443 (HTTP/2, TLS signed by file /ca.crt)", "api:80 (HTTP/2)", Risk.TLS_REMOVED),
        ("to", "api:443 (TLS)", "api:443 (TLS unverified)", Risk.TLS_WEAKENED),
        ("to", "api:80", "other:80", None),
        ("to", "api:443 (TLS)", "api:80 (statistics x(TLS))", Risk.TLS_REMOVED),
        ("to", "api:443 (TLS)", 'api:80 (statistics "a, TLS")', Risk.TLS_REMOVED),
        ("to", "api:443 (TLS)", 'api:80 (statistics "a, TLS b")', Risk.TLS_REMOVED),
        ("to", "api:443 (TLS)", "", None),
        ("host", "api.example.com", "*", Risk.HOST_WIDENED),
        ("host", "api.example.com", "*.example.com", Risk.HOST_WIDENED),
        ("host", "*", "api.example.com", None),
        ("host", "api.example.com", "other.example.com", None),
        ("host", "api.example.com | b.example.com", "b.example.com | *.example.com", Risk.HOST_WIDENED),
        ("path", "prefix /api/v1/", "prefix /api/", Risk.PREFIX_WIDENED),
        ("path", "exact /api/v1", "prefix /", Risk.PREFIX_WIDENED),
        ("path", "prefix /api/", "prefix /api/v1/", None),
        ("path", "prefix /api/", "prefix /other/", None),
        ("path", "prefix /a b/".replace("/a b/", '"/a b/"'), "prefix /a", Risk.PREFIX_WIDENED),
        ("path", "prefix /api/ (any case)", "prefix / (any case)", Risk.PREFIX_WIDENED),
        ("headers", "x-internal is yes", "", Risk.CONDITIONS_REMOVED),
        ("method", "GET", "", Risk.CONDITIONS_REMOVED),
        ("share", "10 % of requests", "60 % of requests", Risk.WEIGHT_OVER_HALF),
        ("share", "60 % of requests", "90 % of requests", None),
        ("share", "10 % of requests", "", Risk.WEIGHT_OVER_HALF),
        ("share", "10 % of requests", "50 % of requests", None),
        ("local limit", "10 in 1000 ms, at most 10 at once, else 429", "", Risk.LIMITS_REMOVED),
        ("timeout", "3000 ms", "5000 ms", None),
    ],
)
def test_a_route_that_is_changed(field: str, before: str, after: str, risk: Risk | None) -> None:
    """Each flag for what it is meant for, and not for what closes something."""
    assert route(Op.UPDATE, (field, before, after)) == (() if risk is None else (risk,))


def test_a_new_route_widens_nothing_but_may_bypass() -> None:
    """What it was before is nothing."""
    assert route(Op.CREATE, ("host", "", "*"), ("path", "", "prefix /"), ("to", "", "api:80")) == ()
    assert route(Op.CREATE, ("auth", "", "NOT ASKED")) == (Risk.AUTH_BYPASSED,)
    assert route(Op.CREATE, ("share", "", "60 % of requests")) == (Risk.WEIGHT_OVER_HALF,)


def test_what_is_deleted_opens_nothing() -> None:
    """Fields that go with their route are no removal of a guard."""
    assert route(Op.DELETE, ("to", "api:443 (TLS)", ""), ("headers", "a is b", "")) == ()
    assert host(("tls", "cert", ""), op=Op.DELETE) == ()


@pytest.mark.parametrize(
    ("field", "before", "after", "risk"),
    [
        ("tls", "cert", "", Risk.TLS_REMOVED),
        ("client certificates", "required with secret ca", "checked with secret ca", Risk.TLS_WEAKENED),
        ("client certificates", "required with secret ca", "required with secret other", None),
        ("tls versions", "v1.3 to any", "v1.2 to any", Risk.TLS_WEAKENED),
        ("tls versions", "v1.2 to any", "v1.3 to any", None),
        ("tls versions", "v1.2 to v1.3", "", Risk.TLS_WEAKENED),
        ("insecure requests", "Redirect always", "", Risk.TLS_WEAKENED),
        ("certificate", "secret a", "secret b", None),
    ],
)
def test_how_clients_connect(field: str, before: str, after: str, risk: Risk | None) -> None:
    """TLS that goes, and TLS that asks for less."""
    assert host((field, before, after)) == (() if risk is None else (risk,))


def test_what_all_listeners_share() -> None:
    """The auth service of all, and the limits of all."""
    auth = EdgeChange(Op.DELETE, "AuthService default/auth", (), "REQUESTS ARE NO LONGER AUTHENTICATED")
    rates = EdgeChange(Op.DELETE, "RateLimitService default/r", (), "RATES ARE NO LONGER LIMITED")
    assert (risks.of_edge(auth), risks.of_edge(rates)) == ((Risk.AUTH_BYPASSED,), (Risk.LIMITS_REMOVED,))
    assert risks.of_edge(EdgeChange(Op.UPDATE, "AuthService x", (), "how requests are authenticated")) == ()
