"""Text for people."""


def printable(text: str) -> str:
    """The text with control and other unprintable characters shown as escapes, so that none reaches a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plural(count: int, noun: str) -> str:
    """``1 route``, ``2 routes``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
