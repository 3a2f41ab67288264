"""What Envoy says, for people."""

import re

MAX_REASON = 2000

_INITIALISING = re.compile(r"error initializing (?:configuration|config) '[^']*': ?(.*)", re.DOTALL)
_CONSTRAINT = re.compile(r"Proto constraint validation failed \((.*)\)", re.DOTALL)
_CAUSED_BY = re.compile(r": embedded message failed validation \| caused by \w+ValidationError\.")
_DEBUG_MARK = re.compile(r"goo\.gle/debug\w+|\bdebugonly\b")
_LOG_PREFIX = re.compile(r"^(?:\[[^\]]*\]){2,} ?")


def reason(log: str) -> str:
    """Envoy's reason for not starting, out of its log: without time stamps and without dumps of the configuration.

    Envoy puts a dump of the whole message before the reason of a broken constraint, so that the reason comes last.
    """
    found = _INITIALISING.search(log)
    text = found[1] if found else _last_line(log)
    constraint = _CONSTRAINT.search(text)
    if constraint:
        text = _CAUSED_BY.sub(".", constraint[1])
    text = " ".join(_DEBUG_MARK.sub("", text).split())
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 1] + "…"


def _last_line(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    return _LOG_PREFIX.sub("", lines[-1]) if lines else ""
