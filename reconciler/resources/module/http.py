"""How the Module has requests read and answered: connections, paths, headers, the access log, probes."""

from reconciler.model.digest import canonical_json
from reconciler.model.edge import (
    LIVENESS,
    READINESS,
    Connections,
    ForwardCert,
    Headers,
    HttpSettings,
    LogSettings,
    LogType,
    Paths,
    Probe,
    Underscores,
)
from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.finding import type_words
from reconciler.resources.machine import check_log_file, check_variables
from reconciler.resources.module.filters import read_filters


def read_http(config: Fields) -> HttpSettings:
    """The settings of listeners in a config."""
    probes = (_probe(config, "liveness_probe", LIVENESS), _probe(config, "readiness_probe", READINESS))
    return HttpSettings(
        connections=_connections(config),
        paths=Paths(config.flag("merge_slashes"), config.flag("reject_requests_with_escaped_slashes")),
        headers=_headers(config),
        filters=read_filters(config),
        log=_log(config),
        probes=tuple(probe for probe in probes if probe is not None),
        redirect_http=config.flag("x_forwarded_proto_redirect"),
    )


def _connections(config: Fields) -> Connections:
    underscores = config.text("headers_with_underscores_action")
    return Connections(
        use_remote_address=config.flag("use_remote_address", default=True),
        trusted_hops=config.integer("xff_num_trusted_hops") or 0,
        idle_timeout_ms=config.integer("listener_idle_timeout_ms"),
        max_headers_kb=config.integer("max_request_headers_kb"),
        http10=config.flag("enable_http10"),
        chunked_length=config.flag("allow_chunked_length"),
        strip_port=config.flag("strip_matching_host_port"),
        proxy_protocol=config.flag("use_proxy_proto"),
        underscores=None if underscores is None else Underscores(underscores),
    )


def _headers(config: Fields) -> Headers:
    forward = config.text("forward_client_cert_details")
    details = config.inside("set_current_client_cert_details")
    return Headers(
        server=config.text("server_name") or "",
        suppress_envoy=config.flag("suppress_envoy_headers"),
        keep_request_id=config.flag("preserve_external_request_id"),
        proper_case=config.flag("proper_case"),
        forward_cert=None if forward is None else ForwardCert(forward),
        cert_details=tuple(sorted(name for name in details.values if details.flag(name))),
    )


def _log(config: Fields) -> LogSettings | None:
    if not config.values.keys() & {"envoy_log_path", "envoy_log_type", "envoy_log_format"}:
        return None
    written, form = config.text("envoy_log_type"), config.values.get("envoy_log_format")
    kind = None if written is None else LogType(written.removeprefix("typed_"))
    if form is not None:
        kind = kind or LogType.TEXT
        expected = "a string" if kind is LogType.TEXT else "a mapping"
        if type_words(form) != expected:
            message = f"envoy_log_type {kind} has another form"
            got = type_words(form)
            config.report(Code.WRONG_TYPE, message, "envoy_log_format", expected=expected, got=got)
            form = None
    text = form if isinstance(form, str) else canonical_json(form).decode() if form is not None else ""
    path = config.text("envoy_log_path") or ""
    if path:
        check_log_file(config, path, "envoy_log_path")
    check_variables(config, form, "envoy_log_format")
    return LogSettings(path, kind, text)


def _probe(config: Fields, name: str, default: Probe) -> Probe | None:
    fields = config.inside(name)
    if not fields.flag("enabled", default=True):
        return None
    prefix = fields.text("prefix") or default.prefix
    if "service" in fields.values:
        message = (
            "a check that a service answers is not supported here; Envoy would answer it, even were the service down"
        )
        hint = f"say enabled: false, and write a Mapping with prefix {prefix} and this service"
        fields.report(Code.FIELD_UNSUPPORTED, message, "service", hint=hint)
    elif "rewrite" in fields.values:
        fields.ignored("rewrite", "Envoy answers by itself")
    return Probe(prefix)
