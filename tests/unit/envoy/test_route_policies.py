"""Policies of rules in Envoy's words."""

from dataclasses import replace

from envoy.config.core.v3.base_pb2 import HeaderValueOption, RoutingPriority
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.filters.http.cors.v3.cors_pb2 import CorsPolicy

from reconciler.envoy.filters.chain import http_filters
from reconciler.envoy.routes.route import route
from reconciler.model.edge import PLAIN_EDGE
from reconciler.model.match import ANY_HOST, MatchKind, StringMatch
from reconciler.model.policy import Cors, HeaderChanges, HeaderValue, Priority, RetryPolicy, RoutePolicy
from reconciler.model.resource import Redirect
from reconciler.model.table import Action
from tests.support.routing import rule

CORS = "envoy.filters.http.cors"
EVERYTHING = RoutePolicy(
    request_headers=HeaderChanges((HeaderValue("x-a", "1"), HeaderValue("x-b", "2", append=False)), ("x-c",)),
    response_headers=HeaderChanges((HeaderValue("y-a", "1"),), ("y-b",)),
    retry=RetryPolicy(("5xx", "retriable-status-codes"), 3, 1500, (429,)),
    cors=Cors((StringMatch(MatchKind.ANY),)),
    priority=Priority.HIGH,
    idle_timeout_ms=0,
    upgrades=("websocket",),
)


def rendered(policy: RoutePolicy, action: Action | str = "c") -> route_components_pb2.Route:
    """A route with a policy."""
    return route(replace(rule("r", "/r/", action), policy=policy), ANY_HOST)


def test_a_forward_has_all() -> None:
    """Everything that is asked is said; an idle timeout of 0 explicitly, since Envoy's own is five minutes."""
    message = rendered(EVERYTHING)
    actions = {header.header.key: header.append_action for header in message.request_headers_to_add}
    assert actions == {
        "x-a": HeaderValueOption.APPEND_IF_EXISTS_OR_ADD,
        "x-b": HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
    }
    assert [header.header.key for header in message.response_headers_to_add] == ["y-a"]
    assert (list(message.request_headers_to_remove), list(message.response_headers_to_remove)) == (["x-c"], ["y-b"])
    retry = message.route.retry_policy
    assert (retry.retry_on, retry.num_retries.value) == ("5xx,retriable-status-codes", 3)
    assert (retry.per_try_timeout.ToMilliseconds(), list(retry.retriable_status_codes)) == (1500, [429])
    assert message.route.priority == RoutingPriority.HIGH
    assert message.route.HasField("idle_timeout")
    assert [upgrade.upgrade_type for upgrade in message.route.upgrade_configs] == ["websocket"]


def test_nothing_is_said_where_nothing_is_asked() -> None:
    """A retry policy of one condition leaves the rest to Envoy."""
    message = rendered(RoutePolicy(retry=RetryPolicy(("5xx",))))
    assert not message.route.retry_policy.HasField("num_retries")
    assert not message.route.retry_policy.HasField("per_try_timeout")
    assert not message.route.HasField("idle_timeout")
    assert not message.typed_per_filter_config


def test_a_redirect_has_only_its_answer() -> None:
    """Also with what a Module says for all: only response headers."""
    message = rendered(EVERYTHING, Redirect("a.test"))
    assert message.WhichOneof("action") == "redirect"
    assert [header.header.key for header in message.response_headers_to_add] == ["y-a"]
    assert list(message.response_headers_to_remove) == ["y-b"]
    assert not message.request_headers_to_add
    assert not message.request_headers_to_remove
    assert CORS not in message.typed_per_filter_config


def test_cors() -> None:
    """The policy stands in the configuration of the filter; patterns of origins are as they are anywhere."""
    kinds = (MatchKind.ANY, MatchKind.EXACT, MatchKind.REGEX)
    origins = tuple(StringMatch(kind, "" if kind is MatchKind.ANY else "https://a") for kind in kinds)
    cors = Cors(origins, ("GET", "PUT"), ("x-a",), ("x-b", "x-c"), True, "600")
    policy = CorsPolicy.FromString(rendered(RoutePolicy(cors=cors)).typed_per_filter_config[CORS].value)
    matchers = policy.allow_origin_string_match
    assert [matcher.WhichOneof("match_pattern") for matcher in matchers] == ["exact", "exact", "safe_regex"]
    assert [matchers[0].exact, matchers[1].exact, matchers[2].safe_regex.regex] == ["*", "https://a", "https://a"]
    assert (policy.allow_methods, policy.allow_headers, policy.expose_headers) == ("GET, PUT", "x-a", "x-b, x-c")
    assert (policy.max_age, policy.allow_credentials.value) == ("600", True)


def test_the_filter_is_always_there() -> None:
    """A Mapping that asks for CORS changes no listener."""
    assert CORS in [one.name for one in http_filters(PLAIN_EDGE)]
