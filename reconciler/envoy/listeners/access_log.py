"""The access log: one line per request that names the Mapping, the file and the commit that served it.

https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
"""

from envoy.config.accesslog.v3.accesslog_pb2 import AccessLog
from envoy.config.core.v3.base_pb2 import DataSource
from envoy.config.core.v3.substitution_format_string_pb2 import SubstitutionFormatString
from envoy.extensions.access_loggers.file.v3.file_pb2 import FileAccessLog
from google.protobuf.json_format import Parse
from google.protobuf.struct_pb2 import Struct, Value

from reconciler.envoy.options import AccessLogFormat, RenderOptions
from reconciler.envoy.protobuf import packed
from reconciler.envoy.routes.route import METADATA_NAMESPACE
from reconciler.model.edge import LogSettings, LogType

_ORIGIN = {key: f"%METADATA(ROUTE:{METADATA_NAMESPACE}:{key})%" for key in ("mapping", "source", "commit")}

_JSON_FIELDS = {
    "start_time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "authority": "%REQ(:AUTHORITY)%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
    "upstream_host": "%UPSTREAM_HOST%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    **_ORIGIN,
}

_TEXT_LINE = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" "%REQ(X-REQUEST-ID)%" '
    + " ".join(f"{key}={value}" for key, value in _ORIGIN.items())
    + "\n"
)


def access_logs(options: RenderOptions, module: LogSettings | None = None) -> list[AccessLog]:
    """The access log of a listener; none without a path. A request that no Mapping serves prints ``-``.

    What the Module says is stronger than the settings, which are left with what it does not say.
    """
    path = (module.path if module else "") or options.access_log_path
    if not path:
        return []
    file = FileAccessLog(path=path, log_format=own_format(module, options))
    return [AccessLog(name="envoy.access_loggers.file", typed_config=packed(file))]


def own_format(module: LogSettings | None, options: RenderOptions) -> SubstitutionFormatString:
    """The format of the Module where it has one; of one that only names a type, ours."""
    if module is None or module.type is None:
        return line_format(options.access_log_format)
    if not module.format:
        return line_format(AccessLogFormat(module.type))
    if module.type is LogType.JSON:
        return SubstitutionFormatString(json_format=Parse(module.format, Struct()))
    return SubstitutionFormatString(text_format_source=DataSource(inline_string=f"{module.format}\n"))


def line_format(kind: AccessLogFormat) -> SubstitutionFormatString:
    """What a line looks like."""
    if kind is AccessLogFormat.TEXT:
        return SubstitutionFormatString(text_format_source=DataSource(inline_string=_TEXT_LINE))
    fields = {key: Value(string_value=value) for key, value in _JSON_FIELDS.items()}
    return SubstitutionFormatString(json_format=Struct(fields=fields))
