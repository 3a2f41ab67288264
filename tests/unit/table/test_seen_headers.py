"""Headers as conditions see them: what Envoy joins, drops, and believes; read off a running Envoy 1.40."""

from dataclasses import replace

import pytest

from reconciler.model.resource import InsecureAction, Redirect, Resource, SecurityModel
from reconciler.model.table import Request
from reconciler.table import Redirected, build, explain
from tests.support.mappings import host, listener, mapping


def proxied(*resources: Resource, security: SecurityModel = SecurityModel.XFP) -> list[Resource]:
    """The resources behind a Listener that believes one proxy in front of it."""
    return [*resources, replace(listener("l", 80, security=security), trusted_hops=1)]


def takes(condition: dict[str, str | None], *sent: tuple[str, str], behind_proxy: bool = False) -> bool:
    """Whether a Mapping with a header condition takes a request with these headers."""
    resources: list[Resource] = [mapping("a", "/", headers=condition)]
    found = explain(build(proxied(*resources) if behind_proxy else resources).table, Request("h", "/", headers=sent))
    return found.route is not None


def test_some_headers_are_one_value() -> None:
    """Well-known headers sent twice are joined, empty ones left out; all others count one by one."""
    assert takes({"accept": "1,2"}, ("Accept", "1"), ("accept", "2"))
    assert not takes({"accept": "1"}, ("accept", "1"), ("accept", "2"))
    assert takes({"accept": "1"}, ("accept", ""), ("accept", "1"))
    assert takes({"x-a": "2"}, ("x-a", "1"), ("x-a", "2"))
    assert not takes({"x-a": "1,2"}, ("x-a", "1"), ("x-a", "2"))


@pytest.mark.parametrize(
    ("sent", "seen", "scheme"),
    [
        (["https"], "https", "https"),
        (["HTTPS"], "HTTPS", "https"),
        (["ftp"], "ftp", "http"),
        (["https", "http"], "https,http", "http"),
        (["", "https"], "https", "https"),
        ([], "http", "http"),
    ],
)
def test_a_proxy_in_front_is_believed_about_the_scheme(sent: list[str], seen: str, scheme: str) -> None:
    """Where hops are trusted, conditions see what it says, and a redirect keeps the scheme that follows from it."""
    headers = tuple(("x-forwarded-proto", value) for value in sent)
    assert takes({"x-forwarded-proto": seen, ":scheme": scheme}, *headers, behind_proxy=True)
    moved = mapping("a", "/", redirect=Redirect("n.test"))
    answer = explain(build(proxied(moved)).table, Request("h", "/", headers=headers)).answer
    assert answer == Redirected(301, f"{scheme}://n.test/")


@pytest.mark.parametrize(("told", "port"), [("http", ""), ("https", ":80"), ("ftp", ":80")])
def test_a_redirect_to_https_drops_the_port_of_http_only(told: str, port: str) -> None:
    """The port 80 goes where the client is believed to have used http, and stays otherwise."""
    resources = proxied(
        host("h", "h.test", insecure=InsecureAction.REDIRECT), mapping("a", "/"), security=SecurityModel.INSECURE
    )
    request = Request("h.test:80", "/", headers=(("x-forwarded-proto", told),))
    assert explain(build(resources).table, request).answer == Redirected(301, f"https://h.test{port}/")
