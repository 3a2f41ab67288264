"""What is kept of objects of the cluster. They are untrusted: what is not as it should be is left out."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from reconciler.cluster import Body
from reconciler.envoy import SecretContent
from reconciler.model.addresses import address_of, why_no_upstream
from reconciler.model.certificates import LARGEST_PEM
from reconciler.model.digest import Json
from reconciler.model.endpoints import AddressType, EndpointSlice, Service, ServicePort, SliceEndpoint

_SERVICE = "kubernetes.io/service-name"
_ENTRIES = ("tls.crt", "tls.key", "ca.crt", "crl.pem")
_MOST_ENDPOINTS = 1000  # the API allows no more in a slice
_MOST_PORTS = 100
_LAST_PORT = 65535


def service_of(body: Body) -> Service:
    """A Service and its TCP ports."""
    spec = _object(body.get("spec"))
    ports = tuple(_ports(spec.get("ports"), "port"))
    external = spec.get("externalName") if spec.get("type") == "ExternalName" else None
    return Service(ports, external if isinstance(external, str) else "")


def slice_of(body: Body) -> EndpointSlice | None:
    """An EndpointSlice; None for one that belongs to no Service, or whose addresses are names."""
    service = _object(_object(body.get("metadata")).get("labels")).get(_SERVICE)
    kind = body.get("addressType")
    if not isinstance(service, str) or not service or kind not in set(AddressType):
        return None
    endpoints = tuple(_endpoint(one) for one in _objects(body.get("endpoints"), _MOST_ENDPOINTS))
    there = tuple(one for one in endpoints if one is not None)
    return EndpointSlice(service, AddressType(str(kind)), tuple(_ports(body.get("ports"), "port")), there)


def secret_of(body: Body) -> SecretContent:
    """The entries of a Secret that certificates are made of, and no others."""
    data = _object(body.get("data"))
    found = {key: _decoded(data[key]) for key in _ENTRIES if key in data}
    return SecretContent(MappingProxyType(found))


def _ports(listed: Json, number: str) -> Iterator[ServicePort]:
    for port in _objects(listed, _MOST_PORTS):
        there, name = port.get(number), port.get("name")
        if port.get("protocol") in (None, "TCP") and isinstance(there, int) and 0 < there <= _LAST_PORT:
            yield ServicePort(there, name if isinstance(name, str) else "")


def _endpoint(body: Mapping[str, Json]) -> SliceEndpoint | None:
    addresses = body.get("addresses")
    address = addresses[0] if isinstance(addresses, list) and addresses else None
    if not isinstance(address, str) or not _is_address(address):
        return None
    said = _object(body.get("conditions"))
    ready = said.get("ready") is not False  # unknown counts as ready
    zone = body.get("zone")
    serving = said.get("serving")
    serves = ready if serving is None else serving is True
    return SliceEndpoint(address, ready, serves, zone if isinstance(zone, str) else "")


def _is_address(text: str) -> bool:
    """Whether something may be an endpoint: whoever writes EndpointSlices must not reach Envoy's own machine."""
    return address_of(text) is not None and not why_no_upstream(text, loopback=False)


def _decoded(value: Json) -> bytes:
    """An entry of a Secret; nothing that could be a certificate where it is not in base64, or too large."""
    if not isinstance(value, str) or len(value) > LARGEST_PEM * 2:
        return b""
    try:
        return b64decode(value, validate=True)
    except ValueError:
        return b""


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _objects(value: Json, most: int) -> list[Mapping[str, Json]]:
    return [one for one in value[:most] if isinstance(one, dict)] if isinstance(value, list) else []
