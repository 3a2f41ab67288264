"""TLS to real upstreams: verified, or not at all."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from reconciler.apply.envoy_binary import EnvoyProcess, find_envoy
from reconciler.envoy import RenderOptions, render, static_bootstrap
from tests.support.certificates import self_signed, server_side
from tests.support.http import get
from tests.support.routing import anyone, cluster, listener, rule, table
from tests.support.upstreams import Upstream

SERVICES = {
    "named": "good.tls.test",
    "wildcard": "any.wild.test",
    "deeper": "too.deep.wild.test",
    "misnamed": "other.tls.test",
    "addressed": "127.0.0.1",
    "unknown-signer": "untrusted.test",
    "clear": "clear.test",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An Envoy with a route and a TLS cluster per service; the upstreams show the certificates below."""
    directory = tmp_path_factory.mktemp("tls")
    good = self_signed(directory, "good", "DNS:good.tls.test")
    wild = self_signed(directory, "wild", "DNS:*.wild.test")
    loopback = self_signed(directory, "loopback", "IP:127.0.0.1")
    untrusted = self_signed(directory, "untrusted", "DNS:untrusted.test")
    trusted = directory / "trusted.pem"
    trusted.write_bytes(b"".join(path.with_suffix(".crt").read_bytes() for path in (good, wild, loopback)))
    shown = {
        "named": good,
        "wildcard": wild,
        "deeper": wild,
        "misnamed": good,
        "addressed": loopback,
        "unknown-signer": untrusted,
    }
    binary = find_envoy("auto")
    assert binary
    with ExitStack() as stack:
        addresses = {
            f"{SERVICES[name]}:443": stack.enter_context(Upstream(name, server_side(certificate))).address
            for name, certificate in shown.items()
        }
        addresses["clear.test:443"] = stack.enter_context(Upstream("clear")).address
        options = RenderOptions(service_addresses=addresses, upstream_ca_file=str(trusted), access_log_path="")
        clusters = [cluster(name, host, 443, tls=True) for name, host in SERVICES.items()]
        routes = [rule(name, f"/{name}/", name) for name in SERVICES]
        snapshot = render(table([listener(anyone(*routes))], *clusters), options)
        envoy = stack.enter_context(EnvoyProcess(binary, static_bootstrap(snapshot, options), directory / "envoy"))
        yield envoy.listener_port("http-8080")


@pytest.mark.parametrize("name", ["named", "wildcard", "addressed"])
def test_verified(port: int, name: str) -> None:
    """A certificate for the service by a signer we trust is accepted: by name, by wildcard, by address."""
    assert get(port, f"/{name}/").upstream == name


@pytest.mark.parametrize("name", ["misnamed", "deeper", "unknown-signer", "clear"])
def test_refused(port: int, name: str) -> None:
    """A certificate for somebody else or by somebody else is 503, and TLS never falls back to clear text."""
    assert get(port, f"/{name}/").status == 503
