"""The access log of connections that are forwarded: one line for each, when it ends, that names the TCPMapping.

https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
"""

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLog
from envoy.config.core.v3.base_pb2 import DataSource
from envoy.config.core.v3.substitution_format_string_pb2 import SubstitutionFormatString
from envoy.extensions.access_loggers.file.v3.file_pb2 import FileAccessLog
from google.protobuf.struct_pb2 import Struct, Value

from reconciler.envoy.options import AccessLogFormat, RenderOptions
from reconciler.envoy.protobuf import packed
from reconciler.envoy.routes.route import METADATA_NAMESPACE

# A connection has no route; what forwards it is a filter chain.
_ORIGIN = {
    key: f"%METADATA(LISTENER_FILTER_CHAIN:{METADATA_NAMESPACE}:{key})%" for key in ("mapping", "source", "commit")
}
_FIELDS = {
    "start_time": "%START_TIME%",
    "protocol": "TCP",
    "server_name": "%REQUESTED_SERVER_NAME%",
    "response_flags": "%RESPONSE_FLAGS%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
    "upstream_host": "%UPSTREAM_HOST%",
    **_ORIGIN,
}
_LINE = (
    '[%START_TIME%] "TCP %REQUESTED_SERVER_NAME%" %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% '
    '"%UPSTREAM_CLUSTER%" "%UPSTREAM_HOST%" ' + " ".join(f"{key}={value}" for key, value in _ORIGIN.items()) + "\n"
)


def connection_logs(options: RenderOptions) -> list[AccessLog]:
    """The access log of a TCP proxy; none without a path."""
    if not options.access_log_path:
        return []
    if options.access_log_format is AccessLogFormat.TEXT:
        line = SubstitutionFormatString(text_format_source=DataSource(inline_string=_LINE))
    else:
        fields = {key: Value(string_value=value) for key, value in _FIELDS.items()}
        line = SubstitutionFormatString(json_format=Struct(fields=fields))
    file = FileAccessLog(path=options.access_log_path, log_format=line)
    return [AccessLog(name="envoy.access_loggers.file", typed_config=packed(file))]
