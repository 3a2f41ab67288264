"""Host names and host globs."""

import re

from reconciler.model.resource import ANY_HOST, HostMatch, MatchKind

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?|\[[0-9a-f:.]+\]")
_SUFFIX = re.compile(r"\.[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?")
_PREFIX = re.compile(r"[a-z0-9_][a-z0-9_.-]*\.")

GLOBS = "a host name, *, *.example.com or example.*"


class InvalidHost(ValueError):
    """A text that is no host; the message says why."""


def parse_host(text: str, *, globs: bool) -> HostMatch:
    """The condition a host or glob stands for.

    Args:
        text: as written; hosts compare without case.
        globs: whether ``*`` may stand in it.

    Raises:
        InvalidHost: it can match no host.
    """
    host = text.lower()
    if "*" in host and not globs:
        raise InvalidHost("* matches no host here; write it under hostname")
    if host == "*":
        return ANY_HOST
    if host.startswith("*") and _SUFFIX.fullmatch(host[1:]):
        return HostMatch(MatchKind.SUFFIX, host[1:])
    if host.endswith("*") and _PREFIX.fullmatch(host[:-1]):
        return HostMatch(MatchKind.PREFIX, host[:-1])
    if _HOST.fullmatch(host):
        return HostMatch(MatchKind.EXACT, host)
    if "*" in host:
        raise InvalidHost("* may stand alone, for the first label or for the end")
    if not host.isascii():
        raise InvalidHost("write an international name in its ASCII form (xn--…)")
    if ":" in host:
        raise InvalidHost("hosts compare without the port; leave it out")
    raise InvalidHost("not a host name")
