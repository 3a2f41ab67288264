"""One object that can't be read keeps no other from being served, and no snapshot from being applied."""

import json
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from reconciler.cluster import Body, Cluster, Pace, connect
from reconciler.discovery import EndpointDiscovery, SecretDiscovery
from reconciler.envoy import SecretContent, live_secret, load_assignment
from reconciler.model.endpoints import EndpointSlice, EndpointsName, Service
from reconciler.model.snapshot import XdsResource
from reconciler.model.tls import SecretRef
from tests.support.authority import Authority
from tests.support.scripted_api import Said, ScriptedApi, scripted
from tests.support.waiting import eventually

PACE = Pace(retry_s=0.05, retry_cap_s=0.2)
PAIR = Authority().issue("ours", "a.test")


def named(name: str) -> str:
    """What the certificate of a Secret is asked for by."""
    return f"certificate/secret/a/{name}"


def secret(name: str, certificate: bytes = PAIR.certificate, version: str = "1") -> Body:
    """A Secret with our key."""
    data = {"tls.crt": b64encode(certificate).decode(), "tls.key": b64encode(PAIR.key).decode()}
    return {"metadata": {"namespace": "a", "name": name, "resourceVersion": version}, "data": data}  # type: ignore[dict-item]


def listing(*objects: Body, version: str = "1") -> Said:
    """A whole list; in answer to a watch it can't be read, so that the next request is for a list again."""
    return Said(json.dumps({"metadata": {"resourceVersion": version}, "items": objects}).encode() + b"\n")


class World:
    """Somebody at the address of an API server, what was put, and what was told."""

    def __init__(self, script: ScriptedApi, cluster: Cluster, stack: ExitStack) -> None:
        self.script, self.cluster, self.stack = script, cluster, stack
        self.there: dict[str, XdsResource | None] = {}
        self.told: dict[str, str] = {}

    def secrets(self) -> SecretDiscovery:
        """What watches Secrets."""
        found = SecretDiscovery(self.cluster, self.there.update, self.told.__setitem__, "tls.crt", PACE)
        self.stack.callback(found.close)
        return found

    def endpoints(self) -> EndpointDiscovery:
        """What watches Services and their endpoints."""
        found = EndpointDiscovery(self.cluster, self.there.update, self.told.__setitem__, PACE)
        self.stack.callback(found.close)
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One that answers all requests in the same way."""
    with scripted(listing()) as script, ExitStack() as stack:
        cluster = connect(script.settings(tmp_path, request_s=2.0, patience_s=0.1))
        assert cluster
        stack.callback(cluster.close)
        yield World(script, cluster, stack)


def test_one_malformed_certificate_keeps_no_other_from_being_served(world: World) -> None:
    """Nothing is raised; it is told of, in words, and the others are there."""
    der = ssl.PEM_cert_to_DER_cert(PAIR.certificate.decode())
    odd = der.replace(bytes((0xA0, 3, 2, 1, 2)), bytes((0xA0, 3, 2, 1, 9)))
    malformed = ssl.DER_cert_to_PEM_cert(odd).encode()
    world.script.answers[:] = [listing(secret("good"), secret("bad", malformed))]
    found = world.secrets()
    found.want(frozenset({named("good"), named("bad")}))
    assert world.there[named("good")] is not None
    assert world.there[named("bad")] is None
    assert "nothing is served" in world.told["Secret a/bad"]


def test_a_bug_that_one_secret_brings_to_light_stays_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told by its kind, without its words; what was there before stays; then all is well again."""
    broken = {named("bad")}

    def failing(
        name: str, secrets: Mapping[SecretRef, SecretContent | None], ca_entry: str, now: datetime
    ) -> XdsResource:
        if name in broken:
            raise KeyError("topsecret")
        return live_secret(name, secrets, ca_entry, now)

    monkeypatch.setattr("reconciler.discovery.secrets.live_secret", failing)
    names = frozenset({named("good"), named("bad"), "nobody/made/this"})
    world.script.answers[:] = [listing(secret("good"), secret("bad"))]
    found = world.secrets()
    found.want(names)
    assert world.there[named("good")] is not None
    assert world.there[named("bad")] is None
    assert world.there["nobody/made/this"] is None
    assert world.told["Secret a/bad"] == "could not be read (KeyError); nothing is served"
    broken.clear()
    found.want(names)
    there = world.there[named("bad")]
    assert there is not None
    assert world.told["Secret a/bad"] == ""
    broken.add(named("bad"))
    renewed = secret("bad", PAIR.certificate + PAIR.certificate, version="2")
    world.script.answers[:] = [listing(secret("good"), renewed, version="2")]
    eventually(lambda: "served on" in world.told["Secret a/bad"])
    assert world.there[named("bad")] is there
    assert "topsecret" not in str(world.told)


def test_a_bug_that_one_service_brings_to_light_stays_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoints of the others are there, in the same namespace and elsewhere."""

    def failing(name: EndpointsName, service: Service | None, slices: tuple[EndpointSlice, ...]) -> XdsResource:
        if name.service == "bad":
            raise KeyError("x")
        return load_assignment(name, service, slices)

    monkeypatch.setattr("reconciler.discovery.endpoints.load_assignment", failing)
    found = world.endpoints()
    found.want(frozenset({"a/good:80", "a/bad:80", "b/good:80", "no name"}))
    assert {name for name, one in world.there.items() if one is not None} == {"a/good:80", "b/good:80"}
    assert {name for name, one in world.there.items() if one is None} == {"a/bad:80", "no name"}
    assert world.told["endpoints of a/bad:80"] == "could not be read (KeyError); nothing is served"
    assert world.told["endpoints of no name"] == "could not be read (ValueError)"
