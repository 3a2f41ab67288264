"""What a document asks of Envoy's machine is held to what the settings allow: files, variables, scripts."""

import re
from collections.abc import Iterable, Iterator

from reconciler.model.digest import Json
from reconciler.model.machine import NEVER_READ, is_below
from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.mapping.operators import InvalidFormat, parse_format

_WORD = "ENVIRONMENT"
_VARIABLE = re.compile(r"%ENVIRONMENT\(([A-Za-z_][A-Za-z0-9_]*)\)(?::[0-9]+)?%")


def check_tls_file(fields: Fields, path: str, *parts: str | int) -> None:
    """Report a certificate, key or list that may not be named."""
    if is_below(path, NEVER_READ):
        message = "no certificate or key is kept among devices and what the kernel tells of itself"
        fields.report(Code.NOT_ALLOWED, message, *parts, got=shown(path), hint="name a file that somebody keeps")
        return
    _check_file(fields, path, fields.limits.machine.tls_files, "tls_files", parts)


def check_body_file(fields: Fields, path: str, *parts: str | int) -> None:
    """Report a file that may not be shown to clients."""
    _check_file(fields, path, fields.limits.machine.body_files, "body_files", parts)


def check_log_file(fields: Fields, path: str, *parts: str | int) -> None:
    """Report a file that may not be written."""
    _check_file(fields, path, fields.limits.machine.log_files, "log_files", parts)


def check_script(fields: Fields, name: str) -> None:
    """Report a script where none is allowed."""
    if fields.text(name) and not fields.limits.machine.lua:
        message = "a script can do all that Envoy can, such as read its keys"
        hint = "who runs Envoy allows it by the setting lua"
        fields.report(Code.NOT_ALLOWED, message, name, expected="no script", hint=hint)


def check_variable(fields: Fields, name: str, *parts: str | int) -> None:
    """Report an environment variable that may not be shown."""
    allowed = fields.limits.machine.variables
    if name not in allowed:
        message = "this variable of Envoy's environment may not be shown"
        hint = "who runs Envoy allows it by the setting variables"
        fields.report(
            Code.NOT_ALLOWED, message, *parts, expected=_one_of(allowed) or "none", got=shown(name), hint=hint
        )


def check_variables(fields: Fields, value: Json, *parts: str | int) -> None:
    """Report the variables that a format, or one anywhere in a value, shows and may not.

    Envoy's ``%COALESCE(…)%`` holds operators as JSON, in which the same word can be spelt in escapes.
    """
    for text in _texts(value):
        if _WORD not in text and not ("COALESCE" in text and "\\" in text):
            continue
        for found in _VARIABLE.finditer(text):
            check_variable(fields, found[1], *parts)
        rest = _VARIABLE.sub("", text)
        if _WORD in rest or ("COALESCE" in rest and "\\" in rest):
            message = "a variable of Envoy's environment is asked for in a way that cannot be checked"
            fields.report(Code.NOT_ALLOWED, message, *parts, expected=f"%{_WORD}(NAME)%")


def checked_format(fields: Fields, text: str, *parts: str | int) -> str:
    """A format as Envoy takes it; one that it refuses, or that shows what it may not, is reported."""
    check_variables(fields, text, *parts)
    try:
        return parse_format(text)
    except InvalidFormat as why:
        fields.report(Code.INVALID_VALUE, str(why), *parts, hint=why.hint)
        return text


def _check_file(fields: Fields, path: str, allowed: Iterable[str], setting: str, parts: tuple[str | int, ...]) -> None:
    if is_below(path, fields.limits.machine.never_files):
        message = "this file is not for this document to name"
        hint = (
            "name another file: Envoy's own (settings xds_envoy_certs, never_secrets) are for no document, and an "
            "object of the cluster names a Secret by its name"
        )
        fields.report(Code.NOT_ALLOWED, message, *parts, expected="another file", got=shown(path), hint=hint)
        return
    if not is_below(path, allowed):
        message = "this file of Envoy's machine may not be named here"
        hint = f"who runs Envoy allows it by the setting {setting}"
        expected = _one_of(allowed, "in ")
        fields.report(Code.NOT_ALLOWED, message, *parts, expected=expected or "no file", got=shown(path), hint=hint)


def _one_of(words: Iterable[str], before: str = "") -> str:
    listed = " or ".join(words)
    return f"{before}{listed}" if listed else ""


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
