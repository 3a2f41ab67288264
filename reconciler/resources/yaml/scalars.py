"""YAML 1.1 scalars → values, by PyYAML's own rules, with what they leave dangerous taken out.

Timestamps stay text. NaN, infinities and integers that JSON cannot carry exactly are errors, and so is
every tag beyond the core ones.
"""

import math
from functools import lru_cache
from typing import TypeAlias

from yaml import ScalarNode
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

Scalar: TypeAlias = bool | int | float | str | None

_CORE = "tag:yaml.org,2002:"
_MERGE = _CORE + "merge"
_MERGE_KEY = "<<"
_RULES = {first: tuple(rules) for first, rules in Resolver.yaml_implicit_resolvers.items() if first is not None}
_CONSTRUCT = SafeConstructor()
_LARGEST = 2**53 - 1
_LONGEST_NUMBER = 400

# Plain scalars that begin with anything else are text without a further look.
UNCERTAIN = frozenset(_RULES)


class Unreadable(ValueError):
    """A scalar that is no value; the message says why."""


def resolve(text: str) -> Scalar:
    """The value of a plain, untagged scalar.

    Raises:
        Unreadable: it is a number that cannot be kept.
    """
    for tag, pattern in _RULES.get(text[:1], ()):
        if pattern.match(text):
            return _construct(tag, text)
    return text


@lru_cache(maxsize=4096)
def is_mere_text(text: str) -> bool:
    """Whether a short plain, untagged scalar is the text it is, wherever it stands.

    Remembered, since documents say the same few words: ``name``, ``namespace``, ``true``.
    """
    try:
        return resolve(text) is text and text != _MERGE_KEY
    except Unreadable:
        return False


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag.

    Raises:
        Unreadable: the tag is not a core one, or the text is not of its type.
    """
    if tag == "!":
        return text
    if tag.removeprefix(_CORE) not in {"str", "int", "float", "bool", "null"}:
        raise Unreadable(f"the tag {tag[:80]!r} is not allowed")
    return _construct(tag, text)


def is_merge(text: str, tag: str | None) -> bool:
    """Whether a key is the merge key ``<<``; without a tag it must be plain."""
    return text == _MERGE_KEY and tag in {None, _MERGE}


def _construct(tag: str, text: str) -> Scalar:
    try:
        match tag.removeprefix(_CORE):
            case "null":
                return None
            case "bool":
                return bool(_CONSTRUCT.construct_yaml_bool(ScalarNode(tag, text)))
            case "int":
                return _integer(tag, text)
            case "float":
                return _number(tag, text)
            case _:  # timestamp, merge and value are text here
                return text
    except Unreadable:
        raise
    except (ValueError, KeyError, IndexError, OverflowError):
        raise Unreadable(f"{text[:40]!r} is not of the type its tag says") from None


def _integer(tag: str, text: str) -> int:
    value = int(_CONSTRUCT.construct_yaml_int(ScalarNode(tag, text))) if len(text) <= _LONGEST_NUMBER else _LARGEST + 1
    if abs(value) > _LARGEST:
        raise Unreadable(f"the integer {text[:20]} is larger than 2^53-1 and would lose digits; quote it if it is text")
    return value


def _number(tag: str, text: str) -> float:
    value = (
        float(_CONSTRUCT.construct_yaml_float(ScalarNode(tag, text))) if len(text) <= _LONGEST_NUMBER else float("inf")
    )
    if not math.isfinite(value):
        raise Unreadable(f"the number {text[:20]} is not finite; quote it if it is text")
    return value
