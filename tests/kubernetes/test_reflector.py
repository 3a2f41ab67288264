"""A copy of the cluster's objects stays true through everything that happens to servers, networks and permissions."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from reconciler.cluster import CONFIG_MAPS, SERVICES, Body, Cluster, ClusterSettings, Pace, Reflector, Scope, connect
from tests.support.kubernetes import ADMIN, Address, ApiServer, Document, FaultyProxy, User, kubeconfig
from tests.support.waiting import eventually

Known: TypeAlias = dict[str, str]

PACE = Pace(watch_s=60, retry_s=0.05, retry_cap_s=0.2)
RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}


def config_map(name: str, key: str = "one") -> Document:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": key}}


class Following:
    """A reflector of one namespace that keeps of each object what stands at `key`, and tells what it did.

    Attributes:
        read: names of the objects that were reduced, in order.
        told: how often it was told of a change.
    """

    def __init__(self, cluster: Cluster, namespace: str, pace: Pace) -> None:
        self.read: list[str] = []
        self.told = 0
        self.reflector = Reflector(cluster, CONFIG_MAPS, self._reduce, self._tell, Scope(namespace), pace)
        self.reflector.start()

    def _reduce(self, body: Body) -> str:
        metadata, data = body["metadata"], body.get("data")
        assert isinstance(metadata, dict)
        self.read.append(str(metadata["name"]))
        return str(data["key"]) if isinstance(data, dict) else ""

    def _tell(self) -> None:
        self.told += 1

    @property
    def known(self) -> Known:
        """What is known, by name."""
        return {name: kept for (_, name), kept in self.reflector.copy().objects.items()}

    @property
    def failure(self) -> str:
        """Why it can't be kept up to date."""
        return self.reflector.copy().failure


Follow: TypeAlias = Callable[..., Following]


@pytest.fixture
def follow(faulty: FaultyProxy, namespace: str, tmp_path: Path) -> Iterator[Follow]:
    """Begins to follow the test's namespace, by default as the administrator and through the proxy."""
    made: list[tuple[Following, Cluster]] = []

    def begin(user: User = ADMIN, address: Address | None = None, pace: Pace = PACE, **settings: object) -> Following:
        file = kubeconfig(tmp_path / f"follow-{len(made)}", address or faulty.address, user)
        cluster = connect(ClusterSettings(kubeconfig=file, **{"request_s": 5.0, "patience_s": 0.5, **settings}))  # type: ignore[arg-type]
        assert cluster
        made.append((Following(cluster, namespace, pace), cluster))
        return made[-1][0]

    yield begin
    for following, cluster in made:
        following.reflector.close()
        cluster.close()


def test_it_lists_and_then_follows(api: ApiServer, follow: Follow, faulty: FaultyProxy, namespace: str) -> None:
    """Each version of each object is read once; everything after the first list comes by one watch."""
    api.admin.create(config_map("a"), namespace)
    api.admin.create(config_map("b"), namespace)
    following = follow()
    assert following.reflector.wait(10)
    assert following.known == {"a": "one", "b": "one"}
    api.admin.create(config_map("c"), namespace)
    api.admin.patch("ConfigMap", "a", {"data": {"key": "two"}}, namespace)
    api.admin.delete("ConfigMap", "b", namespace)
    eventually(lambda: following.known == {"a": "two", "c": "one"})
    assert following.read == ["a", "b", "c", "a"]
    assert (faulty.count("list"), faulty.count("watch"), faulty.count()) == (1, 1, 2)
    assert following.reflector.copy().stale_s < 5


def test_an_empty_namespace_is_known_to_be_empty(follow: Follow) -> None:
    """Having listed nothing is something else than not having listed."""
    following = follow()
    assert not following.reflector.copy().synced or following.known == {}
    assert following.reflector.wait(10)
    eventually(lambda: following.told == 1)
    assert following.reflector.copy().synced


def test_a_copy_never_changes_and_is_made_once(api: ApiServer, follow: Follow, namespace: str) -> None:
    """Who holds one sees one moment; as long as nothing changes, all get the same."""
    api.admin.create(config_map("a"), namespace)
    reflector = (following := follow()).reflector
    assert reflector.wait(10)
    before = reflector.copy()
    assert reflector.copy().objects is before.objects
    api.admin.patch("ConfigMap", "a", {"data": {"key": "two"}}, namespace)
    eventually(lambda: following.known == {"a": "two"})
    assert dict(before.objects) == {(namespace, "a"): "one"}
    assert reflector.copy().generation == before.generation + 1
    with pytest.raises(TypeError):
        before.objects["x"] = "y"  # type: ignore[index]


def test_what_makes_no_difference_is_not_told(api: ApiServer, follow: Follow, namespace: str) -> None:
    """A version that is reduced to the same as the one before wakes nobody."""
    api.admin.create(config_map("a"), namespace)
    following = follow()
    assert following.reflector.wait(10)
    generation = following.reflector.copy().generation
    api.admin.patch("ConfigMap", "a", {"metadata": {"annotations": {"other": "x"}}}, namespace)
    eventually(lambda: following.read == ["a", "a"])
    api.admin.patch("ConfigMap", "a", {"data": {"key": "two"}}, namespace)
    eventually(lambda: following.known == {"a": "two"})
    assert following.reflector.copy().generation == generation + 1
    assert following.told == 2


def test_a_cut_watch_goes_on_from_where_it_was(
    api: ApiServer, follow: Follow, faulty: FaultyProxy, namespace: str
) -> None:
    """What happened meanwhile is told; nothing is listed or read again; that is no failure."""
    api.admin.create(config_map("a"), namespace)
    following = follow()
    eventually(lambda: faulty.open_watches() == 1)
    api.admin.create(config_map("b"), namespace)
    eventually(lambda: "b" in following.known)
    waits = faulty.hang("watch")
    assert faulty.cut_watches() == 1
    api.admin.delete("ConfigMap", "a", namespace)
    api.admin.create(config_map("c"), namespace)
    waits.set()
    eventually(lambda: following.known == {"b": "one", "c": "one"})
    assert faulty.count("list") == 1
    assert following.read == ["a", "b", "c"]
    assert following.failure == ""


def test_an_expired_watch_lists_anew_and_misses_no_deletion(
    api: ApiServer, follow: Follow, faulty: FaultyProxy, namespace: str
) -> None:
    """410: one list more, in which the same version of an object is not read again."""
    for name in ("a", "b", "c"):
        api.admin.create(config_map(name), namespace)
    following = follow()
    eventually(lambda: faulty.open_watches() == 1)
    faulty.mute_watches()
    api.admin.delete("ConfigMap", "a", namespace)
    api.admin.patch("ConfigMap", "b", {"data": {"key": "two"}}, namespace)
    assert faulty.expire_watches() == 1
    eventually(lambda: following.known == {"b": "two", "c": "one"})
    eventually(lambda: faulty.open_watches() == 1)
    assert faulty.count("list") == 2
    assert following.read == ["a", "b", "c", "b"]


def test_endless_expiry_is_no_hot_loop(follow: Follow, faulty: FaultyProxy) -> None:
    """A server that answers every watch with 410 is asked at the pace of failures, says so, and recovers."""
    faulty.expire("configmaps", times=1000)
    following = follow(pace=Pace(retry_s=0.2, retry_cap_s=0.4))
    eventually(lambda: "410" in following.failure or "old" in following.failure)
    count = faulty.count("list")
    began = time.monotonic()
    eventually(lambda: faulty.count("list") >= count + 3)
    assert time.monotonic() - began > 0.4
    faulty.heal()
    eventually(lambda: faulty.open_watches() == 1)
    eventually(lambda: not following.failure)


def test_a_storm_of_refusals_is_waited_out(api: ApiServer, follow: Follow, faulty: FaultyProxy, namespace: str) -> None:
    """429 to everything: told, not hammered, and over when it is over."""
    api.admin.create(config_map("a"), namespace)
    faulty.refuse(429, times=1000, retry_after=0)
    following = follow(pace=Pace(retry_s=0.2, retry_cap_s=0.4))
    eventually(lambda: "slow down" in following.failure)
    assert not following.reflector.copy().synced
    assert faulty.count() < 20
    faulty.heal()
    eventually(lambda: following.known == {"a": "one"})
    eventually(lambda: not following.failure)


def test_a_restarted_server_is_followed_again(api: ApiServer, follow: Follow, namespace: str) -> None:
    """A crash in the middle of a watch, and a deletion before we are back: told as failure, seen as gone."""
    for name in ("a", "b"):
        api.admin.create(config_map(name), namespace)
    following = follow(address=api.address)
    assert following.reflector.wait(10)
    api.kill()
    eventually(lambda: following.failure)
    assert following.known == {"a": "one", "b": "one"}
    api.restart()
    api.admin.delete("ConfigMap", "a", namespace)
    api.admin.create(config_map("c"), namespace)
    eventually(lambda: following.known == {"b": "one", "c": "one"})
    eventually(lambda: not following.failure)


def test_permissions_that_are_taken_away_and_given_back(api: ApiServer, follow: Follow, namespace: str) -> None:
    """What was known stays, the missing rule is named, and all is well when it is there again."""
    user = api.admin.service_account(namespace, "reader")
    api.admin.grant(user, RULE, namespace=namespace)
    api.admin.create(config_map("a"), namespace)
    following = follow(user, pace=Pace(watch_s=1, retry_s=0.05, retry_cap_s=0.2))
    assert following.reflector.wait(10)
    for binding in api.admin.list("RoleBinding", namespace):
        api.admin.delete("RoleBinding", binding["metadata"]["name"], namespace)
    eventually(lambda: 'resources: ["configmaps"], verbs: ["watch"]' in following.failure)
    api.admin.delete("ConfigMap", "a", namespace)
    assert following.known == {"a": "one"}
    api.admin.grant(user, RULE, namespace=namespace)
    eventually(lambda: following.known == {} and not following.failure)


def test_a_deleted_namespace_is_empty(api: ApiServer, follow: Follow, namespace: str, tmp_path: Path) -> None:
    """Its objects are gone, and it is followed still: it may be made anew."""
    doomed = api.admin.create_namespace()
    api.admin.create(config_map("a"), doomed)
    following = follow()
    elsewhere = Following(following.reflector._cluster, doomed, PACE)
    eventually(lambda: elsewhere.known == {"a": "one"})
    api.admin.remove_namespace(doomed)
    eventually(lambda: elsewhere.known == {})
    api.admin.create_namespace(doomed)
    api.admin.create(config_map("again"), doomed)
    eventually(lambda: elsewhere.known == {"again": "one"})
    assert elsewhere.failure == ""
    elsewhere.reflector.close()
    api.admin.remove_namespace(doomed)


def test_a_watch_that_fell_silent_is_cut(api: ApiServer, follow: Follow, faulty: FaultyProxy, namespace: str) -> None:
    """A connection that is open but dead hides a change only for as long as silence is allowed."""
    following = follow(silence_s=1.2)
    eventually(lambda: faulty.open_watches() == 1)
    faulty.mute_watches()
    api.admin.create(config_map("a"), namespace)
    eventually(lambda: following.known == {"a": "one"}, seconds=8)
    assert following.failure == ""
    assert faulty.count("list") <= 2


def test_a_server_that_was_restored_from_a_backup_is_listed_anew(
    api: ApiServer, follow: Follow, faulty: FaultyProxy, namespace: str
) -> None:
    """It knows no version that high and says nothing until it gets there; nor does the copy wait for that.

    What it says then is read, though the versions of objects are the same: they may be given again to other contents.
    """
    api.admin.create(config_map("first"), namespace)
    following = follow(silence_s=1.2)
    eventually(lambda: faulty.open_watches() == 1)

    def listed_anew() -> bool:
        # A bookmark of the watch that is to be cut may come in between.
        if len(following.read) < 2 and following.reflector._version != str(10**9):
            following.reflector._version = str(10**9)
            faulty.cut_watches()
        return len(following.read) >= 2

    eventually(listed_anew, seconds=12)
    api.admin.create(config_map("a"), namespace)
    eventually(lambda: following.known == {"first": "one", "a": "one"}, seconds=8)
    assert following.read[:2] == ["first", "first"]


def test_a_frozen_server_is_told_and_found_again(api: ApiServer, follow: Follow, namespace: str) -> None:
    """Nothing answers: what was known stays, with a failure and its age."""
    api.admin.create(config_map("a"), namespace)
    following = follow(address=api.address, silence_s=0.5, request_s=0.5)
    assert following.reflector.wait(10)
    api.freeze()
    try:
        eventually(lambda: "no answer in time" in following.failure)
        copy = following.reflector.copy()
        assert copy.stale_s > 0.5
        assert following.known == {"a": "one"}
    finally:
        api.thaw()
    api.admin.delete("ConfigMap", "a", namespace)
    eventually(lambda: following.known == {} and not following.failure)


def test_large_annotations_are_whole(api: ApiServer, follow: Follow, namespace: str) -> None:
    """As large as Kubernetes allows, by list and by watch."""
    large = "ü" * (100 * 1024)  # of two bytes each
    following = follow()
    assert following.reflector.wait(10)
    api.admin.create(config_map("a", key=large), namespace)
    annotated = config_map("b")
    annotated["metadata"]["annotations"] = {"note": "x" * (255 * 1024)}
    api.admin.create(annotated, namespace)
    eventually(lambda: following.known == {"a": large, "b": "one"})
    other = follow()
    assert other.reflector.wait(10)
    assert other.known == following.known


def test_many_services_change_often_and_only_what_changed_is_read(
    api: ApiServer, follow: Follow, faulty: FaultyProxy, namespace: str
) -> None:
    """60 Services, 60 changes of their annotations: no request more, and 120 readings."""
    cluster = follow().reflector._cluster
    for number in range(60):
        api.admin.create(service(f"s{number}"), namespace)
    read: list[str] = []

    def reduce(body: Body) -> str:
        metadata = body["metadata"]
        assert isinstance(metadata, dict)
        read.append(str(metadata["name"]))
        annotations = metadata["annotations"]
        return str(annotations["note"]) if isinstance(annotations, dict) else ""

    changed = threading.Event()
    reflector = Reflector(cluster, SERVICES, reduce, changed.set, Scope(namespace), PACE)
    reflector.start()
    eventually(lambda: faulty.open_watches("services") == 1)
    faulty.forget()
    for number in range(60):
        patch = {"metadata": {"annotations": {"note": f"n{number}"}}}
        api.admin.patch("Service", f"s{number}", patch, namespace)
    eventually(lambda: reflector.copy().objects[namespace, "s59"] == "n59")
    assert len(read) == 120
    assert faulty.count() == 0
    assert changed.is_set()
    reflector.close()


def service(name: str) -> Document:
    """A Service without an address: the test server has few of these."""
    spec = {"type": "ExternalName", "externalName": "example.test"}
    metadata = {"name": name, "annotations": {"note": "first"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def test_closing_ends_it_at_once(follow: Follow, faulty: FaultyProxy) -> None:
    """Also while it waits for an event, and while it waits after a failure."""
    following = follow()
    eventually(lambda: faulty.open_watches() == 1)
    began = time.monotonic()
    following.reflector.close()
    faulty.refuse(503, times=1000)
    waiting = follow(pace=Pace(retry_s=60))
    eventually(lambda: waiting.failure)
    waiting.reflector.close()
    assert time.monotonic() - began < 8
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "cluster-configmaps"])
