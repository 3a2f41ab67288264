"""LogService: who is sent the access log."""

from reconciler.model.origin import Origin
from reconciler.model.problem import Code
from reconciler.model.services import LogDriver, LogServiceResource, RemoteLogSettings
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.upstream.backend import check_header_name, check_version, read_backend

DEFAULT_FLUSH_S = 1
DEFAULT_FLUSH_BYTES = 16384
_HEADERS = "additional_log_headers"


def read_log_service(envelope: Envelope, origin: Origin, fields: Fields) -> LogServiceResource | None:
    """The LogService of a document; None when a part is missing, which was reported.

    It is spoken to over gRPC whatever ``grpc`` says: Envoy has no other way.
    """
    check_version(fields)
    backend = read_backend(fields, "service", envelope.namespace, grpc=True)
    driver = fields.text("driver")
    if backend is None or driver is None:
        return None
    size = fields.integer("flush_interval_byte_size")
    config = fields.inside("driver_config")
    entries = list(config.each(_HEADERS))
    if entries and driver == LogDriver.TCP:
        message = "an entry of the driver tcp has no headers"
        config.report(Code.FIELDS_CONTRADICT, message, _HEADERS, hint="write driver: http")
    for entry in entries:
        check_header_name(entry, entry.text("header_name") or "", "header_name")
    settings = RemoteLogSettings(
        driver=LogDriver(driver),
        request_headers=_logged(entries, "during_request"),
        response_headers=_logged(entries, "during_response"),
        response_trailers=_logged(entries, "during_trailer"),
        flush_interval_ms=(fields.integer("flush_interval_time") or DEFAULT_FLUSH_S) * 1000,
        flush_bytes=DEFAULT_FLUSH_BYTES if size is None else size,
    )
    return LogServiceResource(origin, backend, settings)


def _logged(entries: list[Fields], when: str) -> tuple[str, ...]:
    names = {entry.text("header_name") or "" for entry in entries if entry.flag(when, default=True)}
    return tuple(sorted(name.lower() for name in names))
