"""Rules as Envoy routes.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-route
"""

from types import MappingProxyType

from envoy.config.core.v3.base_pb2 import Metadata
from envoy.config.route.v3 import route_components_pb2
from envoy.config.route.v3.route_components_pb2 import RedirectAction, RouteAction
from envoy.type.matcher.v3.regex_pb2 import RegexMatchAndSubstitute

from reconciler.envoy.addresses import split
from reconciler.envoy.clusters.balancing import hash_policy
from reconciler.envoy.filters.auth import AUTH_FILTER, auth_per_route
from reconciler.envoy.filters.local_limits import LOCAL_LIMIT_FILTER, local_limit
from reconciler.envoy.filters.rate_limit import rate_limits
from reconciler.envoy.protobuf import packed
from reconciler.envoy.routes.direct_responses import answer_headers, direct_response
from reconciler.envoy.routes.matchers import fill_match, percent, regex
from reconciler.envoy.routes.policies import apply_policy
from reconciler.model.policy import NO_POLICY, DirectResponse
from reconciler.model.provenance import ObjectTouch, Touch
from reconciler.model.resource import HostMatch, Redirect, RedirectCode, RegexRewrite
from reconciler.model.table import Forward, Mirror, Route

METADATA_NAMESPACE = "reconciler"

_RESPONSE_CODES = MappingProxyType(
    {
        RedirectCode.MOVED_PERMANENTLY: RedirectAction.MOVED_PERMANENTLY,
        RedirectCode.FOUND: RedirectAction.FOUND,
        RedirectCode.SEE_OTHER: RedirectAction.SEE_OTHER,
        RedirectCode.TEMPORARY: RedirectAction.TEMPORARY_REDIRECT,
        RedirectCode.PERMANENT: RedirectAction.PERMANENT_REDIRECT,
    }
)


def route(rule: Route, virtual_host: HostMatch) -> route_components_pb2.Route:
    """One rule as it stands in ``virtual_host``, named after its Mapping.

    Its parts are filled in where they stand: to build each by itself and put it in takes three times as long, and this
    runs for every rule of every virtual host.
    """
    message = route_components_pb2.Route(name=rule.name)
    fill_match(message.match, rule, virtual_host)
    fill_metadata(message.metadata, rule)
    if isinstance(rule.action, Forward):
        fill_route_action(message.route, rule.action)
        if rule.policy.hash_key:
            message.route.hash_policy.append(hash_policy(rule.policy.hash_key))
        if rule.policy.labels:
            message.route.rate_limits.extend(rate_limits(rule.policy.labels))
    elif isinstance(rule.action, Redirect):
        message.redirect.CopyFrom(redirect_action(rule.action))
    else:
        message.direct_response.CopyFrom(direct_response(rule.action))
    if rule.policy is not NO_POLICY:
        _apply(message, rule)
    if isinstance(rule.action, DirectResponse):
        message.response_headers_to_add.extend(answer_headers(rule.action))
    return message


def _apply(message: route_components_pb2.Route, rule: Route) -> None:
    """Add what the policy of a rule asks, and what it says to filters."""
    passing = auth_per_route(rule.policy)
    if passing is not None:
        message.typed_per_filter_config[AUTH_FILTER].CopyFrom(passing)
    apply_policy(message, rule.policy)
    if rule.policy.local_limit is not None:
        limit = local_limit(rule.policy.local_limit, rule.name)
        message.typed_per_filter_config[LOCAL_LIMIT_FILTER].CopyFrom(packed(limit))


def fill_metadata(message: Metadata, rule: Route) -> None:
    """Where the rule comes from: access log lines print it, so that each leads to a commit.

    The file without the line: a comment further up must not change every route below it.
    """
    touch = rule.provenance.touch
    fields = message.filter_metadata[METADATA_NAMESPACE].fields
    fields["mapping"].string_value = rule.name
    fields["source"].string_value = rule.provenance.path
    fields["commit"].string_value = touch.sha if isinstance(touch, Touch) else ""
    if isinstance(touch, ObjectTouch):
        # Not its version: that differs by when it was first seen, and equal content must render equal everywhere.
        fields["object"].string_value = touch.uid


def fill_route_action(message: RouteAction, forward: Forward) -> None:
    """Send the request to a cluster; a timeout of 0 is none."""
    message.cluster = forward.cluster
    message.timeout.seconds, message.timeout.nanos = forward.timeout_ms // 1000, forward.timeout_ms % 1000 * 1_000_000
    if forward.mirrors:
        message.request_mirror_policies.extend(mirror_policy(mirror) for mirror in forward.mirrors)
    if forward.regex_rewrite:
        message.regex_rewrite.CopyFrom(substitution(forward.regex_rewrite))
    elif forward.prefix_rewrite is not None:
        message.prefix_rewrite = forward.prefix_rewrite
    if forward.host_rewrite is not None:
        message.host_rewrite_literal = forward.host_rewrite
    elif forward.auto_host_rewrite:
        message.auto_host_rewrite.value = True


def mirror_policy(mirror: Mirror) -> RouteAction.RequestMirrorPolicy:
    """Copy a share of the requests to another cluster; Envoy appends ``-shadow`` to their host."""
    return RouteAction.RequestMirrorPolicy(cluster=mirror.cluster, runtime_fraction=percent(mirror.percent))


def redirect_action(redirect: Redirect) -> RedirectAction:
    """Answer with a redirect; a port of the host is a field of its own in Envoy."""
    host, port = split(redirect.host)
    message = RedirectAction(
        host_redirect=f"[{host}]" if ":" in host else host,
        port_redirect=port,
        response_code=_RESPONSE_CODES[redirect.code],
    )
    if redirect.scheme is not None:
        message.scheme_redirect = redirect.scheme
    if redirect.path is not None:
        message.path_redirect = redirect.path
    elif redirect.prefix is not None:
        message.prefix_rewrite = redirect.prefix
    elif redirect.regex:
        message.regex_rewrite.CopyFrom(substitution(redirect.regex))
    return message


def substitution(rewrite: RegexRewrite) -> RegexMatchAndSubstitute:
    """Replace every match of a pattern in the path."""
    return RegexMatchAndSubstitute(pattern=regex(rewrite.pattern), substitution=rewrite.substitution)
