"""``error_response_overrides``: own bodies for answers with an error status."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.digest import Json, canonical_json
from reconciler.model.policy import ErrorReply, RoutePolicy
from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.machine import check_body_file, check_variables, checked_format

FIELD = "error_response_overrides"
BYPASS = "bypass_error_response_overrides"
_FAMILY = frozenset({FIELD, BYPASS})
_FORMATS = ("text_format", "json_format", "text_format_source")


def read_error_replies(fields: Fields) -> tuple[ErrorReply, ...]:
    """The replies, sorted by status; of two for one status the first, as with the peer."""
    rules = fields.values.get(FIELD)
    found: dict[int, ErrorReply] = {}
    for at, rule in enumerate(rules if isinstance(rules, list) else []):
        reply = _reply(rule, fields, at) if isinstance(rule, dict) else None
        if reply is not None and reply.status in found:
            message = f"{reply.status} has a body already; the first one is used"
            fields.report(Code.FIELDS_CONTRADICT, message, FIELD, at, "on_status_code")
        elif reply is not None:
            found[reply.status] = reply
    return tuple(sorted(found.values()))


def with_errors(policy: RoutePolicy, fields: Fields) -> RoutePolicy:
    """A policy with what a Mapping says of error answers; itself if that is nothing."""
    if not fields.values.keys() & _FAMILY:
        return policy
    return replace(policy, errors=read_mapping_errors(fields))


def read_mapping_errors(fields: Fields) -> tuple[ErrorReply, ...] | None:
    """The replies of a Mapping: None for the Module's, empty for none at all."""
    if fields.flag(BYPASS):
        if FIELD in fields.values:
            fields.ignored(FIELD, f"{BYPASS} is stronger", hint="remove one of the two")
        return ()
    return read_error_replies(fields) or None if FIELD in fields.values else None


def _reply(rule: Mapping[str, Json], fields: Fields, at: int) -> ErrorReply | None:
    status, body = rule.get("on_status_code"), rule.get("body")
    if not isinstance(status, int) or not isinstance(body, dict):
        return None
    given = [name for name in _FORMATS if body.get(name) is not None]
    if len(given) != 1:
        message = "a body is exactly one of " + ", ".join(_FORMATS)
        fields.report(Code.FIELDS_CONTRADICT, message, FIELD, at, "body", got=", ".join(given) or "none of them")
        return None
    content_type = body.get("content_type")
    kind = content_type if isinstance(content_type, str) else ""
    kind = checked_format(fields, kind, FIELD, at, "body", "content_type")
    match body[given[0]]:
        case str() as text:
            check_variables(fields, text, FIELD, at, "body", given[0])
            return ErrorReply(status, text, kind)
        case {"filename": str() as path}:
            check_body_file(fields, path, FIELD, at, "body", given[0], "filename")
            return ErrorReply(status, path, kind, file=True)
        case dict() as values:
            check_variables(fields, values, FIELD, at, "body", given[0])
            return ErrorReply(
                status, canonical_json({k: _text(v) for k, v in values.items()}).decode(), kind, json=True
            )
        case _:
            return None


def _text(value: Json) -> Json:
    """Values are strings at the peer, and so ``"%RESPONSE_CODE%"`` is one too."""
    return str(value).lower() if isinstance(value, bool) else str(value)
