"""The acceptance runner notices what is wrong: with a file, with a case, with an answer."""

import math
from pathlib import Path

import pytest

from tests.acceptance.case import Case, read
from tests.acceptance.judge import complaints, fits, fits_pattern, interval
from tests.acceptance.session import run

MAPPING = """
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: m}
spec: {hostname: "*", prefix: /m/, service: echo}
"""


def case(name: str, expect: dict[str, object], **more: object) -> Case:
    """A case with one query."""
    query = {"request": {"path": "/m/a"}, "expect": expect}
    return Case.of({"name": name, "title": name, "covers": [], "documents": MAPPING, "queries": [query], **more})


def test_a_bad_case_is_named_and_takes_none_down(tmp_path: Path) -> None:
    """Wrong expectations, problems nobody expected and what Envoy refuses fail their own case alone."""
    no_certificate = """---
apiVersion: getambassador.io/v3alpha1
kind: TLSContext
metadata: {name: c}
spec: {hosts: [a.test], cert_chain_file: /etc/no/such.crt, private_key_file: /etc/no/such.key}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: a}
spec: {hostname: a.test}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: l}
spec: {port: 8443, protocol: HTTPS, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
"""
    cases = [
        case("good", {"status": 200, "upstream": "echo", "path": "/a", "attempts": 1}),
        case("wrong-status", {"status": 404}),
        case("wrong-upstream", {"upstream": "other"}),
        case("wrong-header", {"headers": {"x-none": "1"}}),
        case("wrong-count", {"seen_by": {"echo": 2}}),
        case("unexpected-problem", {"status": 200}, documents=MAPPING + "  nonsense: 1\n"),
        case("refused", {"status": 200}, documents=MAPPING + no_certificate),
    ]
    done = run(cases, tmp_path)
    found = {name: complaints(done, result) for name, result in done.results.items()}
    assert found.pop("good") == []
    assert all(found.values()), found
    assert "Envoy refuses it" in found["refused"][0]


def test_a_file_is_checked_strictly(tmp_path: Path) -> None:
    """An unknown key is an error that names the case and the place."""
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "- {name: a, title: A, covers: [], documents: '', queries: [{request: {pat: /}, expect: {status: 1}}]}"
    )
    (error,) = read(path).errors
    assert "a.queries.0.request" in error
    assert "'pat' was unexpected" in error


@pytest.mark.parametrize(("times", "share", "alarm"), [(60, 0.4, 1e-6), (600, 0.2, 1e-3), (100, 0.01, 0.05)])
def test_a_correct_envoy_leaves_the_interval_as_seldom_as_is_said(times: int, share: float, alarm: float) -> None:
    """Exact sums: outside lies at most the false-alarm rate, and one count less on either side would be too much."""

    def below(count: int) -> float:
        return math.fsum(math.comb(times, k) * share**k * (1 - share) ** (times - k) for k in range(count))

    low, high = interval(times, share, alarm)
    assert below(low) <= alarm / 2 * (1 + 1e-9)
    assert below(low + 1) > alarm / 2
    assert 1 - below(high + 1) <= alarm / 2 + 1e-12
    assert 1 - below(high) > alarm / 2 - 1e-12


def test_patterns() -> None:
    """A pattern is a part of what it fits; a regex must match as a whole."""
    assert fits_pattern({"a": [{"b": "~x+"}], "n": 1}, {"a": [{"b": "y"}, {"b": "xx", "c": 1}], "n": 1, "z": None})
    assert not fits_pattern({"a": [{"b": "~x"}]}, {"a": [{"b": "xx"}]})
    assert fits("~a.*", "abc")
    assert not fits("a", None)
