"""What a Mapping does with a request: forward it, rewritten, or redirect it."""

from dataclasses import dataclass, replace

from reconciler.model.problem import Code, Severity
from reconciler.model.resource import Redirect, RedirectCode, RegexRewrite, Scheme, ServiceAddress
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.mapping.policies import FORWARD_ONLY_POLICIES
from reconciler.resources.mapping.sendable import check_host, check_target
from reconciler.resources.patterns import read_regex_rewrite
from reconciler.resources.refused import check_service
from reconciler.resources.upstream.service import HTTPS_PORT, Authority, InvalidService, parse_authority, parse_service

DEFAULT_REWRITE = "/"
# Strongest first, as in the language's other implementation.
_REDIRECT_PATHS = ("path_redirect", "prefix_redirect", "regex_redirect")
_FORWARD_ONLY = (
    "rewrite",
    "regex_rewrite",
    "host_rewrite",
    "auto_host_rewrite",
    "timeout_ms",
    "tls",
    *FORWARD_ONLY_POLICIES,
)


@dataclass(frozen=True, slots=True)
class Rewrites:
    """How a request is changed on its way to the upstream; at most one of the first two is set."""

    path: str | None = None
    regex: RegexRewrite | None = None
    host: str | None = None
    auto_host: bool = False


def read_service(fields: Fields, namespace: str) -> ServiceAddress | None:
    """The upstream; None when it was reported. ``tls`` speaks for TLS whatever scheme is written."""
    service = fields.text("service")
    if service is None:
        return None
    try:
        address = parse_service(service, namespace)
    except InvalidService as why:
        _report_service(fields, service, why)
        return None
    if fields.values.get("tls") and not address.tls:
        written = parse_authority(service)
        if written.scheme:
            message, hint = "tls speaks for TLS and the service for clear text; TLS is spoken", "write https://"
            fields.report(Code.FIELDS_CONTRADICT, message, "service", severity=Severity.WARNING, hint=hint)
        address = replace(address, port=written.port or HTTPS_PORT, tls=True)
    check_service(fields, address, "service")
    return address


def read_rewrites(fields: Fields) -> Rewrites:
    """The rewrites of path and host; ``rewrite`` is ``/`` unless given, and empty or null for none."""
    regex = read_regex_rewrite(fields, "regex_rewrite") if "regex_rewrite" in fields.values else None
    path: str | None = DEFAULT_REWRITE
    if "rewrite" in fields.values:
        path = fields.text("rewrite") or None
        check_target(fields, "rewrite")
        if regex is not None and path is not None:
            fields.ignored("rewrite", "regex_rewrite is stronger", hint="remove one of the two")
    host, auto_host = fields.text("host_rewrite"), fields.flag("auto_host_rewrite")
    if host is not None:
        check_host(fields, "host_rewrite")
        if auto_host:
            message = "host_rewrite and auto_host_rewrite exclude each other"
            fields.report(Code.FIELDS_CONTRADICT, message, "auto_host_rewrite")
    return Rewrites(None if regex is not None else path, regex, host, auto_host)


def read_redirect(fields: Fields) -> Redirect | None:
    """The redirect, None for a Mapping that forwards or a redirect that was reported.

    A scheme before the host is that of the redirect. (The other implementation puts it into the location as a part
    of the host, ``http://https://…``, so nobody can have meant anything else.)
    """
    paths = [name for name in _REDIRECT_PATHS if name in fields.values]
    if not fields.flag("host_redirect"):
        if "host_redirect" not in fields.rejected:
            _report_stray(fields, paths)
        return None
    if fields.flag("shadow"):
        fields.report(Code.FIELDS_CONTRADICT, "host_redirect and shadow exclude each other", "shadow")
    for name in _FORWARD_ONLY:
        if name in fields.values:
            fields.ignored(name, "a redirect forwards nothing")
    strongest = paths[0] if paths else ""
    for name in paths[1:]:
        fields.ignored(name, f"{strongest} is stronger", hint="remove one of the two")
    check_target(fields, strongest, fragment=True)
    regex = read_regex_rewrite(fields, strongest, fragment=True) if strongest == "regex_redirect" else None
    target = _redirect_target(fields)
    code = RedirectCode(fields.integer("redirect_response_code") or RedirectCode.MOVED_PERMANENTLY)
    if target is None:
        return None
    path = fields.text(strongest) if strongest == "path_redirect" else None
    prefix = fields.text(strongest) if strongest == "prefix_redirect" else None
    return Redirect(target.written, path, prefix, regex, code, Scheme(target.scheme) if target.scheme else None)


def _report_stray(fields: Fields, paths: list[str]) -> None:
    """Fields of a redirect on a Mapping that forwards: the peer drops them in silence."""
    for name in paths:
        message = f"{name} needs host_redirect: true; without it requests would be forwarded"
        fields.report(Code.FIELDS_CONTRADICT, message, name)
    if "redirect_response_code" in fields.values:
        fields.ignored("redirect_response_code", "there is no host_redirect")


def _redirect_target(fields: Fields) -> Authority | None:
    service = fields.text("service")
    if service is None:
        return None
    try:
        return parse_authority(service)
    except InvalidService as why:
        _report_service(fields, service, why)
        return None


def _report_service(fields: Fields, service: str, why: InvalidService) -> None:
    """A service with a password in it is not shown."""
    expected = "[http(s)://]name[.namespace][:port]"
    got = "" if "@" in service else shown(service)
    fields.report(Code.INVALID_SERVICE, str(why), "service", expected=expected, got=got)
