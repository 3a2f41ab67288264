"""Between bytes and values: the discovery messages. Responses are serialised once and reused across streams.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/discovery/v3/discovery.proto
"""

from collections import OrderedDict
from dataclasses import dataclass

from envoy.config.core.v3.base_pb2 import Node
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
    Resource,
)
from google.protobuf.any_pb2 import Any as AnyMessage

from reconciler.apply.xds.session import Protocol
from reconciler.apply.xds.state import Push, Request
from reconciler.model.snapshot import TypeUrl, XdsResource

MAX_DETAIL = 2000
MAX_NODE = 256
_CACHED_RESPONSES = 16
_NONCE_FIELD = b"\x2a"  # field 5, length-delimited, in both response messages


@dataclass(frozen=True, slots=True)
class Client:
    """Who opened the stream, in its own words (bounded and printable)."""

    node: str
    cluster: str
    user_agent: str


def client_of(node: Node, peer: str) -> Client:
    """Who speaks; a client without a node id goes by its address."""
    version = node.user_agent_version or ".".join(
        str(part)
        for part in (
            node.user_agent_build_version.version.major_number,
            node.user_agent_build_version.version.minor_number,
            node.user_agent_build_version.version.patch,
        )
    )
    agent = f"{node.user_agent_name} {version}" if node.user_agent_name else ""
    return Client(_clean(node.id, MAX_NODE) or peer, _clean(node.cluster, MAX_NODE), _clean(agent, MAX_NODE))


def sotw_request(message: DiscoveryRequest) -> Request | None:
    """The request as a value; None for a type that is not served here."""
    if message.type_url not in set(TypeUrl):
        return None
    return Request(
        TypeUrl(message.type_url),
        message.response_nonce,
        _error(message),
        names=tuple(message.resource_names),
        version=message.version_info,
    )


def delta_request(message: DeltaDiscoveryRequest) -> Request | None:
    """The request as a value; None for a type that is not served here."""
    if message.type_url not in set(TypeUrl):
        return None
    return Request(
        TypeUrl(message.type_url),
        message.response_nonce,
        _error(message),
        names=tuple(message.resource_names_subscribe),
        dropped=tuple(message.resource_names_unsubscribe),
        versions=tuple(message.initial_resource_versions.items()),
    )


def _error(message: DiscoveryRequest | DeltaDiscoveryRequest) -> str | None:
    if not message.HasField("error_detail"):
        return None
    # Nothing that Envoy might quote of a key goes any further.
    words = message.error_detail.message.partition("-----BEGIN")[0]
    return _clean(words, MAX_DETAIL) or f"rejected with code {message.error_detail.code}"


def _clean(text: str, limit: int) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text[:limit])


class Encoder:
    """Pushes to bytes. Everything but the nonce is the same for all streams and kept for the latest few pushes."""

    def __init__(self) -> None:
        self._cache: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    def encode(self, protocol: Protocol, push: Push) -> bytes:
        """The serialised response message.

        Fields of a message may come in any order, so the nonce is put behind the cached rest.
        """
        digests = tuple((r.name, r.digest) for r in push.resources)
        key = (protocol, push.type_url, push.version, digests, push.removed)
        if (body := self._cache.get(key)) is None:
            body = self._cache[key] = _sotw(push) if protocol is Protocol.SOTW else _delta(push)
        self._cache.move_to_end(key)
        while len(self._cache) > _CACHED_RESPONSES:
            self._cache.popitem(last=False)
        nonce = push.nonce.encode()
        return b"".join((body, _NONCE_FIELD, bytes((len(nonce),)), nonce))


def _any(type_url: TypeUrl, resource: XdsResource) -> AnyMessage:
    return AnyMessage(type_url=type_url, value=resource.body)


def _sotw(push: Push) -> bytes:
    message = DiscoveryResponse(
        version_info=push.version,
        type_url=push.type_url,
        resources=[_any(push.type_url, resource) for resource in push.resources],
    )
    return bytes(message.SerializeToString())


def _delta(push: Push) -> bytes:
    message = DeltaDiscoveryResponse(
        system_version_info=push.version,
        type_url=push.type_url,
        resources=[
            Resource(name=resource.name, version=resource.digest, resource=_any(push.type_url, resource))
            for resource in push.resources
        ],
        removed_resources=push.removed,
    )
    return bytes(message.SerializeToString())
