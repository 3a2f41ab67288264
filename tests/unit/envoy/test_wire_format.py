"""Messages put together from bytes."""

from envoy.config.route.v3.route_components_pb2 import Route, RouteList, RouteMatch, VirtualHost
from google.protobuf.any_pb2 import Any
from hypothesis import given
from hypothesis import strategies as st

from reconciler.envoy.protobuf import serialise
from reconciler.envoy.wire_format import field, fields, tag


@given(st.one_of(st.binary(), st.sampled_from([127, 128, 16383, 16384, 3_000_000]).map(bytes)).filter(bool))
def test_a_field_of_any_length(value: bytes) -> None:
    """The same as protobuf writes, around the lengths at which the length takes another byte, too."""
    assert field(tag(Any, "value"), value) == serialise(Any(value=value))


@given(st.lists(st.text(max_size=200)))
def test_a_repeated_field(names: list[str]) -> None:
    """Every value follows a tag of its own, the empty one, too."""
    routes = [Route(name=name) for name in names]
    assert fields(tag(RouteList, "routes"), map(serialise, routes)) == serialise(RouteList(routes=routes))


def test_a_tag_of_two_bytes() -> None:
    """A field's number from 16 on does not fit into one byte."""
    message = VirtualHost()
    message.matcher.SetInParent()
    assert field(tag(VirtualHost, "matcher"), b"") == serialise(message)
    assert len(tag(VirtualHost, "matcher")) > len(tag(Route, "match")) == 1
    assert field(tag(Route, "match"), serialise(RouteMatch(prefix="/"))) == serialise(Route(match={"prefix": "/"}))
