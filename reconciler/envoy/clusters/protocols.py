"""How Envoy speaks HTTP to an upstream, and how long its connections live.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/upstreams/http/v3/http_protocol_options.proto
"""

from envoy.config.cluster.v3.cluster_pb2 import UpstreamConnectionOptions
from envoy.config.core.v3.address_pb2 import TcpKeepalive
from envoy.config.core.v3.protocol_pb2 import Http1ProtocolOptions, Http2ProtocolOptions
from envoy.config.core.v3.protocol_pb2 import HttpProtocolOptions as CommonOptions
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions

from reconciler.envoy.protobuf import milliseconds, number
from reconciler.model.upstream import Keepalive, Upstream

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def http_options(upstream: Upstream) -> HttpProtocolOptions | None:
    """The protocol and its limits; None where Envoy's own will do: HTTP/1.1, idle connections kept for an hour."""
    limited = upstream.idle_timeout_ms is not None or upstream.max_connection_ms
    if not (upstream.http2 or limited or upstream.proper_case):
        return None
    message = HttpProtocolOptions()
    if upstream.http2:
        message.explicit_http_config.http2_protocol_options.CopyFrom(Http2ProtocolOptions())
    else:
        http1 = Http1ProtocolOptions()
        if upstream.proper_case:
            http1.header_key_format.proper_case_words.SetInParent()
        message.explicit_http_config.http_protocol_options.CopyFrom(http1)
    if limited:
        message.common_http_protocol_options.CopyFrom(connection_limits(upstream))
    return message


def connection_limits(upstream: Upstream) -> CommonOptions:
    """How long connections are kept; 0 is for ever, which of the second Envoy says by nothing."""
    message = CommonOptions()
    if upstream.idle_timeout_ms is not None:
        message.idle_timeout.CopyFrom(milliseconds(upstream.idle_timeout_ms))
    if upstream.max_connection_ms:
        message.max_connection_duration.CopyFrom(milliseconds(upstream.max_connection_ms))
    return message


def connection_options(keepalive: Keepalive) -> UpstreamConnectionOptions:
    """Probes of idle connections, by the kernel."""
    return UpstreamConnectionOptions(
        tcp_keepalive=TcpKeepalive(
            keepalive_time=number(keepalive.idle_time_s),
            keepalive_interval=number(keepalive.interval_s),
            keepalive_probes=number(keepalive.probes),
        )
    )
