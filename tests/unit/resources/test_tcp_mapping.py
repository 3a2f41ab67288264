"""TCPMapping: its fields."""

from typing import Any

import pytest
import yaml

from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.ports import TcpMappingResource
from reconciler.model.problem import Code
from reconciler.model.upstream import ServiceAddress
from tests.support.documents import load_text, refusal

_FIELDS = {"port": 6379, "service": "redis:6379"}


def _text(**fields: Any) -> str:
    head = {"apiVersion": "getambassador.io/v3alpha1", "kind": "TCPMapping", "metadata": {"name": "x"}}
    return yaml.safe_dump(head | {"spec": _FIELDS | fields}, sort_keys=False)


def _tcp_mapping(**fields: Any) -> TcpMappingResource:
    loaded = load_text(_text(**fields))
    assert loaded.problems == ()
    (resource,) = loaded.resources
    assert isinstance(resource, TcpMappingResource)
    return resource


def test_fields() -> None:
    """The least there can be, and everything."""
    least = _tcp_mapping()
    assert (least.port, least.service) == (6379, ServiceAddress("redis.default", 6379))
    assert (least.host, least.address, least.weight, least.idle_timeout_ms) == (None, "", None, None)
    whole = _tcp_mapping(
        host="*.a.test", address="127.0.0.1", weight=0, resolver="kubernetes-endpoint", cluster_tag="t"
    )
    assert whole.host == HostMatch(MatchKind.SUFFIX, ".a.test")
    assert (whole.address, whole.weight, whole.resolver) == ("127.0.0.1", 0, "kubernetes-endpoint")
    assert whole.upstream.tag == "t"


@pytest.mark.parametrize(("written", "read"), [("60000", 60000), (60000, 60000), (0, 0), ("0", 0), (None, None)])
def test_idle_timeout(written: object, read: int | None) -> None:
    """A string, as the language has it, or the number that is meant."""
    assert _tcp_mapping(idle_timeout_ms=written).idle_timeout_ms == read


@pytest.mark.parametrize(
    ("fields", "address", "context"),
    [
        ({"tls": True, "service": "db"}, ServiceAddress("db.default", 443, tls=True), ""),
        ({"tls": "upstream"}, ServiceAddress("redis.default", 6379, tls=True), "upstream"),
        ({"tls": False}, ServiceAddress("redis.default", 6379), ""),
        ({"service": "https://db"}, ServiceAddress("db.default", 443, tls=True), ""),
    ],
)
def test_tls_to_the_upstream(fields: dict[str, object], address: ServiceAddress, context: str) -> None:
    """Asked for by scheme, by true, or by the name of a TLSContext."""
    read = _tcp_mapping(**fields)
    assert (read.service, read.tls_context) == (address, context)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"port": 0}, Code.INVALID_VALUE),
        ({"port": "6379"}, Code.WRONG_TYPE),
        ({"host": "a.*"}, Code.INVALID_VALUE),
        ({"host": "a b"}, Code.INVALID_VALUE),
        ({"address": "localhost"}, Code.INVALID_VALUE),
        ({"idle_timeout_ms": "1s"}, Code.INVALID_VALUE),
        ({"idle_timeout_ms": -1}, Code.INVALID_VALUE),
        ({"weight": 101}, Code.INVALID_VALUE),
        ({"service": "a/b"}, Code.INVALID_SERVICE),
        ({"prefix": "/"}, Code.UNKNOWN_FIELD),
    ],
)
def test_refusals(fields: dict[str, object], code: Code) -> None:
    """One located error each."""
    assert refusal(_text(**fields)).code is code
