"""Text for people."""


def printable(text: str) -> str:
    """The text with all that could move a cursor, hide or reorder characters shown as escapes.

    That is control and format characters (bidirectional overrides, zero width), surrogates, and all separators but
    the plain space.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plural(count: int, noun: str) -> str:
    """``1 route``, ``2 routes``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
