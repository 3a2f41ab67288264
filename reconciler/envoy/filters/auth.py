"""The filter that asks an auth service about every request, and how routes pass it.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ext_authz/v3/ext_authz.proto
"""

from collections.abc import Iterable

from envoy.config.core.v3.base_pb2 import HeaderValue
from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.config.core.v3.http_uri_pb2 import HttpUri
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import (
    AuthorizationRequest,
    AuthorizationResponse,
    BufferSettings,
    CheckSettings,
    ExtAuthz,
    ExtAuthzPerRoute,
    HttpService,
)
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter
from envoy.type.matcher.v3.string_pb2 import ListStringMatcher, StringMatcher
from envoy.type.v3.http_status_pb2 import HttpStatus
from google.protobuf.any_pb2 import Any

from reconciler.envoy.grpc import grpc_service
from reconciler.envoy.protobuf import milliseconds, packed
from reconciler.model.policy import RoutePolicy
from reconciler.model.services import Auth, AuthProtocol

AUTH_FILTER = "envoy.filters.http.ext_authz"
# What an HTTP service sees of every request. Host, method, path and length need no mention.
REQUEST_HEADERS = (
    "authorization", "cookie", "from", "proxy-authorization", "user-agent", "x-forwarded-for", "x-forwarded-host",
    "x-forwarded-proto",
)  # fmt: skip
# What of its answer always counts: towards the upstream when it agrees, towards the client when it does not.
REPLY_HEADERS = ("authorization", "location", "proxy-authenticate", "set-cookie", "www-authenticate")


def auth_filter(auth: Auth) -> HttpFilter:
    """The filter. After it the route is chosen anew, so that headers the service sets can decide it."""
    settings = auth.settings
    message = ExtAuthz(
        transport_api_version=ApiVersion.V3,
        clear_route_cache=True,
        failure_mode_allow=settings.failure_mode_allow,
    )
    if settings.protocol is AuthProtocol.GRPC:
        message.grpc_service.CopyFrom(grpc_service(auth.service.cluster, settings.timeout_ms))
    else:
        message.http_service.CopyFrom(http_service(auth))
        message.allowed_headers.CopyFrom(_any_of((*REQUEST_HEADERS, *settings.request_headers)))
    if settings.body is not None:
        body = BufferSettings(
            max_request_bytes=settings.body.max_bytes, allow_partial_message=settings.body.allow_partial
        )
        message.with_request_body.CopyFrom(body)
    if settings.status_on_error is not None:
        message.status_on_error.CopyFrom(HttpStatus(code=settings.status_on_error))
    return HttpFilter(name=AUTH_FILTER, typed_config=packed(message))


def http_service(auth: Auth) -> HttpService:
    """A service that is shown the head of the request."""
    settings, address = auth.settings, auth.service.address
    added = [HeaderValue(key=name, value=value) for name, value in settings.add_headers]
    if settings.linkerd:
        added.append(HeaderValue(key="l5d-dst-override", value=f"{address.authority}:{address.port}"))
    replies = _any_of((*REPLY_HEADERS, *settings.reply_headers))
    scheme = "https" if address.tls else "http"
    return HttpService(
        server_uri=HttpUri(
            uri=f"{scheme}://{address.authority}:{address.port}",
            cluster=auth.service.cluster,
            timeout=milliseconds(settings.timeout_ms),
        ),
        path_prefix=settings.path_prefix,
        authorization_request=AuthorizationRequest(headers_to_add=added),
        authorization_response=AuthorizationResponse(allowed_upstream_headers=replies, allowed_client_headers=replies),
    )


def auth_per_route(policy: RoutePolicy) -> Any | None:
    """How a route passes the filter; None for as all do."""
    if policy.bypass_auth:
        return NOT_ASKED
    if policy.auth_context:
        return packed(ExtAuthzPerRoute(check_settings=CheckSettings(context_extensions=dict(policy.auth_context))))
    return None


def _any_of(names: Iterable[str]) -> ListStringMatcher:
    return ListStringMatcher(patterns=[StringMatcher(exact=name, ignore_case=True) for name in sorted(set(names))])


NOT_ASKED = packed(ExtAuthzPerRoute(disabled=True))
