"""Each TLS chain of each listener has scopes of its own, in one Envoy that sees those of all."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.client import HTTPResponse

import pytest

from reconciler.apply.envoy_binary import EnvoyProcess
from reconciler.apply.xds import XdsTarget
from reconciler.compile import Options, compile_routes
from reconciler.envoy import RenderOptions, Sharding, render, xds_bootstrap
from reconciler.model.effect import AckState
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.resources import load
from tests.acceptance.http3 import ask_http3
from tests.support.envoys import envoy_path
from tests.support.http import get
from tests.support.ports import reserve_port
from tests.support.secrets import mount
from tests.support.waiting import eventually

HEAD = "apiVersion: getambassador.io/v3alpha1\n"
BINDING = "securityModel: XFP, hostBinding: {namespace: {from: ALL}}"
HOST = """\
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: NAME}
spec: {hostname: NAME.test, tlsSecret: {name: NAME}, requestPolicy: {insecure: {action: Route}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: NAME}
spec: {hostname: NAME.test, prefix: /, service: nobody}
---
apiVersion: reconciler.dev/v1alpha1
kind: MappingPolicy
metadata: {name: NAME}
spec: {mappings: [NAME], direct_response: {status: 200, body: NAME}}
"""
NAMES = ("one", "two")
PORTS = {"clear": 8080, "tls": 8443, "quic": 9443}


def documents() -> str:
    """Three ports, and two hosts with certificates of their own that answer for themselves."""
    stacks = {"clear": "protocol: HTTP", "tls": "protocol: HTTPS", "quic": "protocolStack: [TLS, HTTP, UDP]"}
    found = [
        f"{HEAD}kind: Listener\nmetadata: {{name: {name}}}\nspec: {{port: {PORTS[name]}, {stack}, {BINDING}}}"
        for name, stack in stacks.items()
    ]
    found += [HOST.replace("NAME", name) for name in NAMES]
    return "\n---\n".join(found)


@pytest.fixture(scope="module", params=list(Sharding))
def ports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """The ports of an Envoy that took everything over xDS."""
    folder = tmp_path_factory.mktemp("tls")
    for name in NAMES:
        mount(folder / "secrets" / "default" / name, name, f"DNS:{name}.test")
    source = SourceSnapshot(None, None, (SourceFile("all.yaml", "", documents().encode()),))
    compiled = compile_routes(source, load(source.files), Options())
    assert compiled.problems == ()
    found = {number: reserve_port() for number in PORTS.values()}
    listeners = tuple(replace(one, address="127.0.0.1", port=found[one.port]) for one in compiled.table.listeners)
    options = RenderOptions(secrets_path=str(folder / "secrets"), access_log_path="", sharding=request.param)
    snapshot = render(replace(compiled.table, listeners=listeners), options)
    target = XdsTarget("127.0.0.1:0")
    envoy = EnvoyProcess(envoy_path(), xds_bootstrap(f"127.0.0.1:{target.port}"), folder / "envoy")
    try:
        envoy.start(wait=False)
        eventually(target.nodes, what="Envoy to connect")
        acks = target.apply(snapshot)
        assert {ack.state for ack in acks} == {AckState.ACKED}, acks
        yield {name: found[number] for name, number in PORTS.items()}
    finally:
        envoy.stop()
        target.close()


def over_tls(port: int, server: str, host: str) -> tuple[int, bytes]:
    """What a request for one host is answered on a connection that asked for another."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as plain,
        context.wrap_socket(plain, server_hostname=server) as connection,
    ):
        connection.sendall(f"GET / HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def over_quic(port: int, server: str, host: str) -> tuple[int, bytes]:
    """The same over HTTP/3."""
    head = ((":method", "GET"), (":scheme", "https"), (":authority", host), (":path", "/"))
    headers, body = asyncio.run(asyncio.wait_for(ask_http3(port, server, head, b"", None), 20))
    return int(dict(headers)[":status"]), body


@pytest.mark.parametrize("port", ["tls", "quic"])
def test_each_chain_has_its_hosts(ports: dict[str, int], port: str) -> None:
    """A connection that asked for one host has its routes, and not those of another chain."""
    ask = over_tls if port == "tls" else over_quic
    for name, other in (NAMES, NAMES[::-1]):
        assert ask(ports[port], f"{name}.test", f"{name}.test") == (200, name.encode())
        assert ask(ports[port], f"{name}.test", f"{name}.test:{ports[port]}") == (200, name.encode())
        assert ask(ports[port], f"{name}.test", f"{other}.test") == (404, b"")


def test_clear_text_has_all_hosts(ports: dict[str, int]) -> None:
    """The port without TLS has all of them, and the port with TLS has them in clear text."""
    for name in NAMES:
        for port in ("clear", "tls"):
            assert get(ports[port], "/", host=f"{name}.test").body == name.encode()
