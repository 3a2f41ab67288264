"""AuthService: who decides whether a request may pass."""

from dataclasses import replace

from reconciler.model.origin import Origin
from reconciler.model.policy import Pairs
from reconciler.model.problem import Code
from reconciler.model.services import AuthProtocol, AuthServiceResource, AuthSettings, BodyCopy
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.machine import checked_format
from reconciler.resources.mapping.statuses import ERROR_STATUSES
from reconciler.resources.patterns import has_control_characters
from reconciler.resources.upstream.backend import check_header_name, check_version, header_names, read_backend

DEFAULT_TIMEOUT_MS = 5000
# What ``allow_request_body: true`` shows.
_FIRST_BYTES = BodyCopy(4096, allow_partial=True)
_ONLY_HTTP = (
    "path_prefix",
    "allowed_headers",
    "allowed_request_headers",
    "allowed_authorization_headers",
    "add_auth_headers",
    "add_linkerd_headers",
)
# What a v0 service sees of every request, and may set, besides what all do.
V0_HEADERS = (
    "cookie", "forwarded", "host", "proxy-authenticate", "set-cookie", "www-authenticate", "x-b3-flags",
    "x-b3-parentspanid", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid", "x-gateway-proto", "x-ot-span-context",
)  # fmt: skip


def read_auth_service(envelope: Envelope, origin: Origin, fields: Fields) -> AuthServiceResource | None:
    """The AuthService of a document; None when its service was reported."""
    protocol = AuthProtocol(fields.text("proto") or AuthProtocol.HTTP)
    grpc = protocol is AuthProtocol.GRPC
    backend = read_backend(fields, "auth_service", envelope.namespace, grpc=grpc)
    settings = AuthSettings(
        protocol=protocol,
        timeout_ms=fields.integer("timeout_ms") or DEFAULT_TIMEOUT_MS,
        body=_body(fields),
        failure_mode_allow=fields.flag("failure_mode_allow"),
        status_on_error=_status(fields),
    )
    if grpc:
        check_version(fields)
        for name in _ONLY_HTTP:
            if fields.values.get(name):
                fields.ignored(name, "a gRPC service sees all headers, and its answer says which to set")
    else:
        settings = _with_http_fields(settings, fields, envelope.version)
    return None if backend is None else AuthServiceResource(origin, backend, settings)


def _with_http_fields(settings: AuthSettings, fields: Fields, version: str) -> AuthSettings:
    both = header_names(fields, "allowed_headers")
    if version == "v0":
        both = (*V0_HEADERS, *both)
    return replace(
        settings,
        path_prefix=_path_prefix(fields),
        request_headers=_united(both, header_names(fields, "allowed_request_headers")),
        reply_headers=_united(both, header_names(fields, "allowed_authorization_headers")),
        add_headers=_added(fields),
        linkerd=fields.flag("add_linkerd_headers") if "add_linkerd_headers" in fields.values else None,
    )


def _united(*names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({name for some in names for name in some}))


def _path_prefix(fields: Fields) -> str:
    prefix = fields.text("path_prefix") or ""
    if prefix and (not prefix.startswith("/") or has_control_characters(prefix) or " " in prefix):
        hint = "" if prefix.startswith("/") else "Envoy refuses it without"
        fields.report(
            Code.INVALID_VALUE, "no path", "path_prefix", expected="/ first, no spaces", got=shown(prefix), hint=hint
        )
    return prefix


def _added(fields: Fields) -> Pairs:
    """Headers for the auth service; values may be credentials and are never shown."""
    inside = fields.inside("add_auth_headers")
    found = {name: value for name, value in inside.values.items() if isinstance(value, str)}
    for name, value in found.items():
        check_header_name(inside, name, name)
        if has_control_characters(value):
            inside.report(Code.INVALID_VALUE, "the value holds control characters, which no header carries", name)
    return tuple(sorted((name, checked_format(inside, value, name)) for name, value in found.items()))


def _body(fields: Fields) -> BodyCopy | None:
    inside, first = fields.inside("include_body"), fields.flag("allow_request_body")
    size = inside.integer("max_bytes")
    if size is None:
        return _FIRST_BYTES if first else None
    if first:
        fields.ignored("allow_request_body", "include_body is stronger", hint="remove it")
    return BodyCopy(size, inside.flag("allow_partial"))


def _status(fields: Fields) -> int | None:
    inside = fields.inside("status_on_error")
    code = inside.integer("code")
    if code is not None and code not in ERROR_STATUSES:
        inside.report(Code.INVALID_VALUE, "no status Envoy knows", "code", expected="such as 403 or 503", got=str(code))
    return code
