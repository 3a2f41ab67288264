"""One line of Envoy's access log, as text or JSON, of a request or a connection. Pure.

What clients send stands in these lines: a path, a host or a request id may look like the end of a line. The origin is
what Envoy wrote last, so it is looked for from the end.
"""

import json
import re
from dataclasses import dataclass
from typing import TypeAlias

# What `kubectl logs --prefix --timestamps` puts before each line.
_PREFIX = re.compile(r"(?:\[pod/[^\]]{1,600}\] )?(?:[0-9T:.+-]{1,40}Z )?(?=[{\[])")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_REQUEST = re.compile(r'\[(\S{24})\] "(\S+) (\S+) (\S+)" (\d{1,3}) (\S+) \d+ \d+ \S+ "(.*)"\Z', re.DOTALL)
_CONNECTION = re.compile(r'\[(\S{24})\] "TCP (\S+)" (\S+) \d+ \d+ \S+ "(.*)" "[^"]*"\Z', re.DOTALL)
_HOST_AND_REST = '" "'
_NONE = "-"

EXPECTED = "a line of our access log, text or JSON, that ends with mapping, source and commit"


@dataclass(slots=True)
class Line:
    """What a line says of a request or a connection; not frozen, which would take three times as long to make.

    Attributes:
        time: when it began, RFC 3339 UTC to the millisecond, as Envoy's clock had it.
        tcp: it is about a connection, of which `authority` is the name asked for.
        status: of the answer; 0 where none was sent, and for a connection.
        flags: Envoy's response flags; ``-`` for none.
        cluster: upstream that was chosen; empty where the line does not tell, ``-`` where none was.
        mapping: ``namespace/name``, of connections several with commas between; empty where none served it.
        source: file, or path of an object of the cluster.
        commit: that last touched it; empty for objects and plain directories.
    """

    time: str
    tcp: bool
    method: str
    authority: str
    path: str
    status: int
    flags: str
    cluster: str
    mapping: str
    source: str
    commit: str


Read: TypeAlias = Line | str  # or what was expected, and is not there


def read_line(text: str) -> Read:
    """One line without its end; what it is not, in words, where it is none of ours."""
    start = text[:1]
    if start != "{" and (start != "[" or text.startswith("[pod/")):
        found = _PREFIX.match(text)
        if not found:
            return EXPECTED
        text = text[found.end() :]
    return _of_json(text) if text.startswith("{") else _of_text(text)


def _of_json(text: str) -> Read:
    try:
        value = json.loads(text)
        time, mapping, source, commit = value["start_time"], value["mapping"], value["source"], value["commit"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"JSON, but not {EXPECTED}"
    get = value.get
    tcp = "method" not in value
    status = get("response_code")
    line = Line(
        time,
        tcp,
        get("method") or "",
        get("server_name" if tcp else "authority") or "",
        get("path") or "",
        status if isinstance(status, int) else 0,
        get("response_flags") or _NONE,
        get("upstream_cluster") or _NONE,
        "" if mapping is None or mapping == _NONE else mapping,
        "" if source is None or source == _NONE else source,
        "" if commit is None or commit == _NONE else commit,
    )
    return line if _sound(line) else f"JSON, but not {EXPECTED}"


def _sound(line: Line) -> bool:
    # One by one: a loop over them takes as long as all the rest of a line.
    return (
        type(line.time) is str
        and type(line.method) is str
        and type(line.authority) is str
        and type(line.path) is str
        and type(line.flags) is str
        and type(line.cluster) is str
        and type(line.mapping) is str
        and type(line.source) is str
        and type(line.commit) is str
        and _TIME.fullmatch(line.time) is not None
    )


def _of_text(text: str) -> Read:
    front, marker, origin = text.rpartition(" mapping=")
    mapping, at_source, rest = origin.partition(" source=")
    source, at_commit, commit = rest.rpartition(" commit=")
    if not (marker and at_source and at_commit):
        return EXPECTED
    origin_of = [("" if one == _NONE else one) for one in (mapping, source, commit)]
    found = _REQUEST.match(front)
    if found:
        time, method, path, _, status, flags, rest = found.groups()
        # Host, upstream and request id; only the first may hold what a client likes, and still ends at its quotes.
        authority = rest.partition(_HOST_AND_REST)[0]
        line = Line(time, False, _dash(method), _dash(authority), _dash(path), int(status), flags, "", *origin_of)
        return line if _TIME.fullmatch(time) else EXPECTED
    found = _CONNECTION.match(front)
    if not found or not _TIME.fullmatch(found[1]):
        return EXPECTED
    time, name, flags, cluster = found.groups()
    return Line(time, True, "", _dash(name), "", 0, flags, cluster, *origin_of)


def _dash(text: str) -> str:
    return "" if text == _NONE else text
