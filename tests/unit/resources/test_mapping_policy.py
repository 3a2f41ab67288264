"""MappingPolicies as they are read: which are right, and what is said of the others."""

from typing import Any

import pytest
import yaml

from reconciler.model.mapping_policy import MappingPolicyResource, Part, TlsOverride
from reconciler.model.match import MatchKind
from reconciler.model.policy import DirectResponse, LocalLimit
from reconciler.model.problem import Code, Severity
from reconciler.resources.mapping.direct_responses import MOST_BODY_BYTES
from tests.support.documents import codes, load_text

_HEAD = {"apiVersion": "reconciler.dev/v1alpha1", "kind": "MappingPolicy", "metadata": {"name": "p"}}


def _text(**fields: Any) -> str:
    spec = fields if "selector" in fields else {"mappings": ["a"], **fields}
    return yaml.safe_dump(_HEAD | {"spec": spec})


def _policy(**fields: Any) -> MappingPolicyResource:
    loaded = load_text(_text(**fields))
    assert loaded.problems == ()
    (policy,) = loaded.resources
    assert isinstance(policy, MappingPolicyResource)
    return policy


def test_whom_it_is_about() -> None:
    """Names, each once and sorted, or labels."""
    assert _policy(mappings=["b", "a", "b"], cors={"origins": ["*"]}).mappings == ("a", "b")
    assert _policy(selector={"matchLabels": {"z": "1", "a": "2"}}, cors={"origins": ["*"]}).selector == (
        ("a", "2"),
        ("z", "1"),
    )


def test_answers() -> None:
    """Status and text have defaults; maintenance that is not enabled is not there."""
    assert _policy(direct_response={}).direct_response == DirectResponse(200)
    closed = _policy(maintenance={"enabled": True, "body": "b", "retry_after_s": 0})
    assert closed.maintenance == DirectResponse(503, "b", retry_after_s=0, maintenance=True)
    kept = _policy(maintenance={"enabled": False, "body": "b"})
    assert (kept.maintenance, kept.parts) == (None, ())
    assert closed.parts == (Part.MAINTENANCE,)


def test_a_body_may_fill_what_envoy_has_room_for() -> None:
    """Bytes are counted, not characters; also of a text that is only kept at hand."""
    assert _policy(direct_response={"body": "x" * MOST_BODY_BYTES}).direct_response
    for long in ({"direct_response": {"body": "ä" * 2049}}, {"maintenance": {"enabled": False, "body": "x" * 4097}}):
        (problem,) = load_text(_text(**long)).problems
        assert (problem.code, problem.field.rpartition(".")[2]) == (Code.INVALID_VALUE, "body")


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ({"requests": 5, "per": "second"}, LocalLimit(5, 5, 1000)),
        ({"requests": 5, "per": "minute", "burst": 9, "status": 503}, LocalLimit(9, 5, 60_000, 503)),
        ({"requests": 5, "per": "hour", "burst": 1}, LocalLimit(1, 5, 3_600_000)),
    ],
)
def test_limits(given: dict[str, Any], limit: LocalLimit) -> None:
    """The bucket is as large as the burst, or as many as come in."""
    assert _policy(local_rate_limit=given).local_rate_limit == limit


def test_statuses_are_tried_again_without_another_word() -> None:
    """Envoy wants a condition beside them, which nobody has to write."""
    retry = _policy(retry_policy={"retry_on": ["reset"], "statuses": [503, 409, 503]}).retry_policy
    assert retry is not None
    assert (retry.retry_on, retry.statuses) == (("reset", "retriable-status-codes"), (409, 503))
    written = _policy(retry_policy={"retry_on": "retriable-status-codes", "statuses": [503]}).retry_policy
    assert written is not None
    assert written.statuses == (503,)


def test_origins_by_pattern() -> None:
    """Beside plain ones; a pattern is checked, and one that lets everybody in with credentials is told."""
    cors = _policy(cors={"origins": ["https://a.test"], "origin_regexes": ["https://.*"]}).cors
    assert cors is not None
    assert [origin.kind for origin in cors.origins] == [MatchKind.EXACT, MatchKind.REGEX]
    for pattern in ("https://.*", ".*", r"https://.*\.com"):
        loaded = load_text(_text(cors={"origin_regexes": [pattern], "credentials": True}))
        assert codes(loaded) == [Code.OPEN_CORS]
        assert len(loaded.resources) == 1
    assert _policy(cors={"origin_regexes": [r"https://[a-z]+\.example\.com"], "credentials": True})
    assert codes(load_text(_text(cors={"origin_regexes": ["("]}))) == [Code.BAD_REGEX]


def test_terms_of_tls() -> None:
    """Verified unless exactly that is written."""
    assert _policy(upstream_tls={"sni": "a.test"}).upstream_tls == TlsOverride(sni="a.test")
    assert _policy(upstream_tls={"verify": False}).upstream_tls == TlsOverride(verify=False)
    for wrong in ({"verify": False, "ca_secret": "a"}, {"ca_secret": "a", "ca_file": "/etc/a.crt"}):
        assert codes(load_text(_text(upstream_tls=wrong))) == [Code.FIELDS_CONTRADICT]


def test_one_that_says_nothing_is_told() -> None:
    """It is read all the same."""
    loaded = load_text(_text())
    assert [(p.code, p.severity) for p in loaded.problems] == [(Code.MISSING_FIELD, Severity.WARNING)]
    assert len(loaded.resources) == 1


@pytest.mark.parametrize(
    ("api_version", "kind", "code", "expected"),
    [
        ("getambassador.io/v3alpha1", "MappingPolicy", Code.UNKNOWN_API_VERSION, "reconciler.dev/v1alpha1"),
        ("reconciler.dev/v2", "MappingPolicy", Code.UNKNOWN_API_VERSION, "reconciler.dev/v1alpha1"),
        (None, "MappingPolicy", Code.MISSING_FIELD, "reconciler.dev/v1alpha1"),
        ("reconciler.dev/v1alpha1", "Mapping", Code.UNKNOWN_API_VERSION, "getambassador.io/v3alpha1"),
        ("reconciler.dev/v1alpha1", "Nothing", Code.UNKNOWN_KIND, "MappingPolicy or Ownership"),
        ("reconciler.dev/v1alpha1", None, Code.MISSING_FIELD, "MappingPolicy or Ownership"),
        ("reconciler.dev/v1alpha1", 7, Code.WRONG_TYPE, "a string"),
        ("example.com/v1", "MappingPolicy", Code.FOREIGN_KIND, ""),
        ("example.com/v1", {}, Code.FOREIGN_KIND, ""),
    ],
)
def test_each_kind_is_of_one_group(api_version: str | None, kind: object, code: Code, expected: str) -> None:
    """A kind of ours under the apiVersion of the language, or the other way round, says which one is meant."""
    (problem,) = load_text(yaml.safe_dump(_HEAD | {"apiVersion": api_version, "kind": kind})).problems
    assert (problem.code, problem.expected) == (code, expected)
