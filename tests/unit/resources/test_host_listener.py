"""Host and Listener, as far as plain HTTP goes."""

from typing import Any

import pytest
import yaml

from reconciler.model.ports import Stack
from reconciler.model.problem import Code
from reconciler.model.resource import (
    ANY_HOST,
    HostMatch,
    HostResource,
    InsecureAction,
    Kind,
    LabelSelector,
    ListenerResource,
    MatchKind,
    ResourceId,
    SecurityModel,
)
from tests.support.documents import load_text, refusal

_LISTENER = {"port": 8080, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}


def _text(kind: str, fields: dict[str, Any]) -> str:
    head = {"apiVersion": "getambassador.io/v3alpha1", "kind": kind}
    return yaml.safe_dump(head | {"metadata": {"name": "x", "namespace": "ns"}, "spec": fields}, sort_keys=False)


def _host(**fields: Any) -> HostResource:
    loaded = load_text(_text("Host", fields))
    assert loaded.problems == ()
    (resource,) = loaded.resources
    assert isinstance(resource, HostResource)
    return resource


def _listener(**fields: Any) -> ListenerResource:
    loaded = load_text(_text("Listener", _LISTENER | fields))
    assert loaded.problems == ()
    (resource,) = loaded.resources
    assert isinstance(resource, ListenerResource)
    return resource


def test_host_defaults() -> None:
    """A Host without fields stands for all hosts and redirects to https."""
    host = _host()
    assert host.origin.id == ResourceId(Kind.HOST, "ns", "x")
    assert (host.hostname, host.mapping_selector, host.insecure_action) == (ANY_HOST, None, InsecureAction.REDIRECT)


def test_host_fields() -> None:
    """Hostname, selector by either name, and the stance on clear text."""
    assert _host(hostname="*.Example.com").hostname == HostMatch(MatchKind.SUFFIX, ".example.com")
    wanted = LabelSelector((("a", "1"), ("b", "2")))
    assert _host(mappingSelector={"matchLabels": {"b": "2", "a": "1"}}).mapping_selector == wanted
    assert _host(selector={"matchLabels": {"b": "2", "a": "1"}}).mapping_selector == wanted
    assert _host(mappingSelector={}).mapping_selector is None
    insecure = {"action": "Route", "additionalPort": -1}
    assert _host(requestPolicy={"insecure": insecure}).insecure_action is InsecureAction.ROUTE
    assert _host(acmeProvider={"authority": "none"}, tlsSecret=None).hostname == ANY_HOST


def test_older_address() -> None:
    """``ambassadorId`` addresses a Host as ``ambassador_id`` does."""
    assert load_text(_text("Host", {"ambassadorId": ["other"]})).resources == ()
    assert len(load_text(_text("Host", {"ambassadorId": ["default"]})).resources) == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"tls": {"min_tls_version": "v1.2"}}, Code.MISSING_FIELD),
        ({"tlsSecret": {"namespace": "n"}}, Code.MISSING_FIELD),
        ({"tlsSecret": {"name": "../x"}}, Code.INVALID_VALUE),
        (
            {"tlsContext": {"name": "s"}, "tlsSecret": {"name": "s"}, "tls": {"min_tls_version": "v1.2"}},
            Code.FIELDS_CONTRADICT,
        ),
        ({"requestPolicy": {"insecure": {"additionalPort": 70000}}}, Code.INVALID_VALUE),
        ({"requestPolicy": {"insecure": {"action": "redirect"}}}, Code.INVALID_VALUE),
        ({"requestPolicy": {"insecur": {}}}, Code.UNKNOWN_FIELD),
        ({"mappingSelector": {"matchExpressions": [{"key": "a"}]}}, Code.FIELD_UNSUPPORTED),
        ({"mappingSelector": {"matchLabels": {"a": 1}}}, Code.WRONG_TYPE),
        ({"mappingSelector": {"matchLabels": {"a": "1"}}, "selector": {}}, Code.FIELDS_CONTRADICT),
        ({"hostname": "a*"}, Code.INVALID_VALUE),
        ({"hostnme": "a"}, Code.UNKNOWN_FIELD),
    ],
)
def test_wrong_hosts(fields: dict[str, Any], code: Code) -> None:
    """Nothing a Host asks for, TLS least of all, is dropped in silence."""
    assert refusal(_text("Host", fields)).code is code


def test_listener_fields() -> None:
    """Port, security model and binding; a binding by labels alone looks at the Listener's own namespace."""
    listener = _listener()
    assert listener.origin.id == ResourceId(Kind.LISTENER, "ns", "x")
    assert (listener.port, listener.security_model) == (8080, SecurityModel.XFP)
    assert (listener.host_namespaces, listener.host_selector) == (None, None)
    assert _listener(hostBinding={"namespace": {"from": "SELF"}}).host_namespaces == ("ns",)
    by_label = _listener(hostBinding={"selector": {"matchLabels": {"a": "b"}}})
    assert (by_label.host_namespaces, by_label.host_selector) == (("ns",), LabelSelector((("a", "b"),)))
    assert (_listener().trusted_hops, _listener(l7Depth=2).trusted_hops) == (0, 2)
    assert _listener(securityModel="INSECURE", l7Depth=0, statsPrefix="").security_model is SecurityModel.INSECURE


@pytest.mark.parametrize(
    ("protocol", "layers", "stack"),
    [
        ("HTTP", ["HTTP", "TCP"], Stack()),
        ("HTTPS", ["TLS", "HTTP", "TCP"], Stack(tls=True)),
        ("HTTPPROXY", ["PROXY", "HTTP", "TCP"], Stack(proxy=True)),
        ("HTTPSPROXY", ["TLS", "PROXY", "HTTP", "TCP"], Stack(tls=True, proxy=True)),
        ("TCP", ["TCP"], Stack(http=False)),
        ("TLS", ["TLS", "TCP"], Stack(http=False, tls=True)),
        (None, ["HTTP", "PROXY", "TLS", "TCP"], Stack(tls=True, proxy=True)),
        (None, ["PROXY", "TCP"], Stack(http=False, proxy=True)),
        (None, ["TLS", "HTTP", "UDP"], Stack(tls=True, udp=True)),
        (None, ["HTTP", "UDP"], Stack(tls=True, udp=True)),
    ],
)
def test_protocols(protocol: str | None, layers: list[str], stack: Stack) -> None:
    """A protocol is a short name of a stack; a stack is a set of layers on a transport, QUIC has TLS built in."""
    fields = {key: value for key, value in _LISTENER.items() if key != "protocol"}
    written = [fields | {"protocolStack": layers}, *([fields | {"protocol": protocol}] if protocol else [])]
    for each in written:
        loaded = load_text(_text("Listener", each))
        assert loaded.problems == ()
        assert [one.stack for one in loaded.resources if isinstance(one, ListenerResource)] == [stack]


@pytest.mark.parametrize(
    "layers",
    [["HTTP"], ["TCP", "HTTP"], ["HTTP", "HTTP", "TCP"], ["UDP", "HTTP", "TCP"], ["UDP"], ["PROXY", "HTTP", "UDP"], []],
)
def test_impossible_stacks(layers: list[str]) -> None:
    """One transport, at the end; each layer once; nothing but HTTP over UDP."""
    fields = {key: value for key, value in _LISTENER.items() if key != "protocol"}
    assert refusal(_text("Listener", fields | {"protocolStack": layers})).code is Code.INVALID_VALUE


def test_neither_protocol_nor_stack() -> None:
    """One of the two must be there; a misspelt layer gets the nearest."""
    fields = {key: value for key, value in _LISTENER.items() if key != "protocol"}
    assert refusal(_text("Listener", fields)).code is Code.MISSING_FIELD
    assert refusal(_text("Listener", fields | {"protocolStack": ["HTP", "TCP"]})).hint == "did you mean HTTP?"


def test_limits_and_statistics() -> None:
    """They are read; those of HTTP have no effect on raw TCP."""
    listener = _listener(statsPrefix="edge", http2MaxConcurrentStreams=100)
    assert (listener.stats_prefix, listener.max_streams) == ("edge", 100)
    raw = load_text(_text("Listener", _LISTENER | {"protocol": "TCP", "l7Depth": 1, "http2MaxConcurrentStreams": 9}))
    assert [problem.code for problem in raw.problems] == [Code.FIELD_IGNORED, Code.FIELD_IGNORED]


def test_additional_port() -> None:
    """The port where a Host expects clear text; -1 is none."""
    ports = {-1: None, 8080: 8080}
    for written, read in ports.items():
        assert _host(requestPolicy={"insecure": {"additionalPort": written}}).insecure_port == read


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"protocol": "UDP"}, Code.INVALID_VALUE),
        ({"http2MaxConcurrentStreams": 0}, Code.INVALID_VALUE),
        ({"protocol": "HTPT"}, Code.INVALID_VALUE),
        ({"protocolStack": ["HTTP", "TCP"]}, Code.FIELDS_CONTRADICT),
        ({"port": 70000}, Code.INVALID_VALUE),
        ({"port": "8080"}, Code.WRONG_TYPE),
        ({"securityModel": "xfp"}, Code.INVALID_VALUE),
        ({"hostBinding": {}}, Code.MISSING_FIELD),
        ({"hostBinding": {"namespace": {}}}, Code.MISSING_FIELD),
        ({"hostBinding": {"namespace": {"from": "SELECTOR"}}}, Code.FIELD_UNSUPPORTED),
        ({"hostBinding": {"namespace": {"from": "all"}}}, Code.INVALID_VALUE),
        ({"hostBinding": {"selector": {"matchExpressions": [1]}}}, Code.FIELD_UNSUPPORTED),
        ({"l7Depth": -1}, Code.INVALID_VALUE),
        ({"l7Depth": "1"}, Code.WRONG_TYPE),
    ],
)
def test_wrong_listeners(fields: dict[str, Any], code: Code) -> None:
    """What a Listener cannot be is refused, not narrowed."""
    assert refusal(_text("Listener", _LISTENER | fields)).code is code


def test_missing_listener_fields() -> None:
    """All that is missing is listed."""
    fields = {problem.field for problem in load_text(_text("Listener", {})).problems}
    assert {"spec.port", "spec.securityModel", "spec.hostBinding", "spec.protocol"} <= fields
