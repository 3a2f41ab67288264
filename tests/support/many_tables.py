"""One real Envoy that serves many route tables at once, each on a port of its own, and tells what it did.

Its upstream is another listener of the same Envoy, which answers every request with the path and host it was sent.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from operator import attrgetter
from pathlib import Path
from typing import Any

from reconciler.apply.envoy_binary import EnvoyProcess
from reconciler.envoy import RenderOptions, Routing, Sharding, render, static_bootstrap
from reconciler.model.table import Request, RouteTable

# Every service stands at this address until `_at_echo` moves it; so the endpoints keep the names of their services.
_NOWHERE = "127.0.0.1:1"
_OPTIONS = RenderOptions(service_addresses={"*": _NOWHERE}, access_log_path="")


@dataclass(frozen=True)
class Seen:
    """What Envoy did with a request.

    Attributes:
        mapping: of the route it took, empty when none did.
        cluster, path, host: what the upstream got; empty when none was asked.
        location: of a redirect.
    """

    status: int
    mapping: str = ""
    cluster: str = ""
    path: str = ""
    host: str = ""
    location: str = ""


class Client:
    """A connection to one listener that stays open."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=20)

    def ask(self, request: Request) -> Seen:
        """Sends a request as it stands."""
        self._connection.putrequest(request.method, target(request), skip_host=True, skip_accept_encoding=True)
        for name, value in (("host", request.host), *request.headers):
            self._connection.putheader(name, value)
        self._connection.endheaders()
        response = self._connection.getresponse()
        response.read()
        told = {name.lower(): "" if value == "-" else value for name, value in response.getheaders()}
        return Seen(
            response.status,
            told.get("x-mapping", ""),
            told.get("x-cluster", ""),
            told.get("x-path", ""),
            told.get("x-host", ""),
            told.get("location", ""),
        )

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()


def target(request: Request) -> str:
    """Path and query as they are sent; a parameter without value has no ``=``."""
    query = "&".join(name if value is None else f"{name}={value}" for name, value in request.query)
    return f"{request.path}?{query}" if query else request.path


@contextmanager
def serving(
    binary: Path,
    tables: Sequence[RouteTable],
    folder: Path,
    routing: Routing = Routing.AUTO,
    sharding: Sharding = Sharding.NONE,
) -> Iterator[list[dict[int, Client]]]:
    """A client for every port of every table, while an Envoy serves them all."""
    listeners = [
        replace(listener, name=f"{number}/{listener.port}", address="127.0.0.1", port=0)
        for number, table in enumerate(tables)
        for listener in table.listeners
    ]
    clusters = {cluster for table in tables for cluster in table.clusters}
    whole = RouteTable(tuple(listeners), (), tuple(sorted(clusters, key=attrgetter("name"))))
    snapshot = render(whole, replace(_OPTIONS, routing=routing, sharding=sharding))
    bootstrap = json.loads(static_bootstrap(snapshot, _OPTIONS))
    resources = bootstrap["static_resources"]
    socket = str(folder / "echo")
    for listener in resources["listeners"]:
        _tell_route(listener)
    for cluster in resources.get("clusters", ()):
        _at_echo(cluster, socket)
    resources["listeners"].append(_echo(socket))
    with EnvoyProcess(binary, json.dumps(bootstrap).encode(), folder, options=("--log-level", "error")) as envoy:
        ports = _ports(envoy)
        clients = [
            {listener.port: Client(ports[f"{number}/{listener.port}"]) for listener in table.listeners}
            for number, table in enumerate(tables)
        ]
        yield clients
        for of_table in clients:
            for client in of_table.values():
                client.close()


def _ports(envoy: EnvoyProcess) -> dict[str, int]:
    listed = json.loads(envoy.admin("/listeners?format=json"))["listener_statuses"]
    bound = {one["name"]: one["local_address"].get("socket_address", {}) for one in listed}
    return {name: int(address["port_value"]) for name, address in bound.items() if address}


def _manager(listener: dict[str, Any]) -> dict[str, Any]:
    manager: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return manager


def _tell_route(listener: dict[str, Any]) -> None:
    """Every answer names the Mapping of its route, and the cluster it was sent to."""
    manager = _manager(listener)
    if "route_config" in manager:
        found = [manager["route_config"]]
    else:
        scopes = manager["scoped_routes"]["scoped_route_configurations_list"]
        found = [scope["route_configuration"] for scope in scopes.get("scoped_route_configurations", ())]
    for configuration in found:
        configuration["response_headers_to_add"] = [
            _header("x-mapping", "%METADATA(ROUTE:reconciler:mapping)%"),
            _header("x-cluster", "%UPSTREAM_CLUSTER_RAW%"),
        ]


def _at_echo(cluster: dict[str, Any], socket: str) -> None:
    cluster["type"] = "STATIC"
    endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["address"] = {"pipe": {"path": socket}}


def _echo(socket: str) -> dict[str, Any]:
    """A listener that answers with what it was sent."""
    route = {"match": {"prefix": ""}, "direct_response": {"status": 200}}
    told = [_header("x-path", "%REQ(:PATH)%"), _header("x-host", "%REQ(:AUTHORITY)%")]
    package = "type.googleapis.com/envoy.extensions.filters"
    router = {"@type": f"{package}.http.router.v3.Router"}
    manager = {
        "@type": f"{package}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "echo",
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route], "response_headers_to_add": told}]
        },
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"name": "echo", "address": {"pipe": {"path": socket}}, "filter_chains": [chain]}


def _header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
