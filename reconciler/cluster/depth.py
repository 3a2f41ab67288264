"""JSON of any depth, as far as anybody needs it."""

import json
import re

from reconciler.model.digest import Json

# Deeper than any document may be that is read, so that one that is cut here is refused there.
_DEEPEST = 100
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}]')


def decoded(content: bytes) -> Json:
    """The value of a JSON text; what lies deeper than a hundred levels is null where that is too deep to be read.

    An object that somebody nests a thousand levels deep, which the API server allows where a schema is open, would
    otherwise keep all others of its kind from being read.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        value: Json = json.loads(content)
    except RecursionError:
        value = json.loads(_cut(content))
    return value


def _cut(content: bytes) -> bytes:
    """The text with null in place of everything below the deepest level."""
    kept: list[bytes] = []
    depth = start = 0
    for token in _TOKEN.finditer(content):
        if token[0] in b"[{":
            depth += 1
            if depth == _DEEPEST + 1:
                kept += (content[start : token.start()], b"null")
        elif token[0] in b"]}":
            depth -= 1
            if depth == _DEEPEST:
                start = token.end()
    return b"".join((*kept, content[start:] if depth <= _DEEPEST else b""))
