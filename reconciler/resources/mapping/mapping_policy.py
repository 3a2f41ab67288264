"""MappingPolicy: what our own API group says for Mappings."""

from dataclasses import replace

from reconciler.model.mapping_policy import MappingPolicyResource, Part, TlsOverride
from reconciler.model.origin import Origin
from reconciler.model.policy import LocalLimit, RetryPolicy
from reconciler.model.problem import Code, Severity
from reconciler.resources.edge.tls_settings import read_file, read_secret_name, read_server_name
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.mapping.cross_origin import read_cors
from reconciler.resources.mapping.direct_responses import read_direct_response, read_maintenance
from reconciler.resources.mapping.retries import ON_STATUSES, read_retry_policy
from reconciler.resources.mapping.statuses import ERROR_STATUSES
from reconciler.resources.refused import check_secret
from reconciler.resources.upstream.outliers import read_outliers

_UNITS = {"second": 1000, "minute": 60_000, "hour": 3_600_000}
_TOO_MANY = 429
_AUTHORITIES = ("ca_secret", "ca_file")


def read_mapping_policy(envelope: Envelope, origin: Origin, fields: Fields) -> MappingPolicyResource:
    """The MappingPolicy of a document."""
    selector = _read_selector(fields)
    if not any(fields.given(part) for part in Part):
        message = "it says nothing of the Mappings it is about"
        fields.report(Code.MISSING_FIELD, message, severity=Severity.WARNING, expected=f"one of {', '.join(Part)}")
    return MappingPolicyResource(
        origin=origin,
        mappings=_read_names(fields),
        selector=selector,
        direct_response=read_direct_response(fields),
        maintenance=read_maintenance(fields),
        local_rate_limit=_read_limit(fields),
        outlier_detection=read_outliers(fields),
        retry_policy=_read_retries(fields),
        cors=read_cors(fields),
        upstream_tls=_read_tls(fields, envelope.namespace),
    )


def _read_names(fields: Fields) -> tuple[str, ...]:
    given = fields.values.get("mappings")
    return tuple(sorted({name for name in given if isinstance(name, str)})) if isinstance(given, list) else ()


def _read_selector(fields: Fields) -> tuple[tuple[str, str], ...] | None:
    """The labels; None when Mappings are named. Leaving something out never means all Mappings of a namespace."""
    if fields.given("mappings") and fields.given("selector"):
        fields.report(Code.FIELDS_CONTRADICT, "mappings and selector exclude each other", "selector")
    elif not fields.given("mappings") and not fields.given("selector"):
        expected = "mappings: [NAME, …], or selector: {matchLabels: {LABEL: VALUE}}"
        fields.report(Code.MISSING_FIELD, "it does not say which Mappings it is about", "mappings", expected=expected)
    if "selector" not in fields.values:
        return None
    inside = fields.inside("selector")
    labels = inside.inside("matchLabels").values
    if not labels and not inside.given("matchLabels"):
        inside.report(Code.MISSING_FIELD, "matchLabels is missing", "matchLabels", expected="at least one label")
    elif not labels:
        inside.report(Code.INVALID_VALUE, "it selects by no label", "matchLabels", expected="at least one label")
    return tuple(sorted((key, value) for key, value in labels.items() if isinstance(value, str)))


def _read_limit(fields: Fields, name: str = "local_rate_limit") -> LocalLimit | None:
    if not isinstance(fields.values.get(name), dict):
        return None
    inside = fields.inside(name)
    requests, status = inside.integer("requests"), inside.integer("status")
    if status is not None and status not in ERROR_STATUSES:
        expected, got = "such as 429 or 503", str(status)
        inside.report(Code.INVALID_VALUE, "no status Envoy knows", "status", expected=expected, got=got)
    interval = _UNITS.get(inside.text("per") or "")
    if requests is None or interval is None:
        return None
    return LocalLimit(inside.integer("burst") or requests, requests, interval, status or _TOO_MANY)


def _read_retries(fields: Fields, name: str = "retry_policy") -> RetryPolicy | None:
    """As of a Mapping, and with statuses: those are tried again without being asked for in another word."""
    retry = read_retry_policy(fields, name)
    given = fields.inside(name).values.get("statuses")
    statuses = {status for status in given if isinstance(status, int)} if isinstance(given, list) else set()
    if retry is None or not statuses:
        return retry
    words = tuple(sorted({*retry.retry_on, ON_STATUSES}))
    return replace(retry, retry_on=words, statuses=tuple(sorted(statuses)))


def _read_tls(fields: Fields, namespace: str, name: str = "upstream_tls") -> TlsOverride | None:
    if not isinstance(fields.values.get(name), dict):
        return None
    inside = fields.inside(name)
    verify = inside.flag("verify", default=True)
    given = [field for field in _AUTHORITIES if inside.given(field)]
    if given and not verify:
        message = f"verify: false takes any certificate, whatever {given[0]} says"
        inside.report(Code.FIELDS_CONTRADICT, message, "verify", hint="remove one of the two")
    elif len(given) > 1:
        inside.report(Code.FIELDS_CONTRADICT, "ca_secret and ca_file exclude each other", "ca_file")
    secret = read_secret_name(inside, "ca_secret")
    check_secret(inside, secret, namespace, "ca_secret")
    return TlsOverride(verify, secret, read_file(inside, "ca_file"), read_server_name(inside))
