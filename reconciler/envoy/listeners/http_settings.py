"""Settings of the Module in the terms of Envoy's HTTP connection manager.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto
"""

from envoy.config.core.v3.protocol_pb2 import Http1ProtocolOptions, HttpProtocolOptions
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
)

from reconciler.envoy.protobuf import milliseconds
from reconciler.model.edge import DEFAULT_HTTP, Connections, Headers, HttpSettings, Paths


def apply_settings(message: HttpConnectionManager, settings: HttpSettings) -> None:
    """Write what the Module says into a connection manager; by default nothing changes."""
    if settings == DEFAULT_HTTP:
        return
    _apply_connections(message, settings.connections)
    _apply_paths(message, settings.paths)
    _apply_headers(message, settings.headers)


def _apply_connections(message: HttpConnectionManager, settings: Connections) -> None:
    message.use_remote_address.value = settings.use_remote_address
    if not message.xff_num_trusted_hops:
        message.xff_num_trusted_hops = settings.trusted_hops
    message.strip_matching_host_port = settings.strip_port
    if settings.idle_timeout_ms is not None:
        message.common_http_protocol_options.idle_timeout.CopyFrom(milliseconds(settings.idle_timeout_ms))
    if settings.underscores is not None:
        action = HttpProtocolOptions.HeadersWithUnderscoresAction.Value(settings.underscores)
        message.common_http_protocol_options.headers_with_underscores_action = action
    if settings.max_headers_kb is not None:
        message.max_request_headers_kb.value = settings.max_headers_kb
    if settings.http10 or settings.chunked_length:
        first = Http1ProtocolOptions(accept_http_10=settings.http10, allow_chunked_length=settings.chunked_length)
        message.http_protocol_options.MergeFrom(first)


def _apply_paths(message: HttpConnectionManager, settings: Paths) -> None:
    message.merge_slashes = settings.merge_slashes
    if settings.reject_escaped_slashes:
        message.path_with_escaped_slashes_action = HttpConnectionManager.REJECT_REQUEST


def _apply_headers(message: HttpConnectionManager, settings: Headers) -> None:
    message.server_name = settings.server
    message.preserve_external_request_id = settings.keep_request_id
    if settings.proper_case:
        message.http_protocol_options.header_key_format.proper_case_words.SetInParent()
    if settings.forward_cert is not None:
        action = HttpConnectionManager.ForwardClientCertDetails.Value(settings.forward_cert)
        message.forward_client_cert_details = action
    details = message.set_current_client_cert_details
    for name in settings.cert_details:
        if name == "subject":
            details.subject.value = True
        else:
            setattr(details, name, True)
