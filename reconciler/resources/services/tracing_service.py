"""TracingService: who is told what happens to a request."""

from reconciler.model.origin import Origin
from reconciler.model.problem import Code
from reconciler.model.services import (
    Sampling,
    TagSource,
    TraceDriver,
    TraceFormat,
    TraceSettings,
    TraceTag,
    TracingServiceResource,
)
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.machine import check_variable
from reconciler.resources.upstream.backend import check_header_name, header_names, read_backend

_ENDPOINT = "/api/v2/spans"
_DATADOG_NAME = "ambassador"  # what the language's other implementation calls itself there
_ALL = 100  # percent
# The fields of ``config`` that each driver acts on.
_OF_DRIVER = {
    TraceDriver.ZIPKIN: frozenset(
        {
            "collector_endpoint",
            "collector_endpoint_version",
            "collector_hostname",
            "trace_id_128bit",
            "shared_span_context",
            "propagation_modes",
        }
    ),
    TraceDriver.DATADOG: frozenset({"service_name", "collector_hostname", "propagation_modes"}),
    TraceDriver.OPENTELEMETRY: frozenset({"service_name", "propagation_modes"}),
}
_W3C = "TRACE_CONTEXT"
_MODES = {TraceDriver.ZIPKIN: ("B3", _W3C), TraceDriver.DATADOG: (), TraceDriver.OPENTELEMETRY: (_W3C,)}


def read_tracing_service(envelope: Envelope, origin: Origin, fields: Fields) -> TracingServiceResource | None:
    """The TracingService of a document; None when a part is missing, which was reported."""
    written = fields.text("driver")
    if written is None:
        return None
    driver = TraceDriver(written)
    backend = read_backend(fields, "service", envelope.namespace, grpc=driver is TraceDriver.OPENTELEMETRY)
    settings = _settings(fields, driver)
    return None if backend is None else TracingServiceResource(origin, backend, settings)


def _settings(fields: Fields, driver: TraceDriver) -> TraceSettings:
    config = fields.inside("config")
    for name in config.values:
        if name not in _OF_DRIVER[driver]:
            config.ignored(name, f"the driver {driver} has no such setting")
    endpoint = config.text("collector_endpoint") or _ENDPOINT
    if not endpoint.startswith("/"):
        config.report(Code.INVALID_VALUE, "no path", "collector_endpoint", expected="/ first", got=shown(endpoint))
    sampling = fields.inside("sampling")
    return TraceSettings(
        driver=driver,
        sampling=Sampling(*(_percent(sampling, name) for name in ("client", "random", "overall"))),
        tags=(*_header_tags(fields), *_custom_tags(fields)),
        endpoint=endpoint,
        format=TraceFormat(config.text("collector_endpoint_version") or TraceFormat.JSON),
        hostname=config.text("collector_hostname") or "",
        trace_id_128bit=config.flag("trace_id_128bit", default=True),
        shared_span_context=config.flag("shared_span_context", default=True),
        w3c=_speaks_w3c(fields, config, driver),
        service_name=config.text("service_name") or (_DATADOG_NAME if driver is TraceDriver.DATADOG else ""),
    )


def _percent(sampling: Fields, name: str) -> int:
    share = sampling.integer(name)
    return _ALL if share is None else share


def _speaks_w3c(fields: Fields, config: Fields, driver: TraceDriver) -> bool:
    """Whether Zipkin spans travel in ``traceparent`` as well. ``propagation_modes`` is documented in either place."""
    found = False
    for place in (fields, config):
        given = place.values.get("propagation_modes")
        modes = given if isinstance(given, list) else []
        for mode in modes:
            if mode not in _MODES[driver]:
                used = " and ".join(_MODES[driver]) or "its own headers"
                place.ignored("propagation_modes", f"the driver {driver} does not know {mode}", hint=f"it uses {used}")
        found = found or _W3C in modes
    return driver is TraceDriver.ZIPKIN and found


def _header_tags(fields: Fields) -> tuple[TraceTag, ...]:
    return tuple(TraceTag(name, TagSource.REQUEST_HEADER, name) for name in header_names(fields, "tag_headers"))


def _custom_tags(fields: Fields) -> tuple[TraceTag, ...]:
    tags = (_custom_tag(entry) for entry in fields.each("custom_tags"))
    return tuple(tag for tag in tags if tag is not None)


def _custom_tag(entry: Fields) -> TraceTag | None:
    name = entry.text("tag") or ""
    sources = [source for source in TagSource if source in entry.values]
    if len(sources) != 1:
        code = Code.FIELDS_CONTRADICT if sources else Code.MISSING_FIELD
        entry.report(code, "a tag has one source", expected="one of literal, environment and request_header")
        return None
    inside = entry.inside(sources[0])
    if sources[0] is TagSource.LITERAL:
        return TraceTag(name, sources[0], inside.text("value") or "")
    value = inside.text("name") or ""
    if sources[0] is TagSource.REQUEST_HEADER:
        check_header_name(inside, value, "name")
    else:
        check_variable(inside, value, "name")
    return TraceTag(name, sources[0], value, inside.text("default_value") or "")
