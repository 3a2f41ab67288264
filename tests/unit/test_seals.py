"""The digest of a message: its bytes alone decide, and who has the seals of the parts comes to the same."""

from hashlib import sha256

from envoy.config.route.v3.route_components_pb2 import DirectResponseAction, Route, VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from hypothesis import given
from hypothesis import strategies as st

from reconciler.envoy.protobuf import serialise
from reconciler.envoy.wire_format import Content, Part, field, nested, resource, tag
from reconciler.model.seal import SMALL, seal, seal_row, sealed_row
from reconciler.model.snapshot import XdsResource

_HOSTS = tag(RouteConfiguration, "virtual_hosts")
_ROUTES = tag(VirtualHost, "routes")

# Around the size from which a message is sealed by its fields, and a few times that.
_TEXTS = st.builds(
    lambda size, text: (text * size)[:size],
    st.one_of(st.integers(0, 40), st.integers(SMALL - 40, SMALL + 40), st.just(5 * SMALL)),
    st.sampled_from(["a", "\n\x02\x08\x01", "\x01\n", "\x00", "\n\x00", "\x08"]),
)
_ROUTE = st.builds(
    lambda name, text: serialise(Route(name=name, direct_response=DirectResponseAction(body={"inline_string": text}))),
    st.sampled_from(["", "a", "b"]),
    _TEXTS,
)


def as_bytes(content: Content) -> bytes:
    """A message put together."""
    return resource("", content).body


@given(st.lists(st.tuples(st.booleans(), st.lists(_ROUTE, max_size=4)), max_size=5))
def test_parts_have_the_digest_of_their_bytes(hosts: list[tuple[bool, list[bytes]]]) -> None:
    """However a message is put together: of bytes, of parts in parts, small or large."""
    for together in (True, False):
        content: list[Part | bytes] = [serialise(RouteConfiguration(name="name"))]
        for known, routes in hosts:
            inner: list[Part | bytes] = [nested(_ROUTES, [route]) if together else route for route in routes]
            if not together:
                inner = [as_bytes([nested(_ROUTES, [route])]) for route in routes]
            part = nested(_HOSTS, inner)
            content.append(part if known else Part.of(as_bytes([part])))
        found = resource("name", content)
        assert found == XdsResource.of("name", found.body)
        RouteConfiguration.FromString(found.body)


@given(st.one_of(st.binary(max_size=SMALL), _ROUTE.filter(lambda found: len(found) <= SMALL)))
def test_a_small_message_is_hashed_as_it_is(value: bytes) -> None:
    """As any tool would; what begins as no message does is marked."""
    marked = b"\x00" + value if value[:1] in (b"\x00", b"\x01") else value
    assert seal(value) == sha256(marked).digest()


@given(st.lists(_ROUTE, min_size=1, max_size=4), st.data())
def test_other_bytes_have_another_digest(routes: list[bytes], data: st.DataObject) -> None:
    """One byte changed, added or taken away, anywhere."""
    body = as_bytes([nested(_ROUTES, [route]) for route in routes])
    at = data.draw(st.integers(0, len(body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != body[at]))
    others = {body[:at] + bytes([byte]) + body[at + 1 :], body[:at] + body[at + 1 :], body[:at] + b"\n" + body[at:]}
    assert seal(body) not in {seal(other) for other in others - {body}}


def test_what_is_hashed_for_fields_is_no_other_value() -> None:
    """A value that is just what is hashed for another one has another seal."""
    large = as_bytes([nested(_ROUTES, [b"a" * SMALL])])
    hashed = b"\x01" + sealed_row(large)
    assert seal(large) == sha256(hashed).digest() == seal_row([sealed_row(large)])
    assert seal(hashed) != seal(large)
    assert seal(b"\x00" + hashed) != seal(hashed)


def test_lengths_are_hashed_as_they_are_written() -> None:
    """A length spelt with more bytes than it takes means the same message, but is not the same bytes."""
    value = b"a" * (SMALL + 1)
    short, long = b"\n\x81\x20" + value, b"\n\x81\xa0\x00" + value
    assert seal(short) != seal(long)


def test_any_depth_is_sealed() -> None:
    """A text that looks like messages in messages, as many as fit into it."""
    value = b"a" * SMALL
    for _ in range(10_000):
        value = field(b"\n", value)
    assert seal(value) != seal(value[:-1] + b"b")
