"""Rendered routes with what a tree of them has to know."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from envoy.config.route.v3.route_components_pb2 import Route

from reconciler.envoy.filters.local_limits import LOCAL_LIMIT_FILTER
from reconciler.envoy.protobuf import serialise
from reconciler.envoy.routes.anchors import anchor, takes_all

# Characters of a key: prefixes that begin with each other cost the cube of their length, and nobody needs such.
_LONGEST_KEY = 256


class Rank(Protocol):
    """A place in the match order: anything that can be sorted."""

    def __lt__(self, other: Any, /) -> bool:
        """Whether this is asked first."""


@dataclass(frozen=True, slots=True)
class Item:
    """A route of a virtual host.

    Attributes:
        rank: its place in the match order, its own within the virtual host; only the order counts.
        anchor: see `anchors.anchor`.
        takes_all: see `anchors.takes_all`.
        counts: Envoy keeps a state for it, such as a token bucket: a copy of the route would have another one.
        body: the route, serialised.
    """

    rank: Rank
    anchor: str
    takes_all: bool
    counts: bool
    body: bytes


def item(route: Route, rank: Rank) -> Item:
    """A rendered route at its place."""
    whole = anchor(route.match)
    key = whole[:_LONGEST_KEY]
    all_of_it = key == whole and takes_all(route.match)
    return Item(rank, key, all_of_it, LOCAL_LIMIT_FILTER in route.typed_per_filter_config, serialise(route))


def items(routes: Iterable[Route]) -> list[Item]:
    """All routes of a virtual host, which come in match order."""
    return [item(route, rank) for rank, route in enumerate(routes)]
