"""The door to the API server, on good days and bad ones; against the real one."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import pytest
import yaml

from reconciler.cluster import (
    CONFIG_MAPS,
    SECRETS,
    Body,
    Cluster,
    ClusterSettings,
    Conflict,
    Expired,
    ObjectType,
    Scope,
    connect,
)
from reconciler.model.errors import Stalled, Transient
from tests.support.kubernetes import ADMIN, Address, ApiServer, FaultyProxy, User, kubeconfig
from tests.support.waiting import eventually

Enter: TypeAlias = Callable[..., Cluster]


def opened(settings: ClusterSettings) -> Cluster:
    """A cluster that is there."""
    cluster = connect(settings)
    assert cluster
    return cluster


@pytest.fixture
def enter(api: ApiServer, tmp_path: Path) -> Iterator[Enter]:
    """Connects as a user to an address, by default as the administrator to the server itself."""
    doors: list[Cluster] = []

    def connected(address: Address | None = None, user: User = ADMIN, **settings: object) -> Cluster:
        file = kubeconfig(tmp_path / f"kubeconfig-{len(doors)}", address or api.address, user)
        doors.append(opened(ClusterSettings(kubeconfig=file, **settings)))  # type: ignore[arg-type]
        return doors[-1]

    yield connected
    for door in doors:
        door.close()


@pytest.fixture
def door(enter: Enter, faulty: FaultyProxy) -> Cluster:
    """The administrator's, through the proxy; impatient."""
    return enter(faulty.address, request_s=0.5, patience_s=5.0)


def config_map(namespace: str, name: str, **data: str) -> Body:
    """A ConfigMap."""
    return {"metadata": {"namespace": namespace, "name": name}, "data": dict(data)}


def test_an_object_is_made_read_changed_and_deleted(enter: Enter, namespace: str) -> None:
    """What is written is there; what somebody else wrote in between is never overwritten."""
    door = enter()
    assert door.get(CONFIG_MAPS, namespace, "a") is None
    made = door.create(CONFIG_MAPS, config_map(namespace, "a", key="one"))
    with pytest.raises(Conflict, match="already exists"):
        door.create(CONFIG_MAPS, config_map(namespace, "a"))
    changed = door.replace(CONFIG_MAPS, made | {"data": {"key": "two"}})
    with pytest.raises(Conflict, match="the object has been modified"):
        door.replace(CONFIG_MAPS, made | {"data": {"key": "three"}})
    assert door.get(CONFIG_MAPS, namespace, "a") == changed
    metadata = changed["metadata"]
    assert isinstance(metadata, dict)
    with pytest.raises(Conflict, match="UID"):
        door.delete(CONFIG_MAPS, namespace, "a", uid="other")
    assert door.delete(CONFIG_MAPS, namespace, "a", uid=str(metadata["uid"]))
    assert not door.delete(CONFIG_MAPS, namespace, "a")
    with pytest.raises(Conflict, match="gone"):
        door.replace(CONFIG_MAPS, changed)


def test_appliers_do_not_take_each_others_fields(enter: Enter, namespace: str) -> None:
    """Server-side apply makes and changes; a field of somebody else only by force, an old version never."""
    door = enter()
    first = door.apply(CONFIG_MAPS, config_map(namespace, "a", key="one"), "first")
    with pytest.raises(Conflict, match='conflict with "first"'):
        door.apply(CONFIG_MAPS, config_map(namespace, "a", key="two"), "second")
    assert door.apply(CONFIG_MAPS, config_map(namespace, "a", key="two"), "second", force=True)["data"] == {
        "key": "two"
    }
    old = config_map(namespace, "a", key="three")
    old["metadata"] = {**dict(old["metadata"]), "resourceVersion": dict(first["metadata"])["resourceVersion"]}  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        door.apply(CONFIG_MAPS, old, "first", force=True)


def test_a_list_of_many_pages_is_one_moment(enter: Enter, api: ApiServer, namespace: str) -> None:
    """What comes while pages are read is not in them, but in the watch that goes on from there."""
    for number in range(7):
        api.admin.apply(manifest(f"m{number}"), namespace=namespace)
    door = enter(page_size=3)
    pages = door.pages(CONFIG_MAPS, Scope(namespace))
    first = next(pages)
    api.admin.apply(manifest("late"), namespace=namespace)
    rest = list(pages)
    assert [len(page.items) for page in (first, *rest)] == [3, 3, 1]
    assert {item["kind"] for item in first.items} == {"ConfigMap"}
    watch = door.watch(CONFIG_MAPS, Scope(namespace), rest[-1].resource_version, 10)
    assert dict(next(watch).object["metadata"])["name"] == "late"  # type: ignore[arg-type]
    watch.close()


def manifest(name: str, **data: str) -> dict[str, object]:
    """A ConfigMap as documents have it."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_pages_of_large_objects_get_smaller(enter: Enter, api: ApiServer, namespace: str) -> None:
    """An answer that passes the bound is asked for in parts; only one object larger than that is refused."""
    for number in range(6):
        api.admin.create(manifest(f"m{number}", big="x" * 60_000), namespace)
    listing = enter(page_bytes=150_000).list(CONFIG_MAPS, Scope(namespace))
    assert len(listing.items) == 6
    with pytest.raises(Stalled) as refused:
        enter(page_bytes=50_000).list(CONFIG_MAPS, Scope(namespace))
    assert refused.value.reason == "ClusterAnswerTooLarge"


def test_a_list_begins_anew_when_its_version_expires(
    door: Cluster, faulty: FaultyProxy, api: ApiServer, namespace: str
) -> None:
    """410 between two pages costs a second beginning, not the list; for ever, it is an error."""
    api.admin.create(manifest("a"), namespace)
    faulty.refuse(410, "list", "configmaps")
    assert len(door.list(CONFIG_MAPS, Scope(namespace)).items) == 1
    assert faulty.count("list", "configmaps") == 2
    faulty.refuse(410, "list", "configmaps", times=9)
    with pytest.raises(Expired):
        door.list(CONFIG_MAPS, Scope(namespace))


def test_a_busy_server_is_asked_again_when_it_says(door: Cluster, faulty: FaultyProxy, namespace: str) -> None:
    """Retry-After is honoured."""
    faulty.refuse(429, "list", "configmaps", retry_after=1)
    began = time.monotonic()
    door.list(CONFIG_MAPS, Scope(namespace))
    assert time.monotonic() - began >= 1
    assert faulty.count("list", "configmaps") == 2


def test_a_storm_of_refusals_is_not_answered_with_a_storm_of_requests(
    door: Cluster, faulty: FaultyProxy, namespace: str
) -> None:
    """A server that stays busy is asked a few times, then the caller is told."""
    faulty.refuse(429, times=1000)
    with pytest.raises(Transient) as busy:
        door.list(CONFIG_MAPS, Scope(namespace))
    assert busy.value.reason == "ClusterBusy"
    assert faulty.count() <= 5


def test_what_may_have_arrived_is_not_sent_twice(door: Cluster, faulty: FaultyProxy, namespace: str) -> None:
    """Reads and whole writes are repeated after 5xx and cuts; making an object only where nothing can have happened."""
    faulty.refuse(503, "list", "configmaps")
    faulty.cut("list", "configmaps")
    assert door.list(CONFIG_MAPS, Scope(namespace)).items == ()
    assert faulty.count("list") == 3
    faulty.cut("patch")
    faulty.refuse(500, "patch")
    door.apply(CONFIG_MAPS, config_map(namespace, "applied"), "me")
    assert faulty.count("patch") == 3
    faulty.refuse(503, "create")
    with pytest.raises(Transient) as refused:
        door.create(CONFIG_MAPS, config_map(namespace, "a"))
    faulty.cut("create")
    with pytest.raises(Transient) as cut:
        door.create(CONFIG_MAPS, config_map(namespace, "a"))
    assert (refused.value.reason, cut.value.reason) == ("ClusterUnavailable", "ClusterUnreachable")
    assert faulty.count("create") == 2
    faulty.refuse(429, "create")
    door.create(CONFIG_MAPS, config_map(namespace, "a"))
    assert faulty.count("create") == 4


def test_a_silent_server_is_given_up(enter: Enter, faulty: FaultyProxy, namespace: str) -> None:
    """No call lasts longer than its patience and one attempt, however long the server says nothing."""
    door = enter(faulty.address, request_s=0.3, patience_s=1.0)
    faulty.hang("list", times=100)
    began = time.monotonic()
    with pytest.raises(Transient, match="no answer in time") as silent:
        door.list(CONFIG_MAPS, Scope(namespace))
    assert silent.value.reason == "ClusterUnreachable"
    assert time.monotonic() - began < 4
    assert faulty.count() > 1


def test_a_rotated_token_is_read_when_the_old_one_is_refused(
    api: ApiServer, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, not when the library's minute is over; a refused token is told without showing it."""
    where = urlsplit(api.address.url)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(where.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(where.port))
    (tmp_path / "ca.crt").write_bytes(api.address.ca.read_bytes())
    token = tmp_path / "token"
    token.write_text("expired")
    door = opened(ClusterSettings(mode="in-cluster", account=tmp_path))
    with pytest.raises(Transient) as refused:
        door.list(CONFIG_MAPS, Scope(namespace))
    assert refused.value.reason == "ClusterCredentialsRefused"
    assert "expired" not in refused.value.message
    user = api.admin.service_account(namespace, "pod")
    api.admin.grant(user, {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}, namespace=namespace)
    token.write_text(user.token + "\n")
    assert door.list(CONFIG_MAPS, Scope(namespace)).items == ()
    door.close()


def test_a_server_behind_another_name_is_reached_once_that_is_known(
    api: ApiServer, enter: Enter, namespace: str, tmp_path: Path
) -> None:
    """The error names the certificate's name and the setting; with it, lists and watches pass."""
    with FaultyProxy(api.address, tmp_path, name="cluster.example.test").serving() as proxy:
        unknown = replace(proxy.address, tls_server_name="")
        with pytest.raises(Stalled) as refused:
            enter(unknown).list(CONFIG_MAPS, Scope(namespace))
        assert refused.value.reason == "ClusterCertificateName"
        assert "is for cluster.example.test, not for 127.0.0.1" in refused.value.message
        assert "--kube-tls-server-name" in refused.value.hint
        door = enter(unknown, tls_server_name="cluster.example.test")
        version = door.list(CONFIG_MAPS, Scope(namespace)).resource_version
        api.admin.create(manifest("a"), namespace)
        assert next(door.watch(CONFIG_MAPS, Scope(namespace), version, 10)).type == "ADDED"
        assert enter(proxy.address).list(CONFIG_MAPS, Scope(namespace)).items


def test_an_unknown_authority_is_not_trusted(api: ApiServer, enter: Enter, faulty: FaultyProxy, namespace: str) -> None:
    """Somebody else's certificate gets neither token nor request, and the error says what to set."""
    with pytest.raises(Stalled) as refused:
        enter(replace(faulty.address, ca=api.address.ca)).list(CONFIG_MAPS, Scope(namespace))
    assert refused.value.reason == "ClusterCertificateRefused"
    assert "--kube-ca-file" in refused.value.hint
    assert faulty.count() == 0


def test_the_rule_that_an_error_names_is_the_rule_that_was_missing(
    api: ApiServer, enter: Enter, namespace: str
) -> None:
    """Who copies it into a Role is permitted."""
    user = api.admin.service_account(namespace, "poor")
    door = enter(user=user)
    with pytest.raises(Stalled) as refused:
        door.apply(CONFIG_MAPS, config_map(namespace, "a"), "me")
    assert refused.value.reason == "ClusterForbidden"
    rule = yaml.safe_load(refused.value.hint.partition("rule ")[2].partition(" allows")[0])
    api.admin.grant(user, rule, {**rule, "verbs": ["create"]}, namespace=namespace)
    assert door.apply(CONFIG_MAPS, config_map(namespace, "a"), "me")


def test_one_secret_of_many_can_be_followed(api: ApiServer, enter: Enter, namespace: str) -> None:
    """With a rule for its name alone, which is the one that the error names."""
    user = api.admin.service_account(namespace, "reader")
    one, door = Scope(namespace, fields="metadata.name=tls"), enter(user=user)
    with pytest.raises(Stalled) as refused:
        door.list(SECRETS, one)
    rule = yaml.safe_load(refused.value.hint.partition("rule ")[2].partition(" allows")[0])
    assert rule["resourceNames"] == ["tls"]
    api.admin.grant(user, {**rule, "verbs": ["list", "watch"]}, namespace=namespace)
    listing = door.list(SECRETS, one)
    assert listing.items == ()
    for name in ("other", "tls"):
        api.admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}, namespace)
    with closing(door.watch(SECRETS, one, listing.resource_version, 60)) as watch:
        assert dict(next(watch).object["metadata"])["name"] == "tls"  # type: ignore[arg-type]
    with pytest.raises(Stalled):
        door.list(SECRETS, Scope(namespace))


def test_a_type_that_is_not_installed_is_named(enter: Enter, api: ApiServer, namespace: str) -> None:
    """Before its definition it is missing, after it served."""
    gadgets = ObjectType("door.test", "v1", "gadgets", "Gadget")
    door = enter()
    assert not door.serves(gadgets)
    assert door.serves(CONFIG_MAPS)
    with pytest.raises(Stalled, match=r"no gadgets of door\.test/v1") as missing:
        door.list(gadgets, Scope(namespace))
    assert missing.value.reason == "ClusterTypeMissing"
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"}
    api.admin.apply(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "gadgets.door.test"},
            "spec": {"group": "door.test", "scope": "Namespaced", "names": names, "versions": [version]},
        }
    )
    assert door.serves(gadgets)
    assert door.list(gadgets, Scope(namespace)).items == ()


@pytest.mark.parametrize("name", ["", ".", "..", "../secrets/a", "a/b", "a%2fb"])
def test_a_name_never_reaches_another_object(door: Cluster, faulty: FaultyProxy, namespace: str, name: str) -> None:
    """Names come from documents that anybody writes; what can't be one is not asked for."""
    assert door.get(CONFIG_MAPS, namespace, name) is None
    with pytest.raises(Stalled):
        door.delete(CONFIG_MAPS, namespace, name)
    assert faulty.count() == 0


def test_a_namespace_that_is_missing_is_named(enter: Enter) -> None:
    """Nobody looks for a missing object where the namespace is missing."""
    with pytest.raises(Stalled) as missing:
        enter().apply(CONFIG_MAPS, config_map("absent", "a"), "me")
    assert missing.value.reason == "ClusterNamespaceMissing"


def test_closing_ends_a_watch_that_waits(enter: Enter, namespace: str) -> None:
    """In another thread, at once, whether the watch or the whole door is closed."""
    for whole in (False, True):
        door = enter()
        version = door.list(CONFIG_MAPS, Scope(namespace)).resource_version
        watch = door.watch(CONFIG_MAPS, Scope(namespace), version, 60)
        reading = threading.Thread(target=partial(drained, watch))
        reading.start()
        (door if whole else watch).close()
        reading.join(5)
        assert not reading.is_alive()
    with pytest.raises(Transient, match="closed"):
        door.list(CONFIG_MAPS, Scope(namespace))


def test_who_stops_in_the_middle_leaves_nothing_behind(
    api: ApiServer, door: Cluster, faulty: FaultyProxy, namespace: str
) -> None:
    """The watch ends at the server, too, and the rest of it is not the beginning of the next answer."""
    for number in range(3):
        api.admin.create(manifest(f"m{number}"), namespace)
    for _ in range(3):
        watch = door.watch(CONFIG_MAPS, Scope(namespace), "0", 60)
        assert next(watch).type == "ADDED"
        watch.close()
        assert list(watch) == []
        assert len(door.list(CONFIG_MAPS, Scope(namespace)).items) == 3
    assert not door._session._open
    for number in range(3):  # the proxy finds out when it has something to tell
        api.admin.create(manifest(f"later{number}"), namespace)
    eventually(lambda: faulty.open_watches() == 0)


def drained(watch: Iterator[object]) -> None:
    """Reads to the end, whatever that is."""
    try:
        for _ in watch:
            pass
    except Transient:
        pass


def test_a_watch_ends_in_time(enter: Enter, namespace: str) -> None:
    """The server keeps to the seconds it is given; that is no error."""
    door = enter()
    version = door.list(CONFIG_MAPS, Scope(namespace)).resource_version
    began = time.monotonic()
    drained(door.watch(CONFIG_MAPS, Scope(namespace), version, 1))
    assert time.monotonic() - began < 5


def test_what_is_closed_leaves_no_thread(enter: Enter, namespace: str) -> None:
    """A door has no threads of its own."""
    before = threading.active_count()
    enter().list(CONFIG_MAPS, Scope(namespace))
    eventually(lambda: threading.active_count() <= before)


def test_a_plugin_is_run_again_when_its_token_is_refused(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """As cloud providers have it: the token is as short-lived as they like."""
    token = tmp_path / "token"
    token.write_text("expired")
    answer = 'echo "{\\"apiVersion\\": \\"client.authentication.k8s.io/v1\\", \\"kind\\": \\"ExecCredential\\",'
    answer += f' \\"status\\": {{\\"token\\": \\"$(cat {token})\\"}}}}"'
    file = kubeconfig(tmp_path / "config", api.address, ADMIN)
    document = yaml.safe_load(file.read_text())
    version = "client.authentication.k8s.io/v1"
    plugin = {"apiVersion": version, "command": "sh", "args": ["-c", answer], "interactiveMode": "Never"}
    document["users"][0]["user"] = {"exec": plugin}
    file.write_text(yaml.safe_dump(document))
    door = opened(ClusterSettings(kubeconfig=file))
    with pytest.raises(Transient, match="does not accept the credentials"):
        door.list(CONFIG_MAPS, Scope(namespace))
    token.write_text(ADMIN.token)
    assert door.list(CONFIG_MAPS, Scope(namespace)).items == ()
    door.close()


def test_it_goes_through_the_proxy_that_the_kubeconfig_names(
    api: ApiServer, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`proxy-url`: a tunnel, through which the server's own certificate is checked."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with tunnelling() as (port, asked):
        file = kubeconfig(tmp_path / "config", api.address, ADMIN)
        document = yaml.safe_load(file.read_text())
        document["clusters"][0]["cluster"]["proxy-url"] = f"http://127.0.0.1:{port}"
        file.write_text(yaml.safe_dump(document))
        door = opened(ClusterSettings(kubeconfig=file))
        assert door.list(CONFIG_MAPS, Scope(namespace)).items == ()
        assert asked == [f"CONNECT {urlsplit(api.address.url).netloc}"]
        door.close()


@contextmanager
def tunnelling() -> Iterator[tuple[int, list[str]]]:
    """A proxy that knows nothing but CONNECT; its port, and what it was asked for."""
    asked: list[str] = []

    class Tunnel(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(f"CONNECT {self.path}")
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port))) as there:
                self.send_response(200)
                self.end_headers()
                self.wfile.flush()
                back = threading.Thread(target=relayed, args=(there, self.connection), daemon=True)
                back.start()
                relayed(self.connection, there)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tunnel)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def relayed(source: socket.socket, to: socket.socket) -> None:
    """Bytes one way until either side ends."""
    with suppress(OSError):
        while piece := source.recv(65536):
            to.sendall(piece)
        to.shutdown(socket.SHUT_RDWR)
