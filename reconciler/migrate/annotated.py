"""Documents inside an annotation are text inside text: put a new one in the place of the old."""

import json
import re

from reconciler.migrate.edits import Edit, Unwritable, column, line_break, line_end
from reconciler.migrate.tree import Node, Shape, at
from reconciler.resources.finding import Path, dotted

_BLOCK_SAFE = re.compile(r"(?![\s])[^\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff]*")


def annotation_edit(text: str, root: Node, path: Path, old: str, new: str) -> Edit:
    """The edit that gives an annotation another value.

    A literal block stays one, with its indentation. Anything else becomes one, since nobody wants to read documents
    on a single line of text; between braces only quotes are possible.

    Args:
        text: of the document that has the annotation.
        root: its tree.
        path: of the annotation.
        old: its value now.
        new: the one it gets.

    Raises:
        Unwritable: it is written with an anchor or through an alias.
    """
    above, node = at(root, path[:-1]), at(root, path)
    entry = above.entry(str(path[-1])) if above else None
    if above is None or entry is None or node is None or node.shape is not Shape.SCALAR or node.anchored:
        raise Unwritable(f"{dotted(path)} has an anchor or is an alias")
    eol = line_break(text)
    if node.style == "|" and old.strip():
        start = line_end(text, node.start)
        return Edit(start, node.end, _indented(new.rstrip("\n"), _indentation(text[start : node.end], old), eol))
    if above.flow or not _BLOCK_SAFE.fullmatch(new):
        return Edit(node.start, node.end, json.dumps(new))
    body = _indented(new.rstrip("\n"), column(text, entry.key.start) + 2, eol)
    kept = len(new) - len(new.rstrip("\n"))
    return Edit(node.start, node.end, f"|{'-' if kept == 0 else '' if kept == 1 else '+'}{eol}{body}{eol * (kept - 1)}")


def _indentation(raw: str, value: str) -> int:
    """Columns before the text of a literal block."""
    first = next(line for line in re.split(r"\r\n|\r|\n", raw) if line.strip())
    return len(first) - len(next(line for line in value.split("\n") if line.strip()))


def _indented(text: str, by: int, eol: str) -> str:
    return eol.join(" " * by + line if line else "" for line in text.split("\n"))
