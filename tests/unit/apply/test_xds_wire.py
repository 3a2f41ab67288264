"""Between bytes and values."""

import pytest
from envoy.config.core.v3.base_pb2 import Node
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)

from reconciler.apply.xds.session import Protocol
from reconciler.apply.xds.state import Push, Request
from reconciler.apply.xds.wire import MAX_DETAIL, Client, Encoder, client_of, delta_request, sotw_request
from reconciler.model.digest import Digest
from reconciler.model.snapshot import TypeUrl
from tests.support.xds_model import cluster

CDS = TypeUrl.CLUSTER


@pytest.mark.parametrize("nonce", ["1", "2", "123456"])
def test_a_state_of_the_world_response_carries_everything(nonce: str) -> None:
    """What the encoder puts together by hand is the message, with every stream's own nonce."""
    encoder, resource = Encoder(), cluster("a")
    encoder.encode(Protocol.SOTW, Push(CDS, "9", Digest("v"), (resource,)))
    message = DiscoveryResponse.FromString(encoder.encode(Protocol.SOTW, Push(CDS, nonce, Digest("v"), (resource,))))
    assert (message.nonce, message.version_info, message.type_url) == (nonce, "v", CDS)
    assert [(any_.type_url, any_.value) for any_ in message.resources] == [(CDS, resource.body)]


def test_a_delta_response_carries_everything() -> None:
    """Names, a digest as each version, and what is removed."""
    resource = cluster("a")
    push = Push(CDS, "7", Digest("v"), (resource,), ("gone",))
    message = DeltaDiscoveryResponse.FromString(Encoder().encode(Protocol.DELTA, push))
    assert (message.nonce, message.system_version_info, message.type_url) == ("7", "v", CDS)
    assert [(r.name, r.version, r.resource.value) for r in message.resources] == [("a", resource.digest, resource.body)]
    assert list(message.removed_resources) == ["gone"]


def test_the_encoder_tells_pushes_of_one_version_apart() -> None:
    """Two deltas to one version differ by what each client lacks; the cache must not mix them up."""
    encoder = Encoder()
    pushes = [Push(CDS, "1", Digest("v"), (cluster(name),), removed) for name in "ab" for removed in ((), ("x",))]
    messages = [DeltaDiscoveryResponse.FromString(encoder.encode(Protocol.DELTA, push)) for push in pushes]
    assert [(m.resources[0].name, list(m.removed_resources)) for m in messages] == [
        ("a", []),
        ("a", ["x"]),
        ("b", []),
        ("b", ["x"]),
    ]


def test_requests_become_values() -> None:
    """Every field that counts comes through, in both variants."""
    sotw = DiscoveryRequest(type_url=CDS, response_nonce="1", resource_names=["a"], version_info="v")
    assert sotw_request(sotw) == Request(CDS, "1", names=("a",), version="v")
    delta = DeltaDiscoveryRequest(
        type_url=CDS,
        resource_names_subscribe=["a"],
        resource_names_unsubscribe=["b"],
        initial_resource_versions={"c": "d"},
    )
    assert delta_request(delta) == Request(CDS, names=("a",), dropped=("b",), versions=(("c", "d"),))


def test_a_type_that_is_not_served_is_no_request() -> None:
    """Secrets, runtime and whatever comes next are left unanswered."""
    assert sotw_request(DiscoveryRequest(type_url="type.googleapis.com/else")) is None
    assert delta_request(DeltaDiscoveryRequest(type_url="")) is None


def test_a_client_s_words_are_bounded_and_printable() -> None:
    """An error text ends up on terminals and in the journal: cut, and without control characters."""
    message = DiscoveryRequest(type_url=CDS)
    message.error_detail.message = "\x1b[31mred\x00\n" + "x" * 5000
    request = sotw_request(message)
    assert request is not None
    assert request.error is not None
    assert request.error.startswith("?[31mred?\n")
    assert len(request.error) == MAX_DETAIL
    message.error_detail.message = ""
    message.error_detail.code = 13
    request = sotw_request(message)
    assert request is not None
    assert request.error == "rejected with code 13"


def test_a_client_says_who_it_is() -> None:
    """Node, cluster and version; one without an id goes by its address."""
    node = Node(id="edge", cluster="web", user_agent_name="envoy")
    node.user_agent_build_version.version.major_number = 1
    node.user_agent_build_version.version.minor_number = 40
    assert client_of(node, "ipv4:1.2.3.4:5") == Client("edge", "web", "envoy 1.40.0")
    assert client_of(Node(), "ipv4:1.2.3.4:5") == Client("ipv4:1.2.3.4:5", "", "")
