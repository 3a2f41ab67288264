"""Access logs that are sent to a service.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/access_loggers/grpc/v3/als.proto
"""

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLog
from envoy.config.core.v3.config_source_pb2 import ApiVersion
from envoy.extensions.access_loggers.grpc.v3.als_pb2 import (
    CommonGrpcAccessLogConfig,
    HttpGrpcAccessLogConfig,
    TcpGrpcAccessLogConfig,
)

from reconciler.envoy.grpc import grpc_service
from reconciler.envoy.listeners.tracing import origin_tags
from reconciler.envoy.protobuf import milliseconds, packed
from reconciler.model.services import LogDriver, RemoteLog


def remote_log(log: RemoteLog) -> AccessLog:
    """One such log; its entries name the Mapping, the file and the commit as the log of lines does."""
    settings = log.settings
    common = CommonGrpcAccessLogConfig(
        log_name=log.service.name.rpartition("/")[2],
        grpc_service=grpc_service(log.service.cluster),
        transport_api_version=ApiVersion.V3,
        buffer_flush_interval=milliseconds(settings.flush_interval_ms),
        custom_tags=origin_tags(),
    )
    common.buffer_size_bytes.value = settings.flush_bytes
    if settings.driver is LogDriver.TCP:
        entries = packed(TcpGrpcAccessLogConfig(common_config=common))
        return AccessLog(name="envoy.access_loggers.tcp_grpc", typed_config=entries)
    entries = packed(
        HttpGrpcAccessLogConfig(
            common_config=common,
            additional_request_headers_to_log=settings.request_headers,
            additional_response_headers_to_log=settings.response_headers,
            additional_response_trailers_to_log=settings.response_trailers,
        )
    )
    return AccessLog(name="envoy.access_loggers.http_grpc", typed_config=entries)
