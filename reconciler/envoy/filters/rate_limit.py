"""The filter that asks a rate-limit service, and what routes tell it.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/rate_limit_filter
"""

from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.ratelimit.v3.rls_pb2 import RateLimitServiceConfig
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.filters.http.ratelimit.v3 import rate_limit_pb2
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter

from reconciler.envoy.grpc import grpc_service
from reconciler.envoy.protobuf import milliseconds, packed
from reconciler.model.policy import Descriptor, LimitEntry, LimitLabels
from reconciler.model.services import RateLimit

RATE_LIMIT_FILTER = "envoy.filters.http.ratelimit"

_Action = route_components_pb2.RateLimit.Action


def rate_limit_filter(limit: RateLimit) -> HttpFilter:
    """The filter: it does nothing on routes without `rate_limits`."""
    settings = limit.settings
    message = rate_limit_pb2.RateLimit(
        domain=settings.domain,
        timeout=milliseconds(settings.timeout_ms),
        failure_mode_deny=settings.failure_mode_deny,
        rate_limited_as_resource_exhausted=settings.resource_exhausted,
        rate_limit_service=RateLimitServiceConfig(
            grpc_service=grpc_service(limit.service.cluster), transport_api_version=ApiVersion.V3
        ),
    )
    return HttpFilter(name=RATE_LIMIT_FILTER, typed_config=packed(message))


def rate_limits(labels: tuple[LimitLabels, ...]) -> list[route_components_pb2.RateLimit]:
    """A descriptor per group; the table has left only labels of the service's domain."""
    return [
        route_components_pb2.RateLimit(actions=[action(entry) for entry in entries])
        for one in labels
        for _, entries in one.groups
    ]


def action(entry: LimitEntry) -> route_components_pb2.RateLimit.Action:
    """What puts one entry into a descriptor."""
    match entry.kind:
        case Descriptor.SOURCE_CLUSTER:
            return _Action(source_cluster=_Action.SourceCluster())
        case Descriptor.DESTINATION_CLUSTER:
            return _Action(destination_cluster=_Action.DestinationCluster())
        case Descriptor.REMOTE_ADDRESS:
            return _Action(remote_address=_Action.RemoteAddress())
        case Descriptor.REQUEST_HEADERS:
            header = _Action.RequestHeaders(
                header_name=entry.value, descriptor_key=entry.key, skip_if_absent=entry.omit_if_not_present
            )
            return _Action(request_headers=header)
        case Descriptor.GENERIC_KEY:
            return _Action(generic_key=_Action.GenericKey(descriptor_key=entry.key, descriptor_value=entry.value))
