"""ConfigMaps that Envoys mount: a real API server, a real Envoy, and between them what a kubelet does."""

import dataclasses
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from reconciler.apply import FilesTarget
from reconciler.apply.configmap import ConfigMapTarget, EnvoyAdmins, Layout, Names, Place, Shape
from reconciler.apply.configmap.content import PACKED, wanted_keys
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.apply.unpack import Unpacker
from reconciler.cluster import Cluster, ClusterSettings
from reconciler.envoy import RenderOptions, files_bootstrap, render
from reconciler.model.decision import Decision, Trigger
from reconciler.model.effect import AckState, Drift, Evidence, Release
from reconciler.model.errors import Stalled, Transient
from reconciler.model.files import FilesFormat
from reconciler.model.snapshot import Snapshot
from reconciler.model.source import Commit, Person, Revision
from tests.support.cluster.calls import MERGE, Document
from tests.support.controllers import mapping, on_repository, reconcile
from tests.support.envoys import envoy_path
from tests.support.git_servers import free_port
from tests.support.http import get
from tests.support.kubelet import Kubelet, write_volume
from tests.support.kubernetes import ADMIN, ApiServer, FaultyProxy, kubeconfig
from tests.support.repositories import Repository
from tests.support.routing import ONE, TWO, anyone, cluster, listener, rule, snapshot, table
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

FIRST, SECOND = snapshot([ONE], cluster("one")), snapshot([ONE, TWO], cluster("one"), cluster("two"))
THIRD, FOURTH = snapshot([TWO], cluster("two")), snapshot([], cluster("one"))
MOUNT = Path("/etc/envoy/routes")
PLAIN = Shape(MOUNT)
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "configmaps.md"
SHA = "3f2a9c1d5e7b8a90c1d2e3f405162738495a6b7c"
WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
NOTE = "reconciler.dev/"


@pytest.fixture(scope="session")
def door(api: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The API server as the controller sees it."""
    config = api.kubeconfig(tmp_path_factory.mktemp("door") / "kubeconfig")
    found = Cluster(ClusterSettings(mode="kubeconfig", kubeconfig=config, request_s=10))
    yield found
    found.close()


Make = Callable[..., ConfigMapTarget]


@pytest.fixture
def make(door: Cluster, namespace: str) -> Iterator[Make]:
    """Makes targets ``routes`` of the namespace, each as a process of its own would."""
    with ExitStack() as stack:

        def made(
            shape: Shape = PLAIN,
            *,
            of: Cluster = door,
            may_write: Callable[[], bool] = lambda: True,
            envoys: EnvoyAdmins | None = None,
            clock: Callable[[], datetime] = lambda: datetime.now(UTC),
            **more: object,
        ) -> ConfigMapTarget:
            place = dataclasses.replace(Place(namespace, "routes", shape, "edge"), **more)  # type: ignore[arg-type]
            target = ConfigMapTarget(of, place, may_write, envoys, clock)
            stack.callback(target.close)
            return target

        yield made


def held(api: ApiServer, namespace: str, name: str = "routes") -> Document:
    """A ConfigMap as it is."""
    return api.admin.get("ConfigMap", name, namespace)


def version(api: ApiServer, namespace: str) -> str:
    """Its version."""
    return str(held(api, namespace)["metadata"]["resourceVersion"])


def release(author: str = "Ann <ann@example.com>") -> Release:
    """A commit by somebody."""
    name, _, email = author.rpartition(" ")
    person = Person(name, email.strip("<>"))
    commit = Commit(SHA, SHA, (), person, WHEN, person, WHEN, "More routes")
    return Release(Revision("main", SHA), commit, 17)


def test_what_is_applied_is_held_and_says_for_which_commit(api: ApiServer, namespace: str, make: Make) -> None:
    """Labels say whose it is, annotations which commit by whom; another process observes the very same."""
    target = make()
    assert target.observe() is None
    acks = target.apply(FIRST, release("Eve\u202e\nEvil " + "x" * 900 + " <eve@example.com>"))
    assert {(ack.state, ack.evidence) for ack in acks} == {(AckState.UNKNOWN, Evidence.READ_BACK)}
    assert target.observe() == FIRST.digest == make().observe()
    found = held(api, namespace)
    assert found["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "reconciler",
        "app.kubernetes.io/instance": "edge",
        NOTE + "target": "routes",
        NOTE + "role": "content",
    }
    notes = {key.removeprefix(NOTE): value for key, value in found["metadata"]["annotations"].items()}
    author = notes.pop("author")
    assert author.startswith("Eve\\u202e Evil xxx")
    assert author.isprintable()
    assert len(author) < 250
    assert notes == {
        "revision": f"main@sha1:{SHA}",
        "commit": SHA,
        "journal-entry": "17",
        "snapshot": FIRST.digest,
    }
    assert sorted(found["binaryData"]) == ["cds.pb", "lds.pb", "rds.http-8080.pb"]
    assert [(m["manager"], m["operation"]) for m in found["metadata"]["managedFields"]] == [("reconciler", "Apply")]


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("form", list(FilesFormat))
def test_every_layout_holds_the_same(
    api: ApiServer, namespace: str, make: Make, form: FilesFormat, layout: Layout
) -> None:
    """Files or packed, binary or JSON; and from any of them back to another, without leftovers."""
    plain = make()
    plain.apply(SECOND)
    target = make(Shape(MOUNT, form, layout))
    target.apply(SECOND)
    assert target.observe() == SECOND.digest
    found = held(api, namespace)
    keys = {**found.get("data", {}), **found.get("binaryData", {})}
    assert sorted(keys) == ([PACKED] if layout is Layout.PACKED else sorted(f"{n}.{form}" for n in NAMES))
    plain.observe()
    plain.apply(SECOND)
    assert plain.observe() == SECOND.digest


NAMES = ("cds", "lds", "rds.http-8080")


def test_a_restart_adopts_what_is_there_without_a_write(api: ApiServer, namespace: str, make: Make) -> None:
    """The same routes again, from another process, leave the object as it is."""
    make().apply(FIRST, release())
    before = version(api, namespace)
    again = make()
    assert again.observe() == FIRST.digest
    again.apply(FIRST, Release(Revision("main", "0" * 40)))
    assert version(api, namespace) == before


def test_a_poll_asks_the_server_nothing(make: Make, faulty: FaultyProxy, tmp_path: Path) -> None:
    """Once the watch runs, looking whether all is as it was is no request; where it is broken, every look is one."""
    config = kubeconfig(tmp_path / "kubeconfig", faulty.address, ADMIN)
    door = Cluster(ClusterSettings(mode="kubeconfig", kubeconfig=config))
    target = make(of=door)
    target.apply(FIRST)
    eventually(lambda: asks_nothing(target, faulty))
    faulty.refuse(503, "watch", times=1000)
    faulty.refuse(503, "list", times=1000)
    faulty.cut_watches()
    eventually(lambda: not asks_nothing(target, faulty))
    door.close()


def asks_nothing(target: ConfigMapTarget, proxy: FaultyProxy) -> bool:
    """Whether a look needs no request."""
    proxy.forget()
    assert target.observe() == FIRST.digest
    return proxy.count("get") == 0


def test_an_edit_is_found_told_and_healed(api: ApiServer, namespace: str, make: Make) -> None:
    """Somebody's kubectl edit: who and when, from the fields they own; then it is as it was, and ours again."""
    target = make()
    target.apply(FIRST)
    edited = held(api, namespace)
    edited["binaryData"]["cds.pb"] = "AAAA"
    edited["binaryData"]["rds.evil.pb"] = "AAAA"
    edited["data"] = {"notes": "mine"}
    path = f"/api/v1/namespaces/{namespace}/configmaps/routes"
    api.admin.calls.call("PUT", path, edited, query={"fieldManager": "kubectl-edit"})
    eventually(lambda: target.observe() != FIRST.digest)
    (drift,) = target.drift()
    assert (drift.target, drift.by) == (f"configmap:{namespace}/routes", "kubectl-edit")
    assert drift.what == "ConfigMap routes: cds.pb, rds.evil.pb"
    assert drift.at is not None
    assert abs(datetime.now(UTC) - drift.at) < timedelta(minutes=1)
    (told_after_restart,) = restarted(make())
    assert (told_after_restart.by, told_after_restart.what) == (drift.by, drift.what)
    target.apply(FIRST)
    assert target.observe() == FIRST.digest
    found = held(api, namespace)
    assert sorted(found["binaryData"]) == ["cds.pb", "lds.pb", "rds.http-8080.pb"]
    assert found["data"] == {"notes": "mine"}  # no key of ours: it stays


def restarted(target: ConfigMapTarget) -> tuple[Drift, ...]:
    """What a process that has just started tells."""
    target.observe()
    return target.drift()


def test_a_key_in_the_other_section_is_healed(api: ApiServer, namespace: str, make: Make) -> None:
    """Exchanging a binary file for a text of that name, which no server lets stand side by side."""
    target = make()
    target.apply(FIRST)
    changes = {"binaryData": {"lds.pb": None}, "data": {"lds.pb": "by hand"}}
    api.admin.patch("ConfigMap", "routes", changes, namespace)
    eventually(lambda: target.observe() is None)
    target.apply(FIRST)
    assert target.observe() == FIRST.digest
    assert "data" not in held(api, namespace)


def test_fields_that_another_manager_took_are_taken_back(api: ApiServer, namespace: str, make: Make) -> None:
    """Somebody's server-side apply owns a key now: the next change is a conflict, and ours wins for our keys alone."""
    target = make()
    target.apply(FIRST)
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "routes", "labels": {"team": "shop"}}}
    api.admin.apply(theirs | {"binaryData": {"cds.pb": "AAAA"}}, namespace=namespace, manager="argocd", force=True)
    eventually(lambda: target.observe() != FIRST.digest)
    assert target.drift()[0].by == "argocd"
    target.apply(SECOND)
    assert target.observe() == SECOND.digest
    assert held(api, namespace)["metadata"]["labels"]["team"] == "shop"


def test_a_deleted_one_is_made_again(api: ApiServer, namespace: str, make: Make) -> None:
    """It is told that it is gone, by whom the server does not say."""
    target = make()
    target.apply(FIRST)
    api.admin.delete("ConfigMap", "routes", namespace)
    eventually(lambda: target.observe() is None)
    (drift,) = target.drift()
    assert (drift.what, drift.by, drift.at) == ("ConfigMap routes is not there", "", None)
    target.apply(FIRST)
    assert target.observe() == FIRST.digest


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "reconciler"}])
def test_what_is_not_ours_is_never_written(api: ApiServer, namespace: str, make: Make, labels: dict[str, str]) -> None:
    """A ConfigMap of that name that somebody else made, or another instance, stays as it is."""
    metadata = {"name": "routes", "labels": labels}
    api.admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}, namespace)
    target, before = make(), version(api, namespace)
    assert target.observe() is None
    assert target.drift()[0].what == "ConfigMap routes is not ours"
    with pytest.raises(Stalled, match="not ours: it stays as it is") as stalled:
        target.apply(FIRST)
    assert "app.kubernetes.io/instance=edge" in stalled.value.hint
    assert version(api, namespace) == before


@dataclasses.dataclass
class Meddling:
    """A door behind which something happens right before a write."""

    door: Cluster
    meddle: Callable[[], object]

    def apply(self, *arguments: object, **more: object) -> object:
        """First that, once."""
        meddle, self.meddle = self.meddle, lambda: None
        meddle()
        return self.door.apply(*arguments, **more)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self.door, name)


def test_a_writer_that_is_late_loses(api: ApiServer, namespace: str, make: Make, door: Cluster) -> None:
    """An old leader decided on an older version: it writes nothing, and what the new one wrote stays."""
    make().apply(FIRST)
    new = make()
    new.observe()
    late = make(of=Meddling(door, lambda: new.apply(SECOND)))
    assert late.observe() == FIRST.digest
    with pytest.raises(Transient, match="was changed in the moment"):
        late.apply(THIRD)
    assert make().observe() == SECOND.digest
    assert late.observe() == SECOND.digest


def test_a_first_write_that_is_late_leaves_what_is_not_ours(
    api: ApiServer, namespace: str, make: Make, door: Cluster
) -> None:
    """Somebody makes one of that name in the very moment: what we put into it is taken out again."""
    theirs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "routes"}, "data": {"a": "b"}}
    target = make(of=Meddling(door, lambda: api.admin.create(theirs, namespace)))
    with pytest.raises(Transient, match="was changed in the moment"):
        target.apply(FIRST)
    found = held(api, namespace)
    assert (found["data"], found.get("binaryData"), found["metadata"].get("labels")) == ({"a": "b"}, None, None)
    with pytest.raises(Stalled, match="not ours"):
        target.apply(FIRST)


def test_an_answer_that_was_lost_is_no_conflict(make: Make, door: Cluster) -> None:
    """The same write arrives twice, as it does where the first answer never came: it was ours."""
    twin = make()
    late = make(of=Meddling(door, lambda: twin.apply(FIRST, release())))
    make().apply(SECOND)
    assert late.observe() == twin.observe() == SECOND.digest
    assert late.apply(FIRST, release())
    assert late.observe() == FIRST.digest


def test_who_does_not_lead_writes_nothing(api: ApiServer, namespace: str, make: Make) -> None:
    """Asked right before each write: the first, a change, and the removal of what is old."""
    with pytest.raises(Transient, match="another replica leads"):
        make(may_write=lambda: False).apply(FIRST)
    assert api.admin.find("ConfigMap", "routes", namespace) is None
    permitted = iter([True, True, False])  # content and pointer, but not the pruning
    make(names=Names.ROTATING, keep=0).apply(FIRST)
    late = make(names=Names.ROTATING, keep=0, stays=timedelta(), may_write=lambda: next(permitted))
    with pytest.raises(Transient, match="another replica leads"):
        late.apply(SECOND)
    assert len(contents(api, namespace)) == 2


def contents(api: ApiServer, namespace: str) -> list[str]:
    """The rotating ones."""
    found = api.admin.list("ConfigMap", namespace, labelSelector="reconciler.dev/role=content")
    return sorted(one["metadata"]["name"] for one in found)


def test_rotating_names_keep_some_and_prune_only_their_own(api: ApiServer, namespace: str, make: Make) -> None:
    """Immutable ones, a pointer to the current, so many old ones; everybody else's stay."""
    others = [
        {"name": "routes-0123456789ab"},
        {"name": "x", "labels": {"app.kubernetes.io/managed-by": "reconciler", NOTE + "role": "content"}},
    ]
    for metadata in others:
        api.admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, namespace)
    neighbour = make(names=Names.ROTATING, instance="other", name="neighbour")
    neighbour.apply(FIRST)
    target = make(names=Names.ROTATING, keep=1, stays=timedelta())
    for one in (FIRST, SECOND, FIRST, THIRD):
        target.apply(one)
        assert target.observe() == one.digest == make(names=Names.ROTATING, keep=1).observe()
    pointer = held(api, namespace)["data"]
    current = held(api, namespace, pointer["current"])
    assert current["immutable"]
    history = pointer["history"].split("\n")
    assert history[0] == pointer["current"]
    assert sorted([*history, "x", neighbour_content(api, namespace)]) == contents(api, namespace)
    assert len(history) == 2  # FIRST, though it is the oldest by age, was current after SECOND
    target.apply(FIRST)
    assert held(api, namespace)["data"]["history"].split("\n") == history[::-1]
    assert api.admin.find("ConfigMap", "routes-0123456789ab", namespace)
    assert "binaryData" in current


def test_what_pods_may_still_mount_stays_however_many_commits_come(api: ApiServer, namespace: str, make: Make) -> None:
    """An hour from when it was replaced, which a restart does not forget; then it goes with the next change."""
    now = [WHEN]
    rotating = {"names": Names.ROTATING, "keep": 0, "clock": lambda: now[0]}
    make(**rotating).apply(FIRST)
    mounted = held(api, namespace)["data"]["current"]
    now[0] += timedelta(days=3)  # however old it is: it is mounted until now
    for one in (SECOND, THIRD, FOURTH):
        now[0] += timedelta(minutes=15)
        make(**rotating).apply(one)
    assert len(contents(api, namespace)) == 4
    now[0] += timedelta(minutes=31)
    make(**rotating).apply(SECOND)
    assert mounted not in contents(api, namespace)
    assert len(contents(api, namespace)) == 3


def neighbour_content(api: ApiServer, namespace: str) -> str:
    """That of the other controller."""
    return str(held(api, namespace, "neighbour")["data"]["current"])


def test_a_pointer_that_somebody_turns_is_turned_back(api: ApiServer, namespace: str, make: Make) -> None:
    """To an older one, or to nowhere."""
    target = make(names=Names.ROTATING)
    target.apply(FIRST)
    old = held(api, namespace)["data"]["current"]
    target.apply(SECOND)
    for elsewhere in (old, "routes-nowhere", "../secrets"):
        api.admin.patch("ConfigMap", "routes", {"data": {"current": elsewhere}}, namespace)
        eventually(lambda: target.observe() != SECOND.digest)
        assert target.drift()[0].what == "ConfigMap routes: current"
        target.apply(SECOND)
        assert target.observe() == SECOND.digest


def test_a_namespace_that_is_not_there(make: Make) -> None:
    """A person must make it; the words say which."""
    target = make(namespace="nowhere")
    assert target.observe() is None
    with pytest.raises(Stalled, match=r"nowhere.*no such namespace"):
        target.apply(FIRST)


def test_what_does_not_fit_is_said_before_anything_is_written(api: ApiServer, namespace: str, make: Make) -> None:
    """How much it takes, what there is, what to do; packed, the same fits."""
    many = [rule(f"r{n}", f"/{n}/{'x' * 3000}/", "one") for n in range(400)]
    large = snapshot(many, cluster("one"))
    with pytest.raises(Stalled, match=r"take [\d,]+ bytes as json, and a ConfigMap holds 1,048,576") as stalled:
        make(Shape(MOUNT, FilesFormat.JSON)).apply(large)
    assert "--files-format pb" in stalled.value.hint
    assert "--configmap-layout packed" in stalled.value.hint
    assert api.admin.find("ConfigMap", "routes", namespace) is None
    target = make(Shape(MOUNT, FilesFormat.JSON, Layout.PACKED))
    target.apply(large)
    assert target.observe() == large.digest


def test_an_outage_of_the_server_is_no_drift(make: Make, faulty: FaultyProxy, tmp_path: Path) -> None:
    """What was seen last stays what is held until the server answers again; writing fails, and may be tried again."""
    config = kubeconfig(tmp_path / "kubeconfig", faulty.address, ADMIN)
    door = Cluster(ClusterSettings(mode="kubeconfig", kubeconfig=config, patience_s=0.2))
    target = make(of=door)
    target.apply(FIRST)
    faulty.refuse(503, times=1000)
    assert target.observe() == FIRST.digest
    with pytest.raises(Transient):
        target.apply(SECOND)
    faulty.heal()
    target.apply(SECOND)
    assert target.observe() == SECOND.digest
    door.close()


def test_what_a_role_must_allow(api: ApiServer, namespace: str, make: Make, tmp_path: Path) -> None:
    """The rules of the guide are enough, and without them it says which are missing."""
    user = api.admin.service_account(namespace, "reconciler")
    config = api.kubeconfig(tmp_path / "kubeconfig", user, namespace=namespace)
    door = Cluster(ClusterSettings(mode="kubeconfig", kubeconfig=config))
    target = make(of=door)
    with pytest.raises(Stalled, match="not permitted"):
        target.apply(FIRST)
    (role,) = re.findall(r"^(apiVersion: rbac.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    api.admin.grant(user, *yaml.safe_load(role)["rules"], namespace=namespace)
    target.apply(FIRST)
    assert target.observe() == FIRST.digest
    assert target._seen
    seen = target._seen.versions
    eventually(lambda: target._versions.unchanged(seen))
    door.close()


@dataclasses.dataclass
class Serving:
    """An Envoy that mounts the ConfigMap."""

    target: ConfigMapTarget
    kubelet: Kubelet
    envoy: EnvoyProcess
    addresses: dict[str, str]

    def ask(self, path: str) -> str:
        """Which upstream answers, or the status."""
        return get(self.envoy.listener_port("http-8080"), path).upstream

    def of(self, *names: str) -> Snapshot:
        """Routes to these upstreams."""
        rules = [rule(name, f"/{name}/", name) for name in names]
        return snapshot(rules, *(cluster(name) for name in names), addresses=self.addresses)


@pytest.fixture(params=list(FilesFormat))
def serving(
    request: pytest.FixtureRequest, api: ApiServer, namespace: str, make: Make, tmp_path: Path
) -> Iterator[Serving]:
    """An Envoy that serves ``/one/`` from a mounted ConfigMap, and says what it makes of it."""
    mount = tmp_path / "mount"
    shape = Shape(mount, request.param)
    with Upstream("one") as one, Upstream("two") as two:
        addresses = {"one.test": one.address, "two.test": two.address}
        target, kubelet = make(shape), Kubelet(api.admin, namespace, mount)
        target.apply(snapshot([ONE], cluster("one"), addresses=addresses))
        kubelet.sync("routes")
        admin, probes = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        bootstrap = files_bootstrap(shape.directory, request.param, admin=admin, probes=probes)
        with EnvoyProcess(envoy_path(), bootstrap, tmp_path / "envoy") as envoy:
            target = make(shape, envoys=EnvoyAdmins("configmap:x/routes", [probes], 5))
            yield Serving(target, kubelet, envoy, addresses)


@pytest.fixture
def syncing(serving: Serving) -> Iterator[None]:
    """The kubelet looks all the time."""
    done = threading.Event()

    def keep_looking() -> None:
        while not done.wait(0.05):
            serving.kubelet.sync("routes")

    thread = threading.Thread(target=keep_looking)
    thread.start()
    yield
    done.set()
    thread.join()


def test_envoy_follows_its_mount_and_tells(serving: Serving, syncing: None) -> None:
    """It serves what is applied, then what is applied next, and its admin interface is the evidence."""
    assert serving.ask("/one/") == "one"
    assert serving.ask("/two/") == "(404)"
    for names in (("one", "two"), ("two",)):
        acks = serving.target.apply(serving.of(*names))
        assert {(ack.state, ack.evidence) for ack in acks} == {(AckState.ACKED, Evidence.ADMIN)}, acks
        assert len(acks) == 3
    assert serving.ask("/one/") == "(404)"
    assert serving.ask("/two/") == "two"
    stats = serving.envoy.admin("/stats?filter=update_rejected|update_failure")
    assert {line.rpartition(" ")[2] for line in stats.splitlines()} == {"0"}


def test_a_new_listener_finds_its_new_file(serving: Serving, syncing: None) -> None:
    """The kubelet links new files a moment after their content is there: Envoy must not stumble over that."""
    listeners = [listener(anyone(ONE), name=f"http-{n}") for n in range(8)]
    options = RenderOptions(service_addresses=serving.addresses, access_log_path="")
    acks = serving.target.apply(render(table(listeners, cluster("one")), options))
    assert {ack.state for ack in acks} == {AckState.ACKED}, acks
    stats = json.loads(serving.envoy.admin("/stats?format=json&filter=update_rejected"))["stats"]
    assert {one["value"] for one in stats} == {0}


def test_what_envoy_refuses_is_no_acknowledgement(serving: Serving, syncing: None) -> None:
    """A listener on an address that is none: rejected, in Envoy's own words, and what was served stays."""
    good = snapshot([ONE], cluster("one"), addresses=serving.addresses)
    host, port = serving.envoy.admin_address  # its words are not among what the probes show
    serving.target._envoys = EnvoyAdmins("t", [f"{host}:{port}"], 5)
    elsewhere = dataclasses.replace(listener(anyone(ONE), name="bad"), address="192.0.2.1")
    both = [listener(anyone(ONE)), elsewhere]
    options = RenderOptions(service_addresses=serving.addresses, access_log_path="")
    acks = serving.target.apply(render(table(both, cluster("one")), options))
    (nack,) = [ack for ack in acks if ack.state is AckState.NACKED]
    assert "192.0.2.1" in nack.detail
    assert serving.ask("/one/") == "one"
    acks = serving.target.apply(good)
    assert {ack.state for ack in acks} == {AckState.ACKED}


def test_an_envoy_that_never_sees_it_is_pending(serving: Serving) -> None:
    """No kubelet brings it: after the time to wait that is what is said, not that all is well."""
    serving.target._envoys = EnvoyAdmins("t", [*serving.target._envoys._addresses, "127.0.0.1:1"], 0.3)  # type: ignore[union-attr]
    acks = serving.target.apply(serving.of("one", "two"))
    assert {(ack.state, ack.evidence) for ack in acks} >= {(AckState.PENDING, Evidence.NONE)}
    assert AckState.NACKED not in {ack.state for ack in acks}
    assert "does not answer" in "".join(ack.detail for ack in acks if ack.node == "127.0.0.1:1")


def test_names_may_change_their_way(api: ApiServer, namespace: str, make: Make) -> None:
    """From one ConfigMap to rotating ones and back: nothing of the one way stays in the way of the other."""
    make().apply(FIRST)
    rotating = make(names=Names.ROTATING)
    assert rotating.observe() is None
    rotating.apply(FIRST)
    assert rotating.observe() == FIRST.digest
    found = held(api, namespace)
    assert (sorted(found["data"]), found.get("binaryData")) == (["current", "history", "replaced"], None)
    fixed = make()
    assert fixed.observe() is None
    fixed.apply(SECOND)
    assert fixed.observe() == SECOND.digest
    assert "data" not in held(api, namespace)


@pytest.mark.parametrize("layout", list(Layout))
def test_unpacked_beside_envoy(api: ApiServer, namespace: str, make: Make, tmp_path: Path, layout: Layout) -> None:
    """A mount goes to a directory that Envoy watches: packed or not, first and next, broken and mended."""
    mount, watched = tmp_path / "mount", tmp_path / "watched"
    shape = Shape(watched if layout is Layout.PACKED else mount, FilesFormat.PB, layout)
    target, kubelet = make(shape), Kubelet(api.admin, namespace, mount)
    unpacker = Unpacker(mount, FilesTarget(watched, FilesFormat.PB, settle_s=0.1))
    with pytest.raises(Transient, match="mount"):
        unpacker.step()
    with Upstream("one") as one, Upstream("two") as two:
        addresses = {"one.test": one.address, "two.test": two.address}
        target.apply(snapshot([ONE], cluster("one"), addresses=addresses))
        kubelet.sync("routes")
        assert unpacker.step()
        with EnvoyProcess(envoy_path(), files_bootstrap(watched), tmp_path / "envoy") as envoy:
            port = envoy.listener_port("http-8080")
            assert get(port, "/one/").upstream == "one"
            api.admin.patch("ConfigMap", "routes", {"binaryData": None}, namespace)
            kubelet.sync("routes")
            with pytest.raises(Stalled, match="missing"):
                unpacker.step()
            eventually(lambda: target.observe() is None)
            target.apply(snapshot([ONE, TWO], cluster("one"), cluster("two"), addresses=addresses))
            kubelet.sync("routes")
            assert unpacker.step()
            assert unpacker.step() is None
            eventually(lambda: get(port, "/two/").upstream == "two")
            assert get(port, "/one/").upstream == "one"


def test_changes_that_are_unpacked_lose_nothing(tmp_path: Path) -> None:
    """A route moves between services that come and go: every request is answered, first by one, then by the other."""
    mount, watched, done, answers = tmp_path / "mount", tmp_path / "watched", threading.Event(), [""]
    shape = Shape(watched, FilesFormat.PB, Layout.PACKED)
    unpacker = Unpacker(mount, FilesTarget(watched, FilesFormat.PB, settle_s=0.3))

    def put(service: str) -> None:
        whole = snapshot([rule("r", "/r/", service)], cluster(service), addresses=addresses)
        write_volume(mount, {key: content for (_, key), content in wanted_keys(whole, shape).items()})
        unpacker.step()

    def keep_asking() -> None:
        while not done.is_set():
            answers.append(get(port, "/r/").upstream)

    with Upstream("one") as one, Upstream("two") as two:
        addresses = {"one.test": one.address, "two.test": two.address}
        put("one")
        with EnvoyProcess(envoy_path(), files_bootstrap(watched), tmp_path / "envoy") as envoy:
            port = envoy.listener_port("http-8080")
            client = threading.Thread(target=keep_asking)
            client.start()
            try:
                for service in ("one", "two") * 3:
                    put(service)
                    eventually(lambda service=service: answers[-1] == service)  # type: ignore[misc]
            finally:
                done.set()
                client.join()
    assert set(answers[1:]) == {"one", "two"}


def test_the_controller_heals_an_edit_and_journals_who(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """From a commit to a ConfigMap that says so; an edit by hand is healed at the next poll, with its author."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/")})
    more = {"kubernetes": "kubeconfig", "kubeconfig": api.kubeconfig(tmp_path / "kubeconfig"), "instance": "edge"}
    gone, there = "configmap:nowhere/routes", f"configmap:{namespace}/routes"
    with on_repository(repository.path, tmp_path / "state", there, **more) as loop:
        applied = reconcile(loop, Decision.APPLIED)
        notes = held(api, namespace)["metadata"]["annotations"]
        assert applied.commit
        assert notes[NOTE + "commit"] == applied.commit.sha
        assert notes[NOTE + "journal-entry"] == str(applied.sequence)
        path, edit = f"/api/v1/namespaces/{namespace}/configmaps/routes", {"binaryData": {"lds.pb": "AAAA"}}
        api.admin.calls.call("PATCH", path, edit, content_type=MERGE, query={"fieldManager": "kubectl-edit"})
        eventually(lambda: loop.edges.targets[0].observe() is None)
        healed = reconcile(loop, Decision.APPLIED)
        assert healed.trigger is Trigger.DRIFT
        assert healed.sequence
        entry = loop.edges.journal.entry(healed.sequence)
        assert entry
        told = json.loads(json.dumps(entry.records[0].body))["drift"][0]
        assert datetime.fromisoformat(told.pop("at")).tzinfo
        assert told == {"target": there, "what": "ConfigMap routes: lds.pb", "by": "kubectl-edit"}
        assert loop.once().quiet
        api.admin.calls.call("PATCH", path, edit, content_type=MERGE, query={"fieldManager": "kubectl-edit"})
        eventually(lambda: loop.edges.targets[0].observe() is None)
        repository.commit({"a.yaml": mapping("a", "/a2/")})
        at_once = reconcile(loop, Decision.APPLIED)
        assert at_once.trigger is not Trigger.DRIFT
        both = loop.edges.journal.entry(at_once.sequence or 0)
        assert both
        assert "kubectl-edit" in json.dumps(both.records[0].body["drift"])
        assert loop.edges.journal.verify().bad is None
        before = version(api, namespace)
    with on_repository(repository.path, tmp_path / "state", gone, there, **more) as loop:
        repository.commit({"b.yaml": mapping("b", "/b/")})
        failed = reconcile(loop, Decision.FAILED)
        assert "nowhere" in failed.message
        assert version(api, namespace) != before  # the other target got it all the same
