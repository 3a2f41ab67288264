"""The pages of the language and their examples are right."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.route.v3.route_components_pb2 import Route

from reconciler.compile import Options, compile_routes, load_source
from reconciler.model.resource import Kind
from reconciler.model.source import SourceSnapshot
from reconciler.resources.kinds import OWN, OWN_KINDS
from reconciler.resources.schemas import config_schema, schema_of, schema_versions
from tests.support.documents import load_text, source
from tests.support.reference_kinds import EXAMPLES, PAGES

# What a field is of no use without.
_BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("Mapping", "host_regex"): {"host": "a.*"},
    ("Mapping", "method_regex"): {"method": "GET|HEAD"},
    ("Mapping", "prefix_regex"): {"prefix": "/a/.*"},
    ("Mapping", "path_redirect"): {"host_redirect": True},
    ("Mapping", "prefix_redirect"): {"host_redirect": True},
    ("Mapping", "regex_redirect"): {"host_redirect": True},
    ("Mapping", "redirect_response_code"): {"host_redirect": True},
    ("Mapping", "load_balancer"): {"resolver": "kubernetes-endpoint"},
    ("Host", "tls"): {"tlsSecret": {"name": "s"}},
}
_NEEDED: dict[str, dict[str, Any]] = {
    "Mapping": {"prefix": "/a/", "service": "a"},
    "TCPMapping": {"port": 1, "service": "a"},
    "Listener": {
        "port": 1,
        "protocol": "HTTP",
        "securityModel": "XFP",
        "hostBinding": {"namespace": {"from": "ALL"}},
    },
    "AuthService": {"auth_service": "a"},
    "RateLimitService": {"service": "a", "protocol_version": "v3"},
    "TracingService": {"service": "a", "driver": "zipkin"},
    "LogService": {"service": "a", "driver": "http", "driver_config": {}, "protocol_version": "v3"},
    "ConsulResolver": {"address": "a:1", "datacenter": "d"},
    "Host": {"hostname": "a.example.com"},
    "TLSContext": {"secret": "s"},
    "Ownership": {"default": "allow"},
    "MappingPolicy": {"mappings": ["m"], "cors": {"origins": ["https://a.test"]}},
}


@pytest.mark.parametrize("name", PAGES)
def test_the_example_of_a_page_is_served(name: str) -> None:
    """It loads and renders without any finding, and has every kind that the page is about."""
    text = (EXAMPLES / name).with_suffix(".yaml").read_text()
    snapshot = SourceSnapshot(None, None, (source(text),))
    compiled = compile_routes(snapshot, load_source(snapshot, Options()), Options())
    assert compiled.problems == ()
    assert compiled.table.clusters
    assert {resource.origin.id.kind for resource in compiled.resources} & {*PAGES[name].kinds}


def test_there_is_an_example_for_each_page_and_a_page_for_each_kind() -> None:
    """No kind is forgotten, and no example left behind."""
    assert {kind for page in PAGES.values() for kind in page.kinds} == {*Kind}
    assert {path.stem for path in EXAMPLES.iterdir()} == {name.removesuffix(".md") for name in PAGES}


def _examples() -> list[Any]:
    return [
        pytest.param(kind, version, name, field.get("x-example"), id=f"{kind}-{version}-{name}")
        for kind, version in schema_versions()
        for name, field in schema_of(kind, version).properties.items()
        if isinstance(field, dict) and "x-example" in field and not field.get("x-status")
    ]


@pytest.mark.parametrize(("kind", "version", "name", "example"), _examples())
def test_the_example_of_a_field_is_valid(kind: Kind, version: str, name: str, example: Any) -> None:
    """Beside what it needs it loads without any finding."""
    fields = {**_NEEDED.get(kind, {}), **_BESIDE.get((kind, name), {})}
    if name == "protocolStack":
        fields.pop("protocol")
    if name == "selector":
        fields.pop("mappings")
    fields[name] = example
    metadata = {"name": "ambassador" if kind is Kind.MODULE else "m"}
    api_version = OWN if kind in OWN_KINDS else f"getambassador.io/{version}"
    head = {"apiVersion": api_version, "kind": str(kind), "metadata": metadata}
    loaded = load_text(yaml.safe_dump(head | {"spec": fields}))
    assert loaded.problems == ()
    assert len(loaded.resources) == 1


@pytest.mark.parametrize("name", list(config_schema("ambassador").properties))
def test_the_example_of_a_setting_of_the_module_is_valid(name: str) -> None:
    """The same for what stands below ``config``."""
    field = config_schema("ambassador").properties[name]
    if not isinstance(field, dict) or "x-example" not in field or field.get("x-status"):
        return
    head = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Module", "metadata": {"name": "ambassador"}}
    loaded = load_text(yaml.safe_dump(head | {"spec": {"config": {name: field["x-example"]}}}))
    assert loaded.problems == ()


def _envoy_words(schema: dict[str, Any]) -> Iterator[str]:
    """Every path of a route or cluster that the descriptions of a schema name."""
    yield from re.findall(r"\b(?:route|cluster)(?:\.[a-z0-9_]+)+", schema.get("x-envoy", ""))
    for one in [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]:
        yield from _envoy_words(one)


def test_what_a_field_becomes_in_envoy_exists() -> None:
    """Every named field of a route or a cluster is one of Envoy's, and none is deprecated."""
    roots = {"route": Route.DESCRIPTOR, "cluster": Cluster.DESCRIPTOR}
    schemas = [schema_of(kind, version) for kind, version in schema_versions()]
    words = {word for one in [*schemas, config_schema("ambassador")] for word in _envoy_words(one.schema)}
    assert len(words) > 40
    for word in sorted(words):
        first, *names = word.split(".")
        message = roots[first]
        for name in names:
            assert name in message.fields_by_name, word
            field = message.fields_by_name[name]
            assert not field.GetOptions().deprecated, word
            message = field.message_type


@pytest.mark.parametrize(("kind", "version"), schema_versions())
def test_every_field_is_told(kind: Kind, version: str) -> None:
    """Meaning always; since when, in the Mapping, which has changed most."""
    for name, field in schema_of(kind, version).properties.items():
        assert isinstance(field, dict)
        assert field.get("description"), name
        assert kind is not Kind.MAPPING or field.get("x-since"), name
