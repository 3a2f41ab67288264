"""Values as YAML on one line, in the manner of the text around them."""

import json
import re

from reconciler.model.digest import Json

# What reads as a string wherever it stands; everything else is quoted.
_PLAIN = re.compile(r"[A-Za-z_/](?:[\w./%@-]|:(?=[\w/]))*", re.ASCII)
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def written(value: Json, *, as_json: bool = False, style: str = "") -> str:
    """One line of YAML.

    Args:
        value: anything that JSON can say.
        as_json: quote all strings and keys, since the text around does.
        style: the quotes a string had before, ``'`` or ``"``; empty for none.
    """
    match value:
        case str():
            return _text(value, as_json=as_json, style=style)
        case dict():
            pairs = (f"{written(k, as_json=as_json)}: {written(v, as_json=as_json)}" for k, v in value.items())
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(written(item, as_json=as_json) for item in value) + "]"
    return json.dumps(value)


def _text(text: str, *, as_json: bool, style: str) -> str:
    if style == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    if plain and not as_json and style != '"':
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
