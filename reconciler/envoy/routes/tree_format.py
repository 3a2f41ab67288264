"""A tree of prefixes as Envoy reads it.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/matching/matching_api
"""

from collections.abc import Iterable, Sequence

from envoy.config.route.v3.route_components_pb2 import Route, RouteList
from envoy.type.matcher.v3.http_inputs_pb2 import HttpRequestHeaderMatchInput
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from xds.core.v3.extension_pb2 import TypedExtensionConfig
from xds.type.matcher.v3.matcher_pb2 import Matcher

from reconciler.envoy.protobuf import packed, serialise
from reconciler.envoy.wire_format import NO_FIELDS, Content, Part, field, fields, nested, sealed_field, tag

_TREE = tag(Matcher, "matcher_tree")
_ON_NO_MATCH = tag(Matcher, "on_no_match")
_MAP = tag(Matcher.MatcherTree, "prefix_match_map")
_ENTRY = tag(Matcher.MatcherTree.MatchMap, "map")
# A map is a repeated message of key and value.
_KEY, _VALUE = (tag(Matcher.MatcherTree.MatchMap.MapEntry, name) for name in ("key", "value"))
_MATCHER = tag(Matcher.OnMatch, "matcher")
_ACTION = tag(Matcher.OnMatch, "action")
_CONFIG = tag(TypedExtensionConfig, "typed_config")
_PACKED = tag(Any, "value")
_ROUTES = tag(RouteList, "routes")


def header_input(name: str) -> TypedExtensionConfig:
    """A matcher's view of one request header, or pseudo header."""
    return TypedExtensionConfig(name=name, typed_config=packed(HttpRequestHeaderMatchInput(header_name=name)))


def _type_of(message: type[Message]) -> bytes:
    return serialise(Any(type_url=f"type.googleapis.com/{message.DESCRIPTOR.full_name}"))


_ACTION_NAME = serialise(TypedExtensionConfig(name="route"))
_ROUTE_TYPE = _type_of(Route)
_ROUTE_LIST_TYPE = _type_of(RouteList)
_INPUT = serialise(Matcher.MatcherTree(input=header_input(":path")))


def entry(key: str, routes: Sequence[bytes]) -> Part:
    """The field that says which routes to ask, in which order, for paths that begin with a key.

    The one for ``""`` is a field of the matcher, the others are entries of its map.

    Args:
        key: of the tree.
        routes: serialised; at least one.
    """
    found = on_match(routes)
    if not key:
        return sealed_field(_ON_NO_MATCH, found)
    return sealed_field(_ENTRY, field(_KEY, key.encode()) + field(_VALUE, found))


def on_match(routes: Sequence[bytes]) -> bytes:
    """Ask these routes; if none matches, the answer is 404. One needs no list."""
    if len(routes) == 1:
        config = _ROUTE_TYPE + field(_PACKED, routes[0])
    else:
        config = _ROUTE_LIST_TYPE + field(_PACKED, fields(_ROUTES, routes))
    return field(_ACTION, _ACTION_NAME + field(_CONFIG, config))


def matcher(entries: Iterable[Part], otherwise: Part = NO_FIELDS) -> Content:
    """A whole matcher.

    Args:
        entries: of all keys but ``""``, sorted by key: protobuf leaves the order of a map to its implementations.
        otherwise: the entry of ``""``.
    """
    return nested(_TREE, [_INPUT, nested(_MAP, list(entries))]), otherwise


def after(first: Matcher, then: Content) -> Content:
    """A matcher that hands over to another one where it matches nothing itself."""
    return serialise(first), nested(_ON_NO_MATCH, [nested(_MATCHER, then)])
