"""The settings of the Module that all listeners share, in words."""

from collections.abc import Iterable
from dataclasses import fields
from hashlib import sha256

from reconciler.model.edge import HttpSettings
from reconciler.model.plain import plain
from reconciler.model.policy import ErrorReply
from reconciler.plan.quoting import quoted

SETTINGS = "settings of all listeners"
_DIGITS = 8  # enough to see that a script or body is another one
# Worded by themselves.
_SPECIAL = frozenset({"lua", "ip_rules", "errors"})


def http_fields(settings: HttpSettings) -> dict[str, str]:
    """Everything that is not as it is by default, by name."""
    found: dict[str, str] = {}
    for part in (settings.connections, settings.paths, settings.headers, settings.filters):
        usual = type(part)()
        for field in fields(part):
            value = getattr(part, field.name)
            if value != getattr(usual, field.name) and field.name not in _SPECIAL:
                found[field.name.replace("_", " ")] = _words(value)
    filters = settings.filters
    if filters.lua:
        found["lua script"] = _fingerprint(filters.lua)
    if filters.ip_rules is not None:
        who = "only" if filters.ip_rules.allow else "all but"
        found["clients"] = f"{who} {', '.join(str(one) for one in filters.ip_rules.ranges)}"
    if filters.errors:
        found["error bodies"] = error_words(filters.errors)
    if settings.log is not None:
        found["access log"] = _words(settings.log)
    if settings.redirect_http:
        found["redirect http"] = "yes"
    found["health checks"] = ", ".join(quoted(probe.prefix) for probe in settings.probes)
    return found


def http_sentence(before: HttpSettings, after: HttpSettings) -> str:
    """What becomes of requests, where it must not be overlooked; empty otherwise."""
    was, now = before.filters.ip_rules, after.filters.ip_rules
    if was == now:
        return ""
    if now is None:
        return "CLIENTS ARE NO LONGER TURNED AWAY BY THEIR ADDRESS"
    return "which clients are served is another matter from now on"


def error_words(replies: Iterable[ErrorReply]) -> str:
    """Statuses, each with a fingerprint of its body."""
    return ", ".join(f"{reply.status} ({_fingerprint(repr(reply))})" for reply in replies)


def _fingerprint(text: str) -> str:
    return f"sha256 {sha256(text.encode()).hexdigest()[:_DIGITS]}"


def _words(value: object) -> str:
    match plain(value):
        case bool() as flag:
            return "yes" if flag else "no"
        case str() as text:
            return quoted(text)
        case list() as items:
            return ", ".join(_words(item) for item in items)
        case dict() as values:
            said = (f"{name.replace('_', ' ')} {_words(item)}" for name, item in values.items())
            return " ".join(said) or "by default"
        case other:
            return str(other)
