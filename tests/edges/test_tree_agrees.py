"""A real Envoy answers every request as it would by asking one rule after the other, when it looks them up in a tree.

Tables and requests are made by chance from few characters, so that prefixes overlap; Envoy itself answers. Two Envoys
serve the same tables: one has lists, the other trees. Thresholds of weights are 0 and 100 here: what lies between is
drawn by each Envoy for itself. ``MATCHER_TABLES`` and ``MATCHER_SEED`` make the run longer or different.
"""

import os
from collections import Counter
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from random import Random

import pytest
from envoy.config.route.v3.route_pb2 import RouteConfiguration

from reconciler.apply.envoy_binary import find_envoy
from reconciler.envoy import RenderOptions, Routing, render
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind, NamedMatch, PathMatch, StringMatch
from reconciler.model.policy import DirectResponse
from reconciler.model.rank import Rank
from reconciler.model.resource import InsecureAction
from reconciler.model.snapshot import TypeUrl
from reconciler.model.table import Guard, Request, Route, RouteTable, VirtualHost
from tests.support.many_tables import serving
from tests.support.routing import listener, rule, table

TABLES = int(os.environ.get("MATCHER_TABLES", "60"))
SEED = int(os.environ.get("MATCHER_SEED", "0"))
REQUESTS = 60

_HOST = "a.x.test"
_ACME = "/.well-known/acme-challenge/"
_PATTERNS = (
    "/a.*",
    "/(a|b)/?.*",
    "/a|/b",
    ".*b",
    "\\*",
    "(?i)/A.*",
    "/[^/]*",
    "/a/.*|/ab",
    "/a{0,2}b?",
    "/A\\.b.*",
    "/%.*",
    "/ab/[0-9]+",
)
_VALUES = (
    StringMatch(MatchKind.EXACT, "1"),
    StringMatch(MatchKind.REGEX, "[12]"),
    StringMatch(MatchKind.PRESENT),
)
_METHODS = (StringMatch(MatchKind.EXACT, "POST"), StringMatch(MatchKind.REGEX, "GET|HEAD"))
_RULE_HOSTS = (
    HostMatch(MatchKind.EXACT, _HOST),
    HostMatch(MatchKind.SUFFIX, ".test"),
    HostMatch(MatchKind.REGEX, "b.*"),
    HostMatch(MatchKind.REGEX, "A\\..*"),
    HostMatch(MatchKind.EXACT, "b.x.test"),
)
_HOSTS = (ANY_HOST, HostMatch(MatchKind.SUFFIX, ".x.test"), HostMatch(MatchKind.EXACT, _HOST))
_ACTIONS = (InsecureAction.REDIRECT, InsecureAction.REJECT, InsecureAction.ROUTE)
_TAILS = ("", "", "", "?q=1", "?q=2&a", "?", "?a", "?q", "#", "#a", "//", "/../a", "/./b", "%2F", "%61", ";q=1")
_HEADERS = (("x-h", "1"), ("x-h", "2"), ("x-forwarded-proto", "http"), ("x-forwarded-proto", "https"))
_REQUEST_HOSTS = (_HOST, _HOST, "A.X.test:80", "b.x.test")


def subject(seed: int) -> RouteTable:
    """One listener with one virtual host, of up to 30 rules."""
    chance = Random(seed)
    rules = sorted((_rule(chance, number) for number in range(chance.randint(1, 30))), key=attrgetter("rank"))
    guard = Guard(chance.choice(_ACTIONS), chance.random() < 0.7) if chance.random() < 0.4 else None
    return table([listener(VirtualHost(chance.choice(_HOSTS), tuple(rules), guard), trusted_hops=1)])


def _rule(chance: Random, number: int) -> Route:
    path, precedence = _path_match(chance), chance.choice((-1, 0, 0, 0, 1))
    return replace(
        rule(f"r{number}", path, DirectResponse(200)),
        precedence=precedence,
        rank=Rank((precedence, len(path.value), number)),
        method=chance.choice(_METHODS) if chance.random() < 0.2 else None,
        headers=_named(chance, "x-h"),
        query=_named(chance, "q"),
        threshold=chance.choice((0, 100)) if chance.random() < 0.15 else None,
        host=chance.choice(_RULE_HOSTS) if chance.random() < 0.3 else ANY_HOST,
    )


def _path_match(chance: Random) -> PathMatch:
    kind = chance.random()
    if kind < 0.15:
        return PathMatch(MatchKind.REGEX, chance.choice(_PATTERNS), chance.random() < 0.7)
    if kind < 0.35:
        return PathMatch(MatchKind.EXACT, _path(chance), chance.random() < 0.7)
    if kind < 0.4:
        return PathMatch(MatchKind.PREFIX, chance.choice(("", "/", f"{_path(chance)}?q", f"{_path(chance)}#a")))
    return PathMatch(MatchKind.PREFIX, _path(chance), chance.random() < 0.8)


def _path(chance: Random) -> str:
    if chance.random() < 0.03:
        return _ACME
    return "/" + "".join(chance.choices("/abA.%1", weights=(4, 6, 4, 2, 1, 1, 1), k=chance.randint(0, 4)))


def _named(chance: Random, name: str) -> tuple[NamedMatch, ...]:
    return (NamedMatch(name, chance.choice(_VALUES)),) if chance.random() < 0.15 else ()


def _request(chance: Random, near: RouteTable) -> Request:
    path = chance.choice(near.routes).path.value if chance.random() < 0.5 else _path(chance)
    if not path.startswith("/") or chance.random() < 0.1:
        path = chance.choice(
            ("/ambassador/v0/check_ready", "/ambassador/v0/x", f"{_ACME}token", _path(chance).swapcase())
        )
    headers = dict(chance.choices(_HEADERS, k=chance.randint(0, 2)))
    return Request(
        chance.choice(_REQUEST_HOSTS),
        path.replace("\\", "") + chance.choice(_TAILS),
        chance.choice(("GET", "GET", "POST", "OPTIONS")),
        tuple(headers.items()),
    )


def is_tree(one: RouteTable) -> bool:
    """Whether its virtual host can be one."""
    (routes,) = render(one, RenderOptions(routing=Routing.TREE))[TypeUrl.ROUTE].resources.values()
    (host,) = RouteConfiguration.FromString(routes.body).virtual_hosts
    return bool(host.HasField("matcher"))


@pytest.mark.timeout(300)
def test_a_tree_answers_as_the_list(tmp_path: Path) -> None:
    """Status, the rule that answered, and where a guard sends to: the same from both, for every request."""
    binary = find_envoy("auto")
    assert binary is not None
    subjects = {seed: one for seed in range(SEED, SEED + TABLES) if is_tree(one := subject(seed))}
    assert len(subjects) > TABLES / 2
    tally: Counter[int] = Counter()
    tables = list(subjects.values())
    with (
        serving(binary, tables, tmp_path / "list", Routing.LIST) as lists,
        serving(binary, tables, tmp_path / "tree", Routing.TREE) as trees,
    ):
        for seed, by_list, by_tree in zip(subjects, lists, trees, strict=True):
            chance = Random(seed)
            (of_list,), (of_tree,) = by_list.values(), by_tree.values()
            requests = [_request(chance, subjects[seed]) for _ in range(REQUESTS)]
            for request in (*requests, Request(_HOST, "*", "OPTIONS")):
                seen = of_list.ask(request)
                tally[seen.status] += 1
                assert of_tree.ask(request) == seen, (seed, request)
    assert tally[200] > tally[404] > 0
