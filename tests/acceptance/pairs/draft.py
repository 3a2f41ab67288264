"""A case that is put together from features, and what a feature is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

OURS, CANARY, SHADOW, BESIDE = "ours", "canary", "shadow", "beside"
UPSTREAM_FIELDS = ("grpc", "tls")
# What decides which requests a Mapping gets.
MATCHING = (
    *("hostname", "prefix", "prefix_exact", "prefix_regex", "case_sensitive", "method", "method_regex", "headers"),
    *("regex_headers", "query_parameters", "regex_query_parameters", "precedence"),
)


@dataclass(slots=True)
class Draft:
    """A case that is being put together.

    Attributes:
        mapping: fields of the Mapping that is tested.
        beside: other documents, as ``(kind, name, fields)``.
        request, expect, services: as in a file of cases.
        last: what has to wait until all fields are there.
    """

    mapping: dict[str, Any] = field(default_factory=lambda: {"hostname": "*", "service": "echo"})
    beside: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    request: dict[str, Any] = field(default_factory=lambda: {"headers": {}})
    expect: dict[str, Any] = field(
        default_factory=lambda: {
            "status": 200,
            "upstream": "echo",
            "headers": {},
            "absent": [],
            "response_headers": {},
            "seen_by": {},
            "told": {},
        }
    )
    services: dict[str, str] = field(default_factory=dict)
    last: list[Callable[["Draft"], None]] = field(default_factory=list)
    version: str = "v3alpha1"

    @property
    def websocket(self) -> bool:
        """Whether the request is an upgrade."""
        return bool(self.request.get("protocol") == "websocket")

    @property
    def grpc(self) -> bool:
        """Whether the request is a gRPC call."""
        return bool(self.request.get("protocol") == "grpc")


@dataclass(frozen=True, slots=True)
class Feature:
    """One alternative of a dimension.

    Attributes:
        apply: puts it into a draft.
        fields: of Mapping, which it uses.
        not_with: names of features it can't be combined with.
    """

    name: str
    apply: Callable[[Draft], None]
    fields: tuple[str, ...] = ()
    not_with: tuple[str, ...] = ()


def nothing(_draft: Draft) -> None:
    """As if it were not there."""


def setting(**fields: Any) -> Callable[[Draft], None]:
    """Fields alone, which change nothing of the answer."""

    def apply(draft: Draft) -> None:
        draft.mapping |= fields

    return apply


def plain(name: str, not_with: tuple[str, ...] = (), **fields: Any) -> Feature:
    return Feature(name, setting(**fields), tuple(fields), not_with)
