"""``health_checks``: requests of Envoy's own that tell which endpoints work."""

from dataclasses import replace

from reconciler.model.digest import Json
from reconciler.model.policy import HeaderValue
from reconciler.model.problem import Code
from reconciler.model.upstream import GrpcCheck, HealthCheck, HttpCheck
from reconciler.resources.durations import read_duration
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.machine import checked_format
from reconciler.resources.mapping.sendable import check_host, check_target
from reconciler.resources.patterns import has_control_characters, is_token

_LEAST_MS = 1
_DEFAULT = HealthCheck()


def read_health_checks(fields: Fields, name: str, *, http2: bool) -> tuple[HealthCheck, ...]:
    """The health check of an upstream; none when absent or reported.

    Args:
        fields: of a Mapping.
        name: of the field.
        http2: whether Envoy speaks HTTP/2 to the upstream, without which it can't ask by gRPC.
    """
    checks = fields.each(name)
    if len(checks) > 1:
        message = "Envoy runs one health check per upstream"
        fields.report(Code.FIELD_UNSUPPORTED, message, name, expected="one", got=str(len(checks)))
        return ()
    return tuple(check for one in checks if (check := _health_check(one, http2=http2)))


def _health_check(fields: Fields, *, http2: bool) -> HealthCheck | None:
    timeout = read_duration(fields, "timeout", least_ms=_LEAST_MS)
    interval = read_duration(fields, "interval", least_ms=_LEAST_MS)
    unhealthy, healthy = fields.integer("unhealthy_threshold"), fields.integer("healthy_threshold")
    base = HealthCheck(
        timeout_ms=_DEFAULT.timeout_ms if timeout is None else timeout,
        interval_ms=_DEFAULT.interval_ms if interval is None else interval,
        unhealthy_threshold=_DEFAULT.unhealthy_threshold if unhealthy is None else unhealthy,
        healthy_threshold=_DEFAULT.healthy_threshold if healthy is None else healthy,
    )
    how = fields.inside("health_check")
    asked = [kind for kind in ("http", "grpc") if how.values.get(kind) is not None]
    if len(asked) != 1:
        message = "a health check is either http or grpc"
        got = "both" if asked else "none of them"
        how.report(Code.FIELDS_CONTRADICT if asked else Code.MISSING_FIELD, message, got=got)
        return None
    if asked == ["http"]:
        return replace(base, http=_http(how.inside("http")))
    if not http2:
        message = "gRPC goes over HTTP/2, which this Mapping does not speak to its service"
        how.report(Code.FIELDS_CONTRADICT, message, "grpc", hint="set grpc: true on the Mapping, or check by http")
    grpc = how.inside("grpc")
    check_host(grpc, "authority")
    return replace(base, grpc=GrpcCheck(grpc.text("upstream_name") or "", grpc.text("authority") or ""))


def _http(fields: Fields) -> HttpCheck:
    path = fields.text("path") or ""
    if not path.startswith("/"):
        fields.report(Code.INVALID_VALUE, "not a path", "path", expected="/ first", got=shown(path))
    else:
        check_target(fields, "path")
    check_host(fields, "hostname")
    return HttpCheck(
        path,
        fields.text("hostname") or "",
        add_headers=_added(fields.inside("add_request_headers")),
        remove_headers=_removed(fields),
        statuses=tuple(sorted(_statuses(one) for one in fields.each("expected_statuses"))),
    )


def _added(headers: Fields) -> tuple[HeaderValue, ...]:
    found = []
    for name, given in headers.values.items():
        value, append = _value(given)
        if not is_token(name):
            headers.report(Code.INVALID_VALUE, "not the name of a header", name)
        elif has_control_characters(value):
            headers.report(Code.INVALID_VALUE, "a header holds no control characters", name)
        found.append(HeaderValue(name.lower(), checked_format(headers, value, name), append))
    return tuple(sorted(found))


def _value(given: Json) -> tuple[str, bool]:
    """Value and ``append`` of a header; the value may stand alone."""
    if not isinstance(given, dict):
        return str(given), True
    return str(given.get("value", "")), given.get("append") is not False


def _removed(fields: Fields) -> tuple[str, ...]:
    given = fields.values.get("remove_request_headers")
    names = given if isinstance(given, list) else [given] if isinstance(given, str) else []
    for name in names:
        if not (isinstance(name, str) and is_token(name)):
            fields.report(Code.INVALID_VALUE, "not the name of a header", "remove_request_headers", got=shown(name))
    return tuple(sorted({str(name).lower() for name in names}))


def _statuses(fields: Fields) -> tuple[int, int]:
    first, last = fields.integer("min") or 0, fields.integer("max") or 0
    if first > last:
        fields.report(
            Code.INVALID_VALUE, "no status is in this range", expected="min up to max", got=f"{first} to {last}"
        )
    return first, last
