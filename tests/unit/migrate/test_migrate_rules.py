"""Each older spelling, and what is written for it now."""

from typing import Any

import pytest
import yaml

from reconciler.migrate import rewrite
from reconciler.model.limits import DEFAULT_LIMITS

_HEADERS = {"key": "x-user", "header_name": "x-user", "omit_if_not_present": True}
_BUILT_IN = [{n: {"key": n}} for n in ("source_cluster", "destination_cluster", "remote_address")]

MAPPINGS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("v1", {"host": "a.example.com"}, {"hostname": "a.example.com"}),
    ("v2", {}, {"hostname": "*"}),
    ("v2", {"host": "a.*", "host_regex": True}, {"host": "a.*", "host_regex": True}),
    ("v2", {"host": "a", "host_regex": False}, {"hostname": "a"}),
    ("v3alpha1", {"host": "a"}, {"hostname": "a"}),
    ("v2", {"headers": {"a": True}}, {"hostname": "*", "regex_headers": {"a": ".*"}}),
    (
        "v2",
        {"headers": {"a": True, "b": "1"}, "regex_headers": {"c": "x+"}},
        {"hostname": "*", "headers": {"b": "1"}, "regex_headers": {"c": "x+", "a": ".*"}},
    ),
    (
        "v2",
        {"headers": {"a": True, "b": "1"}, "regex_headers": {"a": "x+"}},
        {"hostname": "*", "headers": {"b": "1"}, "regex_headers": {"a": "x+"}},
    ),
    (
        "v2",
        {"query_parameters": {"a": True, "b": "1"}},
        {"hostname": "*", "query_parameters": {"b": "1"}, "regex_query_parameters": {"a": ".*"}},
    ),
    ("v2", {"regex_query_parameters": {"a": True}}, {"hostname": "*", "regex_query_parameters": {"a": ".*"}}),
    ("v0", {"tls": True}, {"hostname": "*", "service": "https://s"}),
    ("v0", {"tls": True, "service": "http://s:1"}, {"hostname": "*", "service": "https://s:1"}),
    ("v0", {"tls": False}, {"hostname": "*"}),
    ("v2", {"tls": "upstream"}, {"hostname": "*", "tls": "upstream"}),
    (
        "v1",
        {"cors": {"origins": "https://a.test, https://b.test", "methods": "GET", "max_age": "60"}},
        {
            "hostname": "*",
            "cors": {"origins": ["https://a.test", "https://b.test"], "methods": ["GET"], "max_age": "60"},
        },
    ),
    ("v2", {"ambassador_id": "edge"}, {"hostname": "*", "ambassador_id": ["edge"]}),
    ("v2", {"remove_request_headers": "x-a"}, {"hostname": "*", "remove_request_headers": ["x-a"]}),
    (
        "v2",
        {"add_request_headers": {"a": "1", "b": {"value": "2", "append": False}}},
        {"hostname": "*", "add_request_headers": {"a": {"value": "1"}, "b": {"value": "2", "append": False}}},
    ),
    ("v1", {"use_websocket": True}, {"hostname": "*", "allow_upgrade": ["websocket"]}),
    (
        "v2",
        {"use_websocket": True, "allow_upgrade": ["spdy"]},
        {"hostname": "*", "allow_upgrade": ["spdy", "websocket"]},
    ),
    ("v2", {"use_websocket": True, "allow_upgrade": ["websocket"]}, {"hostname": "*", "allow_upgrade": ["websocket"]}),
    ("v2", {"use_websocket": True, "allow_upgrade": []}, {"hostname": "*", "allow_upgrade": ["websocket"]}),
    ("v2", {"use_websocket": False}, {"hostname": "*"}),
    (
        "v2",
        {"labels": {"d": [{"g": ["remote_address", "x", {"generic_key": "k"}, {"x-user": {"header": "x-user"}}]}]}},
        {
            "hostname": "*",
            "labels": {
                "d": [
                    {
                        "g": [
                            {"remote_address": {"key": "remote_address"}},
                            {"generic_key": {"value": "x"}},
                            {"generic_key": {"value": "k"}},
                            {"request_headers": {"key": "x-user", "header_name": "x-user"}},
                        ]
                    }
                ]
            },
        },
    ),
    (
        "v0",
        {"rate_limits": [{"descriptor": "slow", "headers": ["x-user"]}, {}]},
        {
            "hostname": "*",
            "labels": {
                "ambassador": [
                    {
                        "v0_ratelimit_01": [
                            *_BUILT_IN,
                            {"generic_key": {"value": "slow"}},
                            {"request_headers": _HEADERS},
                        ]
                    },
                    {"v0_ratelimit_02": _BUILT_IN},
                ]
            },
        },
    ),
    ("v2", {"v3StatsName": "a", "v3health_checks": []}, {"hostname": "*", "stats_name": "a", "health_checks": []}),
]


@pytest.mark.parametrize(("version", "old", "new"), MAPPINGS, ids=lambda value: "+".join(value) if value else "none")
@pytest.mark.parametrize("flow", [None, True, False], ids=["mixed", "braces", "blocks"])
@pytest.mark.parametrize("flat", [True, False], ids=["flat", "kubernetes"])
def test_an_older_spelling_of_a_mapping(
    version: str, old: dict[str, Any], new: dict[str, Any], flow: bool | None, flat: bool
) -> None:
    """Every rule, in each form and layout."""
    base = {"prefix": "/p/", "service": "s"}
    group = "getambassador.io" if version == "v3alpha1" else "ambassador"
    head = {"apiVersion": f"{group}/{version}", "kind": "Mapping"}
    spec = base | old
    document = head | ({"name": "m", **spec} if flat else {"metadata": {"name": "m"}, "spec": spec})
    text = yaml.safe_dump(document, default_flow_style=flow, sort_keys=False)
    result = rewrite(text, DEFAULT_LIMITS)
    assert result.stuck == ()
    assert yaml.safe_load(result.text) == {
        "apiVersion": "getambassador.io/v3alpha1",
        "kind": "Mapping",
        "metadata": {"name": "m"},
        "spec": base | new,
    }


OTHERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "Host",
        {"hostname": "a", "ambassadorId": ["x"], "selector": {"matchLabels": {"a": "b"}}},
        {"hostname": "a", "ambassador_id": ["x"], "mappingSelector": {"matchLabels": {"a": "b"}}},
    ),
    (
        "Host",
        {"hostname": "a", "tls": {"minTlsVersion": "v1.2", "caSecret": "a", "ca_secret": "b"}},
        {"hostname": "a", "tls": {"min_tls_version": "v1.2", "caSecret": "a", "ca_secret": "b"}},
    ),
    ("TLSContext", {"v3CRLSecret": "a", "ambassadorId": "x"}, {"crl_secret": "a", "ambassador_id": ["x"]}),
    ("Host", {"hostname": "a", "tls": None}, {"hostname": "a", "tls": None}),
    (
        "AuthService",
        {"auth_service": "a:1", "tls": True, "allowed_headers": ["x-a"], "allow_request_body": True},
        {
            "auth_service": "https://a:1",
            "allowed_request_headers": ["x-a"],
            "allowed_authorization_headers": ["x-a"],
            "include_body": {"max_bytes": 4096, "allow_partial": True},
        },
    ),
    ("AuthService", {"auth_service": "a", "allow_request_body": False}, {"auth_service": "a"}),
    ("RateLimitService", {"service": "a", "tls": True}, {"service": "https://a"}),
    (
        "TracingService",
        {"service": "a", "driver": "zipkin", "tag_headers": ["X-A"]},
        {"service": "a", "driver": "zipkin", "custom_tags": [{"tag": "x-a", "request_header": {"name": "x-a"}}]},
    ),
    ("TCPMapping", {"port": 1, "service": "a", "v3StatsName": "s"}, {"port": 1, "service": "a", "stats_name": "s"}),
    ("Module", {"config": {"use_websocket": True}}, {"config": {"use_websocket": True}}),
]


@pytest.mark.parametrize(("kind", "old", "new"), OTHERS)
def test_an_older_spelling_of_another_kind(
    kind: str, old: dict[str, Any], new: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every rule of the kinds besides."""
    monkeypatch.setattr("reconciler.migrate.documents._KINDS", {kind})  # whether it can be served does not matter here
    document = {"apiVersion": "getambassador.io/v2", "kind": kind, "metadata": {"name": "m"}, "spec": old}
    result = rewrite(yaml.safe_dump(document, sort_keys=False), DEFAULT_LIMITS)
    assert result.stuck == ()
    assert yaml.safe_load(result.text)["spec"] == new
