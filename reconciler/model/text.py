"""Text from untrusted files, made safe to print."""


def printable(text: str) -> str:
    """The text with control and other unprintable characters shown as escapes, so that none reaches a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
