"""What of a run is not as a case says. Every function returns complaints; none is good."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from reconciler.model.digest import Json
from tests.acceptance.case import Admin, Case, Count, Expect, Query, Statistic, said
from tests.acceptance.clients import Answer
from tests.acceptance.result import Asked, Result, Run
from tests.acceptance.sighting import Sighting

_SHOWN = 600


def complaints(run: Run, result: Result) -> list[str]:
    """Everything that is not as the case says."""
    if result.why_not:
        return [result.why_not]
    case = result.case
    found: list[str] = []
    for number, (query, asked) in enumerate(zip(case.queries, result.asked, strict=True), 1):
        where = f"query {number} ({query.request.method} {query.request.path})"
        found += [f"{where}: {wrong}" for wrong in _of_query(run, query, asked)]
    for wanted, text in zip(case.admin, result.admin, strict=True):
        found += admin_complaints(wanted, text, case)
    return found + access_log_complaints(case, result.access_log)


def _of_query(run: Run, query: Query, asked: list[Asked]) -> Iterator[str]:
    if query.expect.statistic:
        yield from _statistic(run, query.expect.statistic, asked)
    for one in asked:
        wrong = list(_of_answer(run, query.expect, one))
        if wrong:
            yield from wrong
            yield f"  answered: {_shown(one.answer)}"
            yield from (f"  seen: {_shown(seen)}" for seen in run.board.of(one.id))
            yield f"  Envoy's flags: {sorted(run.flags.get(one.id, ()))}"
            return  # of many sendings the first bad one tells enough


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _of_answer(run: Run, expect: Expect, asked: Asked) -> Iterator[str]:
    answer = asked.answer
    if answer.error and expect.error is None:
        yield f"no answer: {answer.error}"
        return
    peer = answer.header("x-peer") or _tcp_peer(answer)
    sightings = run.board.of(asked.id, peer)
    seen = sightings[-1] if sightings else Sighting(peer="")
    for key, wanted in said(expect):
        if key in _OF_ANSWER:
            yield from _text(key, wanted, _OF_ANSWER[key](answer))
        elif key in _OF_SIGHTING:
            yield from _text(key, wanted, _OF_SIGHTING[key](seen))
        elif key in _OF_ALL:
            yield from _OF_ALL[key](run, asked, peer, seen, wanted)


def _tcp_peer(answer: Answer) -> str:
    if answer.protocol != "tcp" or not answer.body.startswith(b"{"):
        return ""
    return str(json.loads(answer.body)["peer"])


def fits(wanted: str, got: str | None) -> bool:
    """Whether a text is the one wanted, or matches ``~REGEX`` as a whole."""
    if got is None:
        return False
    return bool(re.fullmatch(wanted[1:], got, re.DOTALL)) if wanted.startswith("~") else wanted == got


def fits_pattern(wanted: Json, got: Json) -> bool:
    """Whether a JSON value has everything a pattern names; see the README."""
    match wanted:
        case dict():
            return isinstance(got, dict) and all(k in got and fits_pattern(v, got[k]) for k, v in wanted.items())
        case list():
            return isinstance(got, list) and all(any(fits_pattern(one, item) for item in got) for one in wanted)
        case str() if isinstance(got, str | int | float) and not isinstance(got, bool):
            return fits(wanted, str(got))
    return wanted == got


def _text(key: str, wanted: object, got: str | None) -> Iterator[str]:
    if not fits(str(wanted), got):
        yield f"{key}: expected {wanted!r}, got {_shown(repr(got))}"


_OF_ANSWER: Mapping[str, Callable[[Answer], str | None]] = MappingProxyType(
    {
        "status": lambda answer: str(answer.status),
        "upstream": lambda answer: answer.header("x-peer") or _tcp_peer(answer),
        "body": lambda answer: answer.body.decode("latin-1"),
        "location": lambda answer: answer.header("location"),
        "protocol": lambda answer: answer.protocol,
        "tls_version": lambda answer: answer.tls_version,
        "alpn": lambda answer: answer.alpn,
        "grpc_status": lambda answer: answer.grpc_status,
        "error": lambda answer: answer.error,
    }
)
_OF_SIGHTING: Mapping[str, Callable[[Sighting], str | None]] = MappingProxyType(
    {
        "path": lambda seen: seen.path,
        "method": lambda seen: seen.method,
        "host": lambda seen: seen.host,
        "request_body": lambda seen: seen.body,
        "upstream_protocol": lambda seen: seen.protocol,
        "upstream_sni": lambda seen: seen.sni,
    }
)


def _headers(_run: Run, _asked: Asked, _peer: str, seen: Sighting, wanted: dict[str, str]) -> Iterator[str]:
    for name, value in wanted.items():
        yield from _text(f"header {name}", value, seen.headers.get(name.lower()))


def _absent(_run: Run, _asked: Asked, _peer: str, seen: Sighting, names: list[str]) -> Iterator[str]:
    if not seen.peer:
        yield "absent: no upstream saw the request"
    yield from (
        f"header {name}: expected none, got {seen.headers[name.lower()]!r}"
        for name in names
        if name.lower() in seen.headers
    )


def _header_names(_run: Run, _asked: Asked, _peer: str, seen: Sighting, names: list[str]) -> Iterator[str]:
    yield from (f"no header is spelt {name!r}, but {seen.names}" for name in names if name not in seen.names)


def _certificate(_run: Run, _asked: Asked, _peer: str, seen: Sighting, wanted: str) -> Iterator[str]:
    if not any(fits(wanted, name) for name in (seen.certificate or ("",))):
        yield f"upstream_certificate: expected {wanted!r}, got {seen.certificate}"


def _own_certificate(_run: Run, asked: Asked, _peer: str, _seen: Sighting, wanted: str) -> Iterator[str]:
    if not any(fits(wanted, name) for name in (asked.answer.certificate or ("",))):
        yield f"certificate: expected {wanted!r}, got {asked.answer.certificate}"


def _response_headers(_run: Run, asked: Asked, _peer: str, _seen: Sighting, wanted: dict[str, str]) -> Iterator[str]:
    for name, value in wanted.items():
        yield from _text(f"response header {name}", value, asked.answer.header(name))


def _absent_response_headers(_run: Run, asked: Asked, _peer: str, _seen: Sighting, names: list[str]) -> Iterator[str]:
    for name in names:
        if (value := asked.answer.header(name)) is not None:
            yield f"response header {name}: expected none, got {value!r}"


def _response_header_names(_run: Run, asked: Asked, _peer: str, _seen: Sighting, names: list[str]) -> Iterator[str]:
    spelt = {name for name, _ in asked.answer.headers}
    yield from (f"no response header is spelt {name!r}, but {sorted(spelt)}" for name in names if name not in spelt)


def _flags(run: Run, asked: Asked, _peer: str, _seen: Sighting, wanted: str) -> Iterator[str]:
    logged = sorted(run.flags.get(asked.id, ()))
    if not any(fits(wanted, flags) for flags in logged):
        yield f"flags: expected {wanted!r}, got {logged}"


def _attempts(run: Run, asked: Asked, peer: str, _seen: Sighting, wanted: Count) -> Iterator[str]:
    yield from _count(f"attempts at {peer or 'all peers'}", wanted, run.board.count(asked.id, peer))


def _seen_by(run: Run, asked: Asked, _peer: str, _seen: Sighting, wanted: dict[str, Count]) -> Iterator[str]:
    for name, count in wanted.items():
        yield from _count(f"seen by {name}", count, run.board.count(asked.id, name))


def _took(_run: Run, asked: Asked, _peer: str, _seen: Sighting, wanted: int) -> Iterator[str]:
    if asked.answer.took_ms < wanted:
        yield f"took {asked.answer.took_ms:.0f} ms, expected at least {wanted}"


def _told(run: Run, asked: Asked, _peer: str, _seen: Sighting, wanted: dict[str, Json]) -> Iterator[str]:
    return told_complaints(run, asked, wanted)


def told_complaints(run: Run, asked: Asked, wanted: dict[str, Json]) -> Iterator[str]:
    """What special servers were not told of a request, or should not have been."""
    for server, pattern in wanted.items():
        records = about(asked.id, run.told.get(server, []))
        if pattern is None and records:
            yield f"{server}: expected to be told nothing, was told {_shown(records)}"
        elif pattern is not None and not any(fits_pattern(pattern, record) for record in records):
            yield f"{server}: was told nothing that fits {pattern}, but {_shown(records)}"


def about(query: str, records: list[Json]) -> list[Json]:
    """Those records that mention a request; ids never begin one another."""
    mention = re.compile(rf"{re.escape(query)}(?![0-9.])")
    return [record for record in records if mention.search(json.dumps(record))]


_OF_ALL: Mapping[str, Callable[[Run, Asked, str, Sighting, Any], Iterator[str]]] = MappingProxyType(
    {
        "headers": _headers,
        "absent": _absent,
        "header_names": _header_names,
        "upstream_certificate": _certificate,
        "certificate": _own_certificate,
        "response_headers": _response_headers,
        "absent_response_headers": _absent_response_headers,
        "response_header_names": _response_header_names,
        "flags": _flags,
        "attempts": _attempts,
        "seen_by": _seen_by,
        "took_at_least_ms": _took,
        "told": _told,
    }
)


def _count(what: str, wanted: Count, got: int) -> Iterator[str]:
    bounds = {"at_least": wanted, "at_most": wanted} if isinstance(wanted, int) else wanted
    if not bounds.get("at_least", 0) <= got <= bounds.get("at_most", math.inf):
        yield f"{what}: expected {wanted}, got {got}"


def _statistic(run: Run, wanted: Statistic, asked: list[Asked]) -> Iterator[str]:
    upstreams = Counter(one.answer.header("x-peer") or _tcp_peer(one.answer) for one in asked)
    statuses = Counter(str(one.answer.status) for one in asked)
    copies = {peer: sum(run.board.count(one.id, peer) for one in asked) for peer in wanted.seen_by}
    counted = (("upstream", wanted.upstream, upstreams), ("status", wanted.status, statuses))
    shares = [(f"{what} {key}", share, got[key]) for what, of, got in counted for key, share in of.items()]
    shares += [(f"seen by {peer}", share, copies[peer]) for peer, share in wanted.seen_by.items()]
    for what, share, count in shares:
        low, high = interval(len(asked), share, (1 - wanted.confidence) / len(shares))
        if not low <= count <= high:
            yield f"{what}: a share of {share} of {len(asked)} is {low} to {high}, got {count}"


def interval(times: int, share: float, alarm: float) -> tuple[int, int]:
    """Counts that Binomial(times, share) leaves with a probability of at most ``alarm``, half of it on each side."""
    if share in {0, 1}:
        return round(times * share), round(times * share)
    chances = [_chance(times, share, count) for count in range(times + 1)]
    return _quantile(chances, alarm / 2), times - _quantile(chances[::-1], alarm / 2)


def _quantile(chances: list[float], tail: float) -> int:
    """The least count below which lies at most ``tail``."""
    below = 0.0
    for count, chance in enumerate(chances):
        below += chance
        if below > tail:
            return count
    return len(chances) - 1


def _chance(times: int, share: float, count: int) -> float:
    ways = math.lgamma(times + 1) - math.lgamma(count + 1) - math.lgamma(times - count + 1)
    return math.exp(ways + count * math.log(share) + (times - count) * math.log1p(-share))


def admin_complaints(wanted: Admin, text: str, case: Case) -> list[str]:
    """What an answer of the admin interface lacks or has too much."""
    needed = [one.replace("@{case}", case.name) for one in wanted.contains]
    refused = [one.replace("@{case}", case.name) for one in wanted.absent]
    found = [f"admin {wanted.path}: {one!r} is missing in {_shown(text)}" for one in needed if not _holds(text, one)]
    found += [f"admin {wanted.path}: {one!r} is there" for one in refused if _holds(text, one)]
    pattern = json.loads(json.dumps(wanted.json).replace("@{case}", case.name))
    if pattern is not None and not (text and fits_pattern(pattern, json.loads(text))):
        found.append(f"admin {wanted.path}: {pattern} does not fit {_shown(text)}")
    return found


def access_log_complaints(case: Case, text: str) -> list[str]:
    """What the access log of a case lacks."""
    return [f"access log: {one!r} is missing in {_shown(text)}" for one in case.access_log if not _holds(text, one)]


def _holds(text: str, wanted: str) -> bool:
    return bool(re.search(wanted[1:], text, re.MULTILINE)) if wanted.startswith("~") else wanted in text
