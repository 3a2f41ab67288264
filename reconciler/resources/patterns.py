"""RE2 patterns, checked by the engine Envoy uses, and text that Envoy can carry in a header or a path."""

import re

import re2

from reconciler.model.problem import Code
from reconciler.model.resource import RegexRewrite
from reconciler.resources.fields import Fields
from reconciler.resources.mapping.sendable import check_target

# https://www.rfc-editor.org/rfc/rfc9110#name-tokens
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REFERENCE = re.compile(r"\\(.?)", re.DOTALL)


def is_token(text: str) -> bool:
    """Whether a text is a token of HTTP: a method, a header name."""
    return _TOKEN.fullmatch(text) is not None


def has_control_characters(text: str) -> bool:
    """Whether a text holds characters no header or path may hold, line breaks among them."""
    return _CONTROL.search(text) is not None


def check_pattern(pattern: str, fields: Fields, *parts: str | int, private: bool = False) -> int:
    """Report a pattern that RE2 refuses or that is too long.

    Args:
        pattern: as written.
        fields: where findings go, and the limit on length.
        *parts: path of the pattern in ``fields``.
        private: do not repeat any part of the pattern.

    Returns:
        The number of its groups; -1 when it was reported.
    """
    limits = fields.limits
    if len(pattern) > limits.max_regex_length:
        expected, got = f"at most {limits.max_regex_length}", f"{len(pattern)} characters"
        fields.report(Code.BAD_REGEX, "the pattern is too long", *parts, expected=expected, got=got)
        return -1
    options = re2.Options()
    options.log_errors = False  # RE2 would write to standard error
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = _words(error)
        said = said.partition(":")[0] if private else said
        hint = "see https://github.com/google/re2/wiki/Syntax; RE2 has no look-around and no back-references"
        fields.report(Code.BAD_REGEX, f"RE2 refuses the pattern: {said}", *parts, hint=hint)
        return -1
    if compiled.programsize > limits.max_regex_program:
        expected, got = f"at most {limits.max_regex_program} RE2 instructions", str(compiled.programsize)
        message, hint = "the pattern is more than Envoy takes", "shorten it: counted repetitions cost most"
        fields.report(Code.BAD_REGEX, message, *parts, expected=expected, got=got, hint=hint)
        return -1
    return int(compiled.groups)


def _words(error: re2.error) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def read_regex_rewrite(fields: Fields, name: str, *, fragment: bool = False) -> RegexRewrite | None:
    """A ``{pattern, substitution}`` field; None when absent or wrong.

    Args:
        fields: where it is and findings go.
        name: of the field.
        fragment: whether a ``#`` may stand in what it makes.
    """
    inside = fields.inside(name)
    pattern, substitution = inside.text("pattern"), inside.text("substitution")
    if pattern is None or substitution is None:
        return None
    groups = check_pattern(pattern, inside, "pattern")
    sendable = check_target(inside, "substitution", fragment=fragment)
    if groups < 0 or not sendable or not _check_substitution(substitution, groups, inside):
        return None
    return RegexRewrite(pattern, substitution)


def _check_substitution(substitution: str, groups: int, inside: Fields) -> bool:
    """Envoy takes a reference to a missing group and then rewrites nothing: it is an error here."""
    for reference in _REFERENCE.findall(substitution):
        if reference == "\\":
            continue
        if not ("0" <= reference <= "9"):
            expected = r"\0 to \9, or \\ for a backslash"
            inside.report(
                Code.INVALID_VALUE, "not a reference", "substitution", expected=expected, got=f"\\{reference}"
            )
            return False
        if int(reference) > groups:
            message = f"\\{reference} names no group: the pattern has {groups or 'none'}"
            expected = "\\0" if not groups else f"\\0 {'or' if groups == 1 else 'to'} \\{groups}"
            inside.report(Code.INVALID_VALUE, message, "substitution", expected=expected, got=f"\\{reference}")
            return False
    return True
