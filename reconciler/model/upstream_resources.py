"""Documents that Mappings name to say how Envoy talks to their service."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.origin import Origin
from reconciler.model.upstream import CircuitBreaker, Discovery, OutlierDetection


@dataclass(frozen=True, slots=True)
class ResolverResource:
    """Who knows the endpoints of the services that name it: one class for the three kinds of resolver.

    Attributes:
        address: ``host[:port]`` of a Consul agent; empty for the other kinds.
        datacenter: of Consul.
    """

    origin: Origin
    discovery: Discovery
    address: str = ""
    datacenter: str = ""


@dataclass(frozen=True, slots=True)
class CircuitBreakerResource:
    """A CircuitBreaker of the first versions of the language, for requests of the default priority."""

    origin: Origin
    breaker: CircuitBreaker


@dataclass(frozen=True, slots=True)
class OutlierDetectionResource:
    """An OutlierDetection of the first versions of the language."""

    origin: Origin
    outliers: OutlierDetection


UpstreamResource: TypeAlias = ResolverResource | CircuitBreakerResource | OutlierDetectionResource
