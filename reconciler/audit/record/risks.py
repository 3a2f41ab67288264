"""What of a plan a reviewer must not overlook, told by its words. Pure.

The words are those of the plan's fields: values in them are quoted wherever they could be taken for something else.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.plan import Change, EdgeChange, FieldChange, HostChange, Op, Plan
from reconciler.model.risk import Risk

Covers = Callable[[str, str], bool]

_BETWEEN = " | "  # the values of one field of several rules
_WAY = re.compile(r"\S+ \((?P<facts>.*)\)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')  # as `quoted` writes what could be taken for something else
_SHARE = re.compile(r"(\d+) % of ")
_HALF, _WHOLE = 50, 100
_VERSIONS = {"any": 0, "v1.0": 0, "v1.1": 1, "v1.2": 2, "v1.3": 3}


def of_plan(plan: Plan) -> tuple[Risk, ...]:
    """Those of the whole plan, sorted."""
    found: set[Risk] = set()
    for change in plan.changes:
        found.update(of_route(change))
    for host in plan.hosts:
        found.update(of_host(host))
    for edge in plan.edge:
        found.update(of_edge(edge))
    return tuple(sorted(found))


def of_route(change: Change) -> tuple[Risk, ...]:
    """Those of one route. What is deleted opens nothing."""
    if change.op is Op.DELETE:
        return ()
    found = {risk for field in change.fields for risk in _of_field(field, new=change.op is Op.CREATE)}
    return tuple(sorted(found))


def of_host(change: HostChange) -> tuple[Risk, ...]:
    """Those of a listener or virtual host. One that is gone answers nobody."""
    if change.op is not Op.UPDATE:
        return ()
    fields = _by_name(change.fields)
    if (tls := fields.get("tls")) and not tls.after:
        return (Risk.TLS_REMOVED,)
    return (Risk.TLS_WEAKENED,) if any(_weakens(field) for field in fields.values()) else ()


def of_edge(change: EdgeChange) -> tuple[Risk, ...]:
    """Those of what all listeners have in common: the plan itself cries out where a guard goes."""
    if not change.sentence.isupper():
        return ()
    return (Risk.AUTH_BYPASSED,) if change.subject.startswith("AuthService ") else (Risk.LIMITS_REMOVED,)


def _of_field(field: FieldChange, *, new: bool) -> Iterator[Risk]:
    before, after = field.before, field.after
    match field.field:
        case "auth":
            if "NOT ASKED" in after and "NOT ASKED" not in before:
                yield Risk.AUTH_BYPASSED
        case "share":
            if _share(after) > _HALF and (new or _share(before) <= _HALF):
                yield Risk.WEIGHT_OVER_HALF
        case name if not new:
            yield from _OF_UPDATES.get(name, _nothing)(before, after)


def _nothing(_before: str, _after: str) -> Iterator[Risk]:
    yield from ()


def _of_hosts(before: str, after: str) -> Iterator[Risk]:
    if _widened(before, after, _covers_host):
        yield Risk.HOST_WIDENED


def _of_paths(before: str, after: str) -> Iterator[Risk]:
    if _widened(before, after, _covers_path):
        yield Risk.PREFIX_WIDENED


def _of_conditions(before: str, after: str) -> Iterator[Risk]:
    if before and not after:
        yield Risk.CONDITIONS_REMOVED


def _of_limits(before: str, after: str) -> Iterator[Risk]:
    if before and not after:
        yield Risk.LIMITS_REMOVED


def _of_ways(before: str, after: str) -> Iterator[Risk]:
    """How the way to an upstream is protected; what sends nothing on has none."""
    if not (before and after):
        return
    was, now = ({_tls(way) for way in words.split(_BETWEEN)} for words in (before, after))
    if "" in now and "" not in was and was != {""}:
        yield Risk.TLS_REMOVED
    elif "TLS unverified" in now and was == {"TLS"}:
        yield Risk.TLS_WEAKENED


def _tls(way: str) -> str:
    """``TLS``, ``TLS unverified``, or nothing; a redirect has no way."""
    match = _WAY.fullmatch(_QUOTED.sub('""', way))
    for fact in match["facts"].split(", ") if match else ():
        if fact.split(" ")[0] == "TLS":
            return "TLS unverified" if fact.split(" ")[:2] == ["TLS", "unverified"] else "TLS"
    return ""


def _share(words: str) -> int:
    """Per cent of its group that a route takes; the most of them. One that says nothing stands alone."""
    shares = [int(share) for share in _SHARE.findall(words)]
    return max(shares, default=_WHOLE)


def _weakens(field: FieldChange) -> bool:
    match field.field:
        case "client certificates":
            return field.before.startswith("required") and not field.after.startswith("required")
        case "tls versions":
            return _lowest(field.after) < _lowest(field.before)
        case "insecure requests":
            return bool(field.before) and not field.after
        case "revoked":
            return bool(field.before) and not field.after
        case _:
            return False


def _lowest(versions: str) -> int:
    return _VERSIONS.get(versions.partition(" to ")[0].lower().removeprefix("tls"), 0)


def _widened(before: str, after: str, covers: Covers) -> bool:
    """Whether some value covers one from before, is another, and is not covered in turn."""
    was, now = before.split(_BETWEEN), after.split(_BETWEEN)
    return any(one not in was and any(covers(one, other) and not covers(other, one) for other in was) for one in now)


def _covers_host(wide: str, narrow: str) -> bool:
    return _host(wide).covers(_host(narrow))


def _host(words: str) -> HostMatch:
    if words == "*":
        return HostMatch(MatchKind.ANY)
    if words.startswith("*"):
        return HostMatch(MatchKind.SUFFIX, words[1:])
    if words.endswith("*"):
        return HostMatch(MatchKind.PREFIX, words[:-1])
    return HostMatch(MatchKind.REGEX if words.startswith("~") else MatchKind.EXACT, words)


def _covers_path(wide: str, narrow: str) -> bool:
    """A prefix covers what begins with it; what a regular expression covers nobody can tell."""
    (kind, value), (other, longer) = _path(wide), _path(narrow)
    if kind != MatchKind.PREFIX or other == MatchKind.REGEX:
        return wide == narrow
    return longer.startswith(value)


def _path(words: str) -> tuple[str, str]:
    """Kind and value, as `quoted` wrote it; whether case counts is another matter."""
    kind, _, value = words.removesuffix(" (any case)").partition(" ")
    return kind, json.loads(value) if value.startswith('"') else value


def _by_name(fields: Iterable[FieldChange]) -> dict[str, FieldChange]:
    return {field.field: field for field in fields}


_OF_UPDATES: Mapping[str, Callable[[str, str], Iterator[Risk]]] = {
    "to": _of_ways,
    "host": _of_hosts,
    "path": _of_paths,
    "method": _of_conditions,
    "headers": _of_conditions,
    "query": _of_conditions,
    "local limit": _of_limits,
    "rate limits": _of_limits,
}
