"""The Module: settings by name, and what is wrong with them."""

from typing import Any

import pytest
import yaml

from reconciler.model.edge import DEFAULT_HTTP, Gzip, IpRange, IpRules, LogSettings, LogType, Probe
from reconciler.model.module import ModuleResource
from reconciler.model.problem import Code, Severity
from reconciler.resources import Loaded
from tests.support.documents import codes, load_text


def _load(config: dict[str, Any], name: str = "ambassador") -> Loaded:
    head = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Module", "metadata": {"name": name}}
    return load_text(yaml.safe_dump(head | {"spec": {"config": config}}))


def _module(**config: Any) -> ModuleResource:
    loaded = _load(config)
    assert loaded.problems == ()
    (module,) = loaded.resources
    assert isinstance(module, ModuleResource)
    return module


def test_an_empty_module_says_nothing() -> None:
    """All is as without one."""
    assert _module().http == DEFAULT_HTTP


def test_false_is_no_filter() -> None:
    """The bridge is off when it says so."""
    assert _module(enable_grpc_http11_bridge=False, enable_grpc_web=False).http == DEFAULT_HTTP


def test_ranges_are_normalised() -> None:
    """An address is a range of one; bits of the host do not count."""
    rules = _module(ip_allow=[{"peer": "10.1.2.3/8"}, {"remote": "::1"}]).http.filters.ip_rules
    assert rules == IpRules(True, (IpRange("10.0.0.0", 8, peer=True), IpRange("::1", 128, peer=False)))


@pytest.mark.parametrize("written", ["BEST_SPEED", "SPEED", "COMPRESSION_LEVEL_1", 1])
def test_levels_of_compression_have_many_names(written: str | int) -> None:
    """Old ones are read, too."""
    assert _module(gzip={"compression_level": written}).http.filters.gzip == Gzip(level=1)


def test_log_formats() -> None:
    """A text for text, a mapping for JSON of either name."""
    assert _module(envoy_log_format="%PROTOCOL%").http.log == LogSettings("", LogType.TEXT, "%PROTOCOL%")
    log = _module(envoy_log_type="typed_json", envoy_log_format={"b": 1, "a": "x"}).http.log
    assert log == LogSettings("", LogType.JSON, '{"a":"x","b":1}')


def test_checks() -> None:
    """Moved or off."""
    http = _module(liveness_probe={"prefix": "/live"}, readiness_probe={"enabled": False}).http
    assert http.probes == (Probe("/live"),)


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"ip_allow": [{"peer": "10.0.0.0/33"}]}, Code.INVALID_VALUE),
        ({"ip_allow": [{"peer": "a", "remote": "b"}]}, Code.FIELDS_CONTRADICT),
        ({"ip_allow": []}, Code.INVALID_VALUE),
        ({"ip_allow": [{"peer": "::1"}], "ip_deny": [{"peer": "::2"}]}, Code.FIELDS_CONTRADICT),
        ({"envoy_log_type": "text", "envoy_log_format": {}}, Code.WRONG_TYPE),
        ({"envoy_log_type": "json", "envoy_log_format": "x"}, Code.WRONG_TYPE),
        ({"readiness_probe": {"service": "s"}}, Code.FIELD_UNSUPPORTED),
        ({"error_response_overrides": [{"on_status_code": 404, "body": {}}]}, Code.FIELDS_CONTRADICT),
        ({"enable_http11": True}, Code.UNKNOWN_FIELD),
        ({"retry_policy": {"retry_on": "never"}}, Code.INVALID_VALUE),
    ],
)
def test_wrong_settings(config: dict[str, Any], code: Code) -> None:
    """Each is one located error, and nothing is served of the document."""
    loaded = _load(config)
    assert codes(loaded) == [code]
    assert loaded.problems[0].field.startswith("spec.config.")
    assert loaded.resources == ()


@pytest.mark.parametrize(
    "config",
    [
        {"admin_port": 1},
        {"debug_mode": True},
        {"diagnostics": {"enabled": True}},
        {"proper_case": True, "header_case_overrides": ["X-A"]},
        {"regex_type": "unsafe"},
        {"runtime_flags": {"a": 1}},
        {"statsd": {"enabled": True}},
        {"buffer": {"max_request_bytes": 1, "max_request_time": 1}},
        {"liveness_probe": {"rewrite": "/x"}},
        {"grpc_stats": {"all_methods": True, "services": [{"name": "a", "method_names": ["b"]}]}},
    ],
)
def test_ignored_settings(config: dict[str, Any]) -> None:
    """Each is warned of, and the rest is served."""
    loaded = _load(config)
    assert [(problem.code, problem.severity) for problem in loaded.problems] == [(Code.FIELD_IGNORED, Severity.WARNING)]
    assert len(loaded.resources) == 1


@pytest.mark.parametrize(
    "config",
    [
        {"diagnostics": {"enabled": False}},
        {"statsd": {"enabled": False}},
        {"regex_type": "safe"},
        {"debug_mode": False},
    ],
)
def test_settings_that_ask_for_what_is_there_anyhow(config: dict[str, Any]) -> None:
    """Nothing to say."""
    assert _module(**config).http == DEFAULT_HTTP


def test_other_names() -> None:
    """One without meaning is warned of; the old spelling of an AuthService is an error."""
    unknown, old = _load({}, "ambassadors"), _load({"auth_service": "a"}, "authentication")
    assert [(problem.code, problem.severity) for problem in unknown.problems] == [
        (Code.FIELD_IGNORED, Severity.WARNING)
    ]
    assert "AuthService" in old.problems[0].message
    assert old.problems[0].severity is Severity.ERROR
    assert (unknown.resources, old.resources) == ((), ())
