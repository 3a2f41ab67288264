"""What a Mapping asks of its route besides where it goes: retries, CORS, headers, priority, upgrades."""

import re

from reconciler.model.policy import NO_HEADER_CHANGES, NO_POLICY, Priority, RoutePolicy
from reconciler.model.problem import Code, Severity
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.mapping.cross_origin import read_cors
from reconciler.resources.mapping.header_changes import read_header_changes
from reconciler.resources.mapping.retries import read_retry_policy

# What only a request that is forwarded can be subject to.
FORWARD_ONLY_POLICIES = (
    "retry_policy",
    "add_request_headers",
    "remove_request_headers",
    "add_linkerd_headers",
    "priority",
    "idle_timeout_ms",
    "allow_upgrade",
    "use_websocket",
    "cors",
)
_ANSWERS = ("add_response_headers", "remove_response_headers")
_FAMILY = frozenset((*FORWARD_ONLY_POLICIES, *_ANSWERS))
_LINKERD = "l5d-dst-override"
_WEBSOCKET = "websocket"
_UPGRADE = re.compile(r"[\x21-\x7e]+")


def read_policy(fields: Fields) -> RoutePolicy:
    """The policy of a Mapping; what a redirect or a shadow cannot do is warned of and left out."""
    given = fields.values.keys() & _FAMILY
    if not given:
        return NO_POLICY
    if fields.flag("shadow"):
        for name in sorted(given):
            if fields.values[name]:
                fields.ignored(name, "a shadow gets copies of requests as they are, and its answers are dropped")
        return NO_POLICY
    response_headers = read_header_changes(fields, "response")
    if fields.flag("host_redirect"):
        return RoutePolicy(response_headers=response_headers)
    linkerd = fields.values.get("add_linkerd_headers")
    request_headers = read_header_changes(fields, "request")
    if linkerd and request_headers is not NO_HEADER_CHANGES:
        _check_linkerd(fields)
    return RoutePolicy(
        request_headers=request_headers,
        response_headers=response_headers,
        retry=read_retry_policy(fields),
        cors=read_cors(fields),
        priority=_read_priority(fields),
        idle_timeout_ms=fields.integer("idle_timeout_ms"),
        upgrades=_read_upgrades(fields),
        linkerd=linkerd if isinstance(linkerd, bool) else None,
    )


def _check_linkerd(fields: Fields) -> None:
    """Warn of a header that the one for Linkerd takes the place of."""
    inside = fields.inside("add_request_headers")
    for name in inside.values:
        if name.lower() == _LINKERD:
            inside.ignored(name, "add_linkerd_headers sets it", hint="remove one of the two")


def _read_priority(fields: Fields) -> Priority | None:
    """The priority in any case: circuit breakers write it in lower case, Envoy in upper."""
    given = fields.text("priority")
    if given is None:
        return None
    if given.upper() not in set(Priority):
        fields.report(Code.INVALID_VALUE, "not a priority", "priority", expected="DEFAULT or HIGH", got=shown(given))
        return None
    return Priority(given.upper())


def _read_upgrades(fields: Fields) -> tuple[str, ...]:
    """The protocols a client may switch to, lower case, sorted."""
    given = fields.values.get("allow_upgrade")
    named = [item for item in given if isinstance(item, str)] if isinstance(given, list) else []
    for at, name in enumerate(named):
        if not _UPGRADE.fullmatch(name) or name.lower() == "connect":
            hint = "CONNECT is a method, not an upgrade" if name.lower() == "connect" else ""
            expected = "a protocol such as websocket"
            message = "not a protocol to upgrade to"
            fields.report(
                Code.INVALID_VALUE, message, "allow_upgrade", at, expected=expected, got=shown(name), hint=hint
            )
    upgrades = {name.lower() for name in named}
    websocket = fields.values.get("use_websocket")
    if isinstance(websocket, bool) and named and websocket is not (_WEBSOCKET in upgrades):
        _report_websocket(fields, websocket=websocket)
    return tuple(sorted(upgrades | ({_WEBSOCKET} if websocket is True else set())))


def _report_websocket(fields: Fields, *, websocket: bool) -> None:
    """The older spelling says another thing than the newer: harmless where both can be had, else not to be guessed."""
    if websocket:
        message, severity = "allow_upgrade does not name websocket; both are allowed", Severity.WARNING
    else:
        message, severity = "use_websocket: false, but allow_upgrade names websocket", Severity.ERROR
    hint = "write allow_upgrade alone"
    fields.report(Code.FIELDS_CONTRADICT, message, "use_websocket", severity=severity, hint=hint)
