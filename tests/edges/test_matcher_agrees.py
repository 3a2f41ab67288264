"""The reference matcher and a real Envoy agree on what becomes of a request.

Tables come from generated documents through the real pipeline. ``MATCHER_TABLES`` and ``MATCHER_SEED`` make the run
longer or different; a disagreement prints the documents and the request.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.apply.envoy_binary import find_envoy
from reconciler.compile import Options, compile_routes
from reconciler.envoy import Routing, Sharding
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.model.table import Request, RouteTable
from reconciler.resources import load
from reconciler.table import Answer, Answered, BadRequest, Explanation, Forwarded, HungUp, NotFound, Redirected, explain
from tests.support.generated_tables import documents, requests
from tests.support.many_tables import Client, Seen, serving

TABLES = int(os.environ.get("MATCHER_TABLES", "100"))
SEED = int(os.environ.get("MATCHER_SEED", "0"))
REQUESTS = 40
_TRIES = 4  # of a request several Mappings share


@dataclass(frozen=True)
class Subject:
    """A table and the documents it comes from."""

    text: str
    seed: int
    table: RouteTable


def compiled(seed: int) -> Subject:
    """The table of a seed's documents."""
    text = documents(seed).text
    file = SourceFile("all.yaml", "", text.encode())
    source = SourceSnapshot(None, None, (file,))
    result = compile_routes(source, load(source.files), Options())
    return Subject(text, seed, result.table)


def expected(explanation: Explanation) -> list[Seen]:
    """What Envoy may do with the request, one entry per candidate."""
    if not explanation.candidates:
        return [seen_as("", explanation.answer)]
    return [seen_as(candidate.route.name, candidate.answer) for candidate in explanation.candidates]


def seen_as(mapping: str, answer: Answer) -> Seen:
    """An answer as the client sees it."""
    match answer:
        case Forwarded():
            return Seen(200, mapping, answer.cluster.name, answer.path, answer.host)
        case Redirected():
            return Seen(answer.status, mapping, location=answer.location)
        case Answered():
            return Seen(answer.status, mapping)
        case NotFound():
            return Seen(404, mapping)
        case BadRequest():
            return Seen(400, mapping)
        case HungUp():
            return Seen(0)


def disagreements(subject: Subject, port: int, client: Client, request: Request, tally: Counter[str]) -> list[str]:
    """One request, asked of both."""
    explanation = explain(subject.table, request)
    allowed = expected(explanation)
    tally[type(explanation.answer).__name__] += 1
    found = []
    for _ in range(1 if len(allowed) == 1 else _TRIES):
        tally["requests"] += 1
        seen = client.ask(request)
        if seen not in allowed:
            found.append(f"seed {subject.seed}: {request}\n  explain: {allowed}\n  envoy:   {seen}\n{subject.text}")
            break
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("routing", [Routing.LIST, Routing.TREE])
def test_explain_says_what_envoy_does(tmp_path: Path, routing: Routing) -> None:
    """For thousands of requests near hundreds of tables: the same Mapping, upstream, path, host, redirect or 404.

    So it is where Envoy asks one rule after the other, and where it looks them up in a tree.
    """
    binary = find_envoy("auto")
    assert binary is not None
    subjects = [compiled(seed) for seed in range(SEED, SEED + TABLES)]
    tally: Counter[str] = Counter()
    found: list[str] = []
    with serving(binary, [subject.table for subject in subjects], tmp_path, routing) as clients:
        for subject, of_table in zip(subjects, clients, strict=True):
            for port, client in of_table.items():
                for request in requests(subject.seed + port, REQUESTS, subject.text):
                    at = Request(request.host, request.path, request.method, request.headers, request.query, port)
                    found += disagreements(subject, port, client, at, tally)
    print(dict(tally))
    assert not found, told(found, tally)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sharding", [Sharding.HOSTS, Sharding.BUCKETS])
def test_explain_says_what_envoy_does_with_hosts_in_pieces(tmp_path: Path, sharding: Sharding) -> None:
    """The same where hosts are divided; by host for clients that send names in lower case, as most do."""
    binary = find_envoy("auto")
    assert binary is not None
    subjects = [compiled(seed) for seed in range(SEED, SEED + TABLES // 5)]
    tally: Counter[str] = Counter()
    found: list[str] = []
    with serving(binary, [subject.table for subject in subjects], tmp_path, sharding=sharding) as clients:
        for subject, of_table in zip(subjects, clients, strict=True):
            for port, client in of_table.items():
                for request in requests(subject.seed + port, REQUESTS, subject.text):
                    host = request.host.lower() if sharding is Sharding.HOSTS else request.host
                    at = Request(host, request.path, request.method, request.headers, request.query, port)
                    found += disagreements(subject, port, client, at, tally)
    print(dict(tally))
    assert min(tally["Forwarded"], tally["NotFound"]) > TABLES
    assert not found, told(found, tally)


def told(found: Sequence[str], tally: Mapping[str, int]) -> str:
    """What a failure says."""
    return f"{len(found)} of {tally['requests']} requests; the first:\n" + "\n\n".join(found[:3])
