"""Where a service is."""

import pytest

from reconciler.model.problem import Code
from reconciler.model.resource import ServiceAddress
from tests.support.documents import mapping, refusal, spec


@pytest.mark.parametrize(
    ("written", "host", "port", "tls"),
    [
        ("svc", "svc.default", 80, False),
        ("svc:8080", "svc.default", 8080, False),
        ("svc.ns2", "svc.ns2", 80, False),
        ("Svc.NS2:1", "svc.ns2", 1, False),
        ("http://svc", "svc.default", 80, False),
        ("https://svc", "svc.default", 443, True),
        ("HTTPS://svc:65535", "svc.default", 65535, True),
        ("https://a.example.com", "a.example.com", 443, True),
        ("my_svc:9", "my_svc.default", 9, False),
        ("localhost:3000", "localhost", 3000, False),
        ("127.0.0.1:3000", "127.0.0.1", 3000, False),
        ("[::1]:3000", "::1", 3000, False),
        ("https://[2001:DB8::1]", "2001:db8::1", 443, True),
        ("a.b.svc.cluster.local.", "a.b.svc.cluster.local.", 80, False),
    ],
)
def test_addresses(written: str, host: str, port: int, tls: bool) -> None:
    """Names without a dot are of the Mapping's namespace; the scheme decides TLS and the default port."""
    assert mapping(spec(service=written)).service == ServiceAddress(host, port, tls)


@pytest.mark.parametrize(
    "written",
    ["svc:0", "svc:70000", "svc:65536", "svc:", "svc:http", "svc:-1", "svc:٣", "svc:1:2", "ftp://svc", "tcp://svc:1",
     "http://", ":80", "svc/path", "http://svc/", "svc?a", "svc#a", "user@svc", "a..b", "-a", "a b", "a\nb", "svc\n",
     "ü", "::1", "[::1", "[::1]80", "[x]", "1.2.3", "999.1.1.1", "1234", "a" * 64, "a." * 130, "*", "*.x",
     "http://https://x"],
)  # fmt: skip
def test_impossible(written: str) -> None:
    """Whatever Envoy could not reach is refused with the form that is expected."""
    problem = refusal(spec(service=written))
    assert problem.code is Code.INVALID_SERVICE
    assert problem.field == "spec.service"
    assert problem.expected == "[http(s)://]name[.namespace][:port]"


def test_port_in_words() -> None:
    """The wrong port is named."""
    assert "port 70000" in refusal(spec(service="svc:70000")).message


def test_other_namespace() -> None:
    """The namespace of the Mapping completes the name; one that is no DNS label cannot."""
    text = "apiVersion: ambassador/v1\nkind: Mapping\nname: m\nnamespace: {}\nprefix: /p/\nservice: svc\n"
    assert mapping(text.format("web")).service == ServiceAddress("svc.web", 80)
    assert refusal(text.format('"a b"')).code is Code.INVALID_SERVICE
