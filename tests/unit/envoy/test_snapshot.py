"""Whole tables as snapshots, and the configurations Envoy starts with."""

import json
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from hypothesis import given
from hypothesis import strategies as st

from reconciler.envoy import (
    RenderOptions,
    files_bootstrap,
    render,
    snapshot_json,
    static_bootstrap,
    to_json,
    xds_bootstrap,
)
from reconciler.envoy.readable import as_value
from reconciler.model.files import FilesFormat
from reconciler.model.provenance import Touch
from reconciler.model.snapshot import EMPTY_SNAPSHOT, TypeUrl
from reconciler.model.table import EMPTY_TABLE, RouteTable
from tests.support.routing import COMMIT, TOUCH, anyone, cluster, listener, rule, table

CLUSTERS = (cluster("a"), cluster("b", tls=True), cluster("c", "10.0.0.1", 8080))
LISTENERS = [
    listener(anyone(rule("one", "/one/", "a"), rule("two", "/two/", "b")), name="http-8080", port=8080),
    listener(anyone(rule("three", "/three/", "c")), name="http-8081", port=8081),
]
TABLE = table(LISTENERS, *CLUSTERS)
OPTIONS = RenderOptions()


@given(listeners=st.permutations(LISTENERS), clusters=st.permutations(CLUSTERS))
def test_order_does_not_matter(listeners: list[object], clusters: list[object]) -> None:
    """Rendering does not depend on the order of listeners and clusters, and is the same every time."""
    shuffled = RouteTable(tuple(listeners), TABLE.routes, tuple(clusters))  # type: ignore[arg-type] # of permutations
    assert render(shuffled, OPTIONS) == render(TABLE, OPTIONS)


def test_nothing_renders_to_nothing() -> None:
    """The empty table is the empty snapshot."""
    assert render(EMPTY_TABLE, OPTIONS) == EMPTY_SNAPSHOT


def test_routes_are_not_in_the_listener() -> None:
    """A changed route changes its route configuration only: listeners and clusters keep their versions."""
    before = render(TABLE, OPTIONS)
    changed = [listener(anyone(rule("one", "/uno/", "a")), name="http-8080", port=8080), LISTENERS[1]]
    after = render(table(changed, *CLUSTERS), OPTIONS)
    same = {t: before[t].version == after[t].version for t in TypeUrl}
    assert same == {**dict.fromkeys(TypeUrl, True), TypeUrl.ROUTE: False}
    old, new = before[TypeUrl.ROUTE].resources, after[TypeUrl.ROUTE].resources
    assert {name for name in old if old[name] != new[name]} == {"http-8080"}


def test_commit_of_a_mapping_shows() -> None:
    """The commit that last touched a Mapping is part of what is served."""
    touched = Touch(COMMIT[::-1], TOUCH.author, TOUCH.committed_at)
    one = [listener(anyone(rule("one", "/one/", "a")))]
    two = [listener(anyone(rule("one", "/one/", "a", touch=touched)))]
    assert render(table(one, *CLUSTERS), OPTIONS) != render(table(two, *CLUSTERS), OPTIONS)


def test_access_log_is_optional() -> None:
    """Without a path there is no access log; it is in every listener otherwise."""
    rendered = json.dumps(snapshot_json(render(TABLE, OPTIONS)))
    assert rendered.count("/dev/stdout") == len(LISTENERS)
    assert "access_log" not in json.dumps(snapshot_json(render(TABLE, replace(OPTIONS, access_log_path=""))))


def test_json_for_people() -> None:
    """A resource reads in Envoy's own field names, keys sorted."""
    value = to_json(render(TABLE, OPTIONS)[TypeUrl.CLUSTER].resources["c"], TypeUrl.CLUSTER)
    assert isinstance(value, dict)
    assert list(value) == sorted(value)
    assert (value["name"], value["connect_timeout"], value["dns_lookup_family"]) == ("c", "3s", "V4_ONLY")


def test_snapshot_json_has_all() -> None:
    """Every resource is there under the short name of its type."""
    value = snapshot_json(render(TABLE, OPTIONS))
    assert isinstance(value, dict)
    shown = {kind: [each["name"] for each in found] for kind, found in value.items()}  # type: ignore[union-attr,index,call-overload] # Json
    assert shown == {
        "Cluster": ["a", "b", "c"],
        "ClusterLoadAssignment": [],
        "Listener": ["http-8080", "http-8081"],
        "ScopedRouteConfiguration": [],
        "RouteConfiguration": ["http-8080", "http-8081"],
        "Secret": [],
    }


def test_static_bootstrap_is_self_contained() -> None:
    """Routes stand in their listeners, clusters must exist, and nothing is fetched from anywhere."""
    text = static_bootstrap(render(TABLE, OPTIONS), replace(OPTIONS, admin_address="127.0.0.1:9901"))
    value = json.loads(text)
    assert set(value) == {"admin", "layered_runtime", "static_resources"}
    assert value["admin"]["address"]["socket_address"]["port_value"] == 9901
    assert [c["name"] for c in value["static_resources"]["clusters"]] == ["a", "b", "c"]
    managers = [
        each["filter_chains"][0]["filters"][0]["typed_config"] for each in value["static_resources"]["listeners"]
    ]
    assert [manager["route_config"]["name"] for manager in managers] == ["http-8080", "http-8081"]
    assert all(manager["route_config"]["validate_clusters"] and "rds" not in manager for manager in managers)


def test_binary_bootstrap_is_the_same() -> None:
    """The binary form says what the JSON says."""
    snapshot = render(TABLE, OPTIONS)
    binary = Bootstrap.FromString(static_bootstrap(snapshot, OPTIONS, FilesFormat.PB))
    assert as_value(binary) == json.loads(static_bootstrap(snapshot, OPTIONS))


@pytest.mark.parametrize(("delta", "kind"), [(True, "DELTA_GRPC"), (False, "GRPC")])
def test_xds_bootstrap(delta: bool, kind: str) -> None:
    """Everything comes over one stream to the given server, from a node that says who it is."""
    value = json.loads(xds_bootstrap("[::1]:18000", node_id="n1", node_cluster="edge", delta=delta))
    assert value["node"] == {"id": "n1", "cluster": "edge"}
    assert value["dynamic_resources"]["ads_config"]["api_type"] == kind
    assert "ads" in value["dynamic_resources"]["cds_config"]
    assert "ads" in value["dynamic_resources"]["lds_config"]
    (server,) = value["static_resources"]["clusters"]
    address = server["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
    assert (server["type"], address) == ("STATIC", {"address": "::1", "port_value": 18000})


@pytest.mark.parametrize("form", list(FilesFormat))
def test_files_bootstrap(form: FilesFormat) -> None:
    """Clusters and listeners come from the target's files, whose directory is watched."""
    value = json.loads(files_bootstrap(PurePosixPath("/d"), form))["dynamic_resources"]
    assert value["cds_config"]["path_config_source"] == {
        "path": f"/d/cds.{form}",
        "watched_directory": {"path": "/d"},
    }
    assert value["lds_config"]["path_config_source"]["path"] == f"/d/lds.{form}"
