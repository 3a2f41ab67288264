"""What a rule asks of its route besides where it goes, in Envoy's words.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto
"""

from collections.abc import Iterable
from types import MappingProxyType

from envoy.config.core.v3.base_pb2 import HeaderValue as EnvoyHeaderValue
from envoy.config.core.v3.base_pb2 import HeaderValueOption, RoutingPriority
from envoy.config.route.v3 import route_components_pb2
from envoy.config.route.v3.route_components_pb2 import RouteAction

from reconciler.envoy.filters.cors import CORS_FILTER, cors_policy
from reconciler.envoy.filters.error_replies import error_overrides
from reconciler.envoy.protobuf import milliseconds, packed
from reconciler.model.policy import HeaderValue, Priority, RetryPolicy, RoutePolicy

_PRIORITIES = MappingProxyType({Priority.DEFAULT: RoutingPriority.DEFAULT, Priority.HIGH: RoutingPriority.HIGH})


def apply_policy(message: route_components_pb2.Route, policy: RoutePolicy) -> None:
    """Add to a rendered route what its policy asks; of a redirect only what becomes of its answer."""
    if policy.response_headers.add:
        message.response_headers_to_add.extend(added_headers(policy.response_headers.add))
    message.response_headers_to_remove.extend(policy.response_headers.remove)
    for name, config in error_overrides(policy.errors):
        message.typed_per_filter_config[name].CopyFrom(config)
    if message.HasField("route"):
        if policy.cors is not None:  # the filter leaves alone what is not forwarded
            message.typed_per_filter_config[CORS_FILTER].CopyFrom(packed(cors_policy(policy.cors)))
        if policy.request_headers.add:
            message.request_headers_to_add.extend(added_headers(policy.request_headers.add))
        message.request_headers_to_remove.extend(policy.request_headers.remove)
        apply_to_forward(message.route, policy)


def apply_to_forward(message: RouteAction, policy: RoutePolicy) -> None:
    """Add what only a request that is forwarded can be subject to."""
    if policy.retry is not None:
        message.retry_policy.CopyFrom(retry_policy(policy.retry))
    if policy.priority is not None:
        message.priority = _PRIORITIES[policy.priority]
    if policy.idle_timeout_ms is not None:
        message.idle_timeout.CopyFrom(milliseconds(policy.idle_timeout_ms))
    message.upgrade_configs.extend(RouteAction.UpgradeConfig(upgrade_type=name) for name in policy.upgrades)


def retry_policy(retry: RetryPolicy) -> route_components_pb2.RetryPolicy:
    """When and how often a request is tried again."""
    message = route_components_pb2.RetryPolicy(
        retry_on=",".join(retry.retry_on), retriable_status_codes=list(retry.statuses)
    )
    if retry.num_retries is not None:
        message.num_retries.value = retry.num_retries
    if retry.per_try_timeout_ms is not None:
        message.per_try_timeout.CopyFrom(milliseconds(retry.per_try_timeout_ms))
    return message


def added_headers(headers: Iterable[HeaderValue]) -> list[HeaderValueOption]:
    """Headers to set, in their order."""
    return [
        HeaderValueOption(
            header=EnvoyHeaderValue(key=header.name, value=header.value),
            append_action=HeaderValueOption.APPEND_IF_EXISTS_OR_ADD
            if header.append
            else HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
        )
        for header in headers
    ]
