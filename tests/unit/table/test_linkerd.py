"""The header for Linkerd among those a route adds."""

import pytest

from reconciler.model.policy import HeaderChanges, HeaderValue, RoutePolicy
from reconciler.table import build
from tests.support.documents import mapping, spec


def policy(**fields: object) -> RoutePolicy:
    """The policy of the one route of a Mapping."""
    (route,) = build([mapping(spec(hostname="*", **fields))]).table.routes
    return route.policy


@pytest.mark.parametrize(
    ("service", "destination"),
    [("s", "s.default:80"), ("https://s.shop", "s.shop:443"), ("http://[::1]:8080", "[::1]:8080")],
)
def test_it_names_the_service(service: str, destination: str) -> None:
    """Host and port of the service as they are connected to; a client's own header is replaced."""
    added = policy(service=service, add_linkerd_headers=True).request_headers.add
    assert added == (HeaderValue("l5d-dst-override", destination, append=False),)


def test_it_stands_among_others() -> None:
    """What the Mapping adds and removes besides stays."""
    fields = {"add_request_headers": {"x-a": "b"}, "remove_request_headers": ["x-c"], "add_linkerd_headers": True}
    expected = (HeaderValue("l5d-dst-override", "s.default:80", append=False), HeaderValue("x-a", "b"))
    assert policy(**fields).request_headers == HeaderChanges(expected, ("x-c",))


@pytest.mark.parametrize("fields", [{}, {"add_linkerd_headers": False}, {"add_request_headers": {"x-a": "b"}}])
def test_it_is_not_there_unasked(fields: dict[str, object]) -> None:
    """Only where it is asked for."""
    assert "l5d-dst-override" not in {header.name for header in policy(**fields).request_headers.add}
