"""What people see with kubectl: Events, status, the RoutingRepository; by whole controllers and a real API server."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.announce import Announcer, EventPosting, Mouths, Place, RepositoryObject, StatusWriting
from reconciler.announce.correlator import Bounds, Entry
from reconciler.announce.notice import Notice, Subject, Weight
from reconciler.announce.object_status import ObjectStatus
from reconciler.announce.progress import Progress
from reconciler.cluster import Cluster, ClusterSettings, ObjectType, Scope
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import Json
from reconciler.model.outcome import Outcome
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import ObjectTouch, Provenance, object_path
from reconciler.model.source import ObjectChange, ObjectOp
from tests.support.cluster.client import Client
from tests.support.command import Controller, Desk
from tests.support.controllers import mapping
from tests.support.crds import DEFINITIONS
from tests.support.kubernetes import APPLY, ApiServer, Document, FaultyProxy, User, kubeconfig
from tests.support.repositories import Repository
from tests.support.waiting import eventually as soon

eventually = partial(soon, seconds=40.0)

EVENT = "events.k8s.io/v1/Event"
REQUESTED_AT = "reconcile.reconciler.dev/requestedAt"
GOOD = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nname: good\nhostname: '*'\nprefix: /good/\nservice: x\n"
BROKEN = GOOD.replace("good", "broken").replace("prefix:", "prefixx:")
FAST = ("--interval", "200ms", "--kube-timeout", "2s", "--envoy", "off", "--log-format", "json")


@dataclass(frozen=True)
class World:
    """A namespace, a repository, and how to run a controller on both."""

    api: ApiServer
    admin: Client
    namespace: str
    desk: Desk
    repository: Repository
    config: Path

    def controller(self, *flags: object) -> AbstractContextManager[Controller]:
        """One that serves files of this machine."""
        places = ("--kubeconfig", self.config, "--namespaces", self.namespace)
        target = ("--target", f"files:{self.desk.out}")
        return self.desk.controller(self.repository.path, *FAST, *places, *target, *flags)

    def annotate(self, name: str, text: str, namespace: str = "") -> Document:
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "annotations": {"getambassador.io/config": text}},
            "spec": {"ports": [{"port": 80}]},
        }
        return self.api.admin.apply(service, namespace=namespace or self.namespace, manager="ann")[0]

    def events(self, reason: str = "", namespace: str = "") -> list[Document]:
        found = self.api.admin.list(EVENT, namespace or self.namespace)
        return [event for event in found if reason in ("", event["reason"])]

    def await_event(self, reason: str, about: str, words: str = "", namespace: str = "") -> Document:
        """Wait for an Event of an object; ``about`` is ``Kind/name``."""
        found: list[Document] = []

        def there() -> bool:
            found[:] = [
                event
                for event in self.events(reason, namespace)
                if about == f"{event['regarding']['kind']}/{event['regarding']['name']}" and words in event["note"]
            ]
            return bool(found)

        try:
            eventually(there, what=f"{reason} on {about}")
        except AssertionError:
            seen = [(e["reason"], e["regarding"]["name"], e["note"]) for e in self.events("", namespace)]
            log = self.desk.root / "controller.log"
            raise AssertionError(f"no {reason} on {about} among {seen}\n{log.read_text()}") from None
        return found[-1]

    def whole(self, kind: str = "RoutingRepository") -> dict[str, Any]:
        """The object for the whole."""
        return self.admin.find(kind, "routes", self.namespace) or {}

    def condition(self, kind: str) -> dict[str, Any]:
        conditions = self.whole().get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def entries(self) -> list[Document]:
        found: list[Document] = self.desk.run("audit", "log", "--state", self.desk.state, "--output", "json").value
        return found


def rules(*more: Document) -> tuple[Document, ...]:
    """What reading annotations takes, and more."""
    return (
        {"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["list", "watch"]},
        *more,
    )


EVENTS = {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}
LANGUAGE = {"apiGroups": ["getambassador.io", "reconciler.dev"], "resources": ["*"], "verbs": ["list", "watch"]}
STATUS = {"apiGroups": ["getambassador.io"], "resources": ["mappings/status"], "verbs": ["patch"]}
WHOLE = {"apiGroups": ["reconciler.dev"], "resources": ["routingrepositories"], "verbs": ["create"]}
NAMED = {"resourceNames": ["routes"]}
WHOLE_BY_NAME = WHOLE | NAMED | {"verbs": ["list", "watch", "patch"]}
WHOLE_STATUS = WHOLE | NAMED | {"resources": ["routingrepositories/status"], "verbs": ["patch"]}


@contextmanager
def worlds(
    api: ApiServer, namespace: str, directory: Path, *granted: Document, proxy: FaultyProxy | None = None
) -> Iterator[World]:
    user: User = api.admin.service_account(namespace, "reconciler")
    api.admin.grant(user, *granted, namespace=namespace)
    address = proxy.address if proxy else api.address
    config = kubeconfig(directory / "kubeconfig", address, user, namespace=namespace)
    repository = Repository.create(directory / "repository")
    repository.commit({"file.yaml": mapping("file", "/file/")})
    yield World(api, api.client(api.admin.user), namespace, Desk(directory), repository, config)


@pytest.fixture(scope="module")
def defined(api: ApiServer) -> Iterator[None]:
    """The API server knows Mappings and RoutingRepositories; not for longer than these tests, for others know none."""
    api.admin.resource("Namespace")  # the client of all tests must not know kinds that will be gone
    admin = api.client(api.admin.user)
    names = ("getambassador.io_mappings.yaml", "reconciler.dev_routingrepositories.yaml")
    definitions = [yaml.safe_load((DEFINITIONS / name).read_text()) for name in names]
    admin.apply(*definitions)
    yield
    for definition in definitions:
        admin.delete("CustomResourceDefinition", definition["metadata"]["name"])


def test_where_events_are_not_permitted_one_line_says_so(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """And everything is served on."""
    with worlds(api, namespace, tmp_path, *rules()) as world:
        with world.controller("--annotations") as controller:
            for number in range(3):
                world.annotate(f"shop-{number}", GOOD.replace("good", f"good-{number}"))
            eventually(lambda: _announcing(controller), what="the log line")

            def metrics() -> Any:
                return asked(controller, "/metrics")

            eventually(lambda: 'reconciler_events_total{result="dropped"} 3.0' in metrics(), what="dropped")
            (line,) = _announcing(controller)
            assert line["about"] == f"events in namespace {namespace}"
            assert 'resources: ["events"], verbs: ["create"]' in line["problem"]
            assert 'reconciler_source_objects{source="cluster"} 3.0' in metrics()
            assert 'reconciler_source_failing{source="cluster"} 0.0' in metrics()
            assert 'reconciler_source_stale_seconds{source="git"}' in metrics()
        assert world.events() == []


def asked(controller: Controller, path: str) -> str:
    """What its web server answers."""
    reply = controller.ask(path)
    return reply.body.decode() if reply else ""


def _announcing(controller: Controller) -> list[dict[str, Any]]:
    return [line for line in controller.events if line["event"] == "announcing"]


def test_the_status_of_a_mapping_says_whether_it_is_served(
    api: ApiServer, namespace: str, tmp_path: Path, defined: None
) -> None:
    """For whoever waits for conditions, and for whoever reads what a peer writes; written where it differs only."""
    with (
        worlds(api, namespace, tmp_path, *rules(LANGUAGE, STATUS)) as world,
        world.controller("--custom-resources", "--no-events") as controller,
    ):
        spec = {"hostname": "*", "prefix": "/shop/", "service": "shop"}
        document = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "metadata": {"name": "shop"}}
        world.admin.apply(document | {"spec": spec}, namespace=namespace)

        def ready(status: str, reason: str, generation: int) -> bool:
            found = world.admin.get("Mapping", "shop", namespace).get("status", {})
            conditions = {one["type"]: one for one in found.get("conditions", [])}
            one = conditions.get("Ready", {})
            return (one.get("status"), one.get("reason"), one.get("observedGeneration")) == (
                status,
                reason,
                generation,
            )

        eventually(lambda: ready("True", "Served", 1), what="the status")
        served = world.admin.get("Mapping", "shop", namespace)
        assert served["status"]["state"] == "Running"
        world.admin.apply(document | {"spec": spec | {"prefix": "/(", "prefix_regex": True}}, namespace=namespace)
        eventually(lambda: ready("False", "Quarantined", 2), what="the status of a broken one")
        broken = world.admin.get("Mapping", "shop", namespace)
        assert broken["status"]["state"] == "Inactive"
        assert "[bad-regex]" in broken["status"]["reason"]
        assert "Its last good version is served" in broken["status"]["reason"]
        more = world.repository.commit({"more.yaml": mapping("more", "/more/")})
        eventually(lambda: any(more in line["revision"] for line in controller.decisions()), what="another reconcile")
        now = world.admin.get("Mapping", "shop", namespace)["metadata"]["resourceVersion"]
        assert now == broken["metadata"]["resourceVersion"]


def test_the_routing_repository_tells_the_whole_and_takes_wishes(
    api: ApiServer, namespace: str, tmp_path: Path, defined: None
) -> None:
    """Revisions, conditions, counts; suspended nothing is applied, also over a restart; and a request is followed."""
    granted = (WHOLE, WHOLE_BY_NAME, WHOLE_STATUS, EVENTS)
    flags = ("--repository-object", f"{namespace}/routes")
    with worlds(api, namespace, tmp_path, *granted) as world:
        first = world.repository.head
        with world.controller(*flags) as controller:
            eventually(lambda: world.condition("Ready").get("status") == "True", what="Ready")
            found = world.whole()
            assert found["spec"]["source"] == {"url": str(world.repository.path), "ref": "main"}
            assert found["status"]["lastAppliedRevision"] == f"main@sha1:{first}"
            assert found["status"]["routes"] == 1
            assert found["status"]["problems"] == 0
            assert found["status"]["observedGeneration"] == found["metadata"]["generation"]
            assert world.condition("Ready")["observedGeneration"] == found["metadata"]["generation"]
            world.await_event("Applied", "RoutingRepository/routes", first)

            suspend(world, True)
            eventually(lambda: world.condition("Suspended").get("status") == "True", what="Suspended")
            second = world.repository.commit({"more.yaml": mapping("more", "/more/")})
            assert "suspended by eve" in world.condition("Suspended")["message"]
            eventually(lambda: "reconciler_suspended 1.0" in asked(controller, "/metrics"), what="the metric")
            world.await_event("Suspended", "RoutingRepository/routes", "by eve")
            assert controller.end() == 0
        with world.controller(*flags, "--interval", "1h") as controller:
            eventually(lambda: '"suspended":true' in asked(controller, "/readyz"), what="a restart")
            assert world.whole()["status"]["lastAppliedRevision"] == f"main@sha1:{first}"
            suspend(world, False)
            eventually(lambda: second in world.whole()["status"]["lastAppliedRevision"], what="what was waiting")
            third = world.repository.commit({"third.yaml": mapping("third", "/third/")})
            world.admin.patch(
                "RoutingRepository", "routes", {"metadata": {"annotations": {REQUESTED_AT: "now"}}}, namespace
            )
            assert controller.await_decision("Applied", third)["trigger"] == "Requested"
            eventually(lambda: world.whole()["status"].get("lastHandledReconcileAt") == "now", what="handled")
            assert controller.end() == 0
        reasons = [(entry.get("reason", ""), entry.get("message", "")) for entry in reversed(world.entries())]
        assert [reason for reason, _ in reasons if reason] == ["Suspended", "Resumed"]
        assert all("by eve" in message for reason, message in reasons if reason)


def suspend(world: World, on: bool) -> None:
    """As somebody with kubectl does."""
    document = {
        "apiVersion": "reconciler.dev/v1alpha1",
        "kind": "RoutingRepository",
        "metadata": {"name": "routes"},
        "spec": {"suspend": on},
    }
    world.admin.apply(document, namespace=world.namespace, manager="eve")


def test_without_that_kind_a_config_map_says_the_same(api: ApiServer, namespace: str, tmp_path: Path) -> None:
    """And is where people suspend; drift of the target is told on the target."""
    maps = {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["get", "list", "watch", "create", "patch", "delete"],
    }
    flags = ("--repository-object", f"configmap:{namespace}/routes", "--target", f"configmap:{namespace}/envoy")
    with worlds(api, namespace, tmp_path, maps, EVENTS) as world, world.controller(*flags):

        def data() -> Any:
            return world.whole("ConfigMap").get("data", {})

        eventually(lambda: data().get("Ready") == "True", what="Ready")
        first = world.repository.head
        assert data()["lastAppliedRevision"] == f"main@sha1:{first}"
        assert data()["routes"] == "1"
        target = api.admin.get("ConfigMap", "envoy", namespace)
        key = next(iter(target["binaryData"]))
        api.admin.patch("ConfigMap", "envoy", {"binaryData": {key: "AAAA"}}, namespace)
        drift = world.await_event("Drift", "ConfigMap/envoy")
        assert drift["type"] == "Warning"
        assert "put back" in drift["note"]
        assert drift["regarding"]["uid"] == target["metadata"]["uid"]
        api.admin.patch("ConfigMap", "routes", {"data": {"suspend": "true"}}, namespace)
        eventually(lambda: data().get("Suspended") == "True", what="suspended")
        world.repository.commit({"more.yaml": mapping("more", "/more/")})
        api.admin.patch("ConfigMap", "routes", {"data": {"suspend": "false"}}, namespace)
        eventually(lambda: data()["lastAppliedRevision"] != f"main@sha1:{first}", what="resumed")


def test_a_team_sees_on_its_service_what_became_of_its_annotation(
    api: ApiServer, namespace: str, tmp_path: Path, faulty: FaultyProxy
) -> None:
    """Applied, broken, quarantined; of another namespace only that it is there; and a server that hangs delays nothing.

    One controller for all of it, since each takes seconds to begin.
    """
    other = api.admin.create_namespace()
    with worlds(api, namespace, tmp_path, *rules(EVENTS), proxy=faulty) as world:
        user = api.admin.service_account(namespace, "reconciler")
        api.admin.grant(user, *rules(EVENTS), namespace=other)
        with world.controller("--annotations", "--namespaces", other) as controller:
            _applied_then_broken(world)
            _a_conflict_of_two_namespaces(world, other)
            _commits_go_on_while_nothing_can_be_said(world, controller, faulty)
    api.admin.remove_namespace(other)


def _applied_then_broken(world: World) -> None:
    """Applied where it is served; what is broken, where, and what to do where it is not."""
    service = world.annotate("shop", GOOD)
    applied = world.await_event("Applied", "Service/shop")
    assert applied["type"] == "Normal"
    assert applied["action"] == "Apply"
    assert applied["regarding"]["uid"] == service["metadata"]["uid"]
    assert f"Mapping {world.namespace}/good created" in applied["note"]
    assert "journal entry" in applied["note"]
    assert applied["reportingController"] == "reconciler.dev/reconciler"
    assert applied["reportingInstance"]
    world.annotate("shop", f"{GOOD}---\n{BROKEN}")
    invalid = world.await_event("Invalid", "Service/shop", "did you mean prefix")
    assert invalid["type"] == "Warning"
    assert "[unknown-field]" in invalid["note"]
    assert "(line " in invalid["note"]
    assert len(invalid["note"].encode()) <= 1024
    world.annotate("shop", GOOD.replace("prefix:", "prefixx:"))
    world.await_event("Quarantined", "Service/shop")


def _a_conflict_of_two_namespaces(world: World, other: str) -> None:
    """Each of the two Services is told of the other, and neither what it is called there."""
    first = GOOD.replace("good", "first")
    world.annotate("first", first)
    world.await_event("Applied", "Service/first")
    world.annotate("second", first.replace("name: first", "name: late"), namespace=other)
    loser = world.await_event("Conflict", "Service/second", namespace=other)
    assert loser["type"] == "Warning"
    assert "as one in another namespace, which was there first" in loser["note"]
    assert world.namespace not in loser["note"]
    winner = world.await_event("Conflict", "Service/first")
    assert winner["type"] == "Normal"
    assert winner["note"].startswith("Mapping in another namespace asks for the same requests")
    assert other not in winner["note"]


def _commits_go_on_while_nothing_can_be_said(world: World, controller: Controller, faulty: FaultyProxy) -> None:
    """An API server that takes requests and never answers delays no reconcile; what happened last is said after it."""
    before = faulty.count("create", "events")
    faulty.hang("create", "events", times=10_000)
    world.annotate("late", GOOD.replace("good", "behind"))
    eventually(lambda: faulty.count("create", "events") >= before + 2, what="a request that hangs")
    began = time.monotonic()
    second = world.repository.commit({"more.yaml": mapping("more", "/more/")})

    def applied() -> Any:
        return [line for line in controller.decisions() if second in line["revision"]]

    eventually(applied, what="the commit")
    assert applied()[0]["decision"] in ("Applied", "Partial")  # what was broken before still is
    assert time.monotonic() - began < 5
    faulty.heal()
    world.await_event("Applied", "Service/late")


@pytest.fixture
def door(api: ApiServer, tmp_path: Path) -> Iterator[Cluster]:
    """The API server as the controller sees it."""
    found = Cluster(ClusterSettings(mode="kubeconfig", kubeconfig=api.kubeconfig(tmp_path / "door"), request_s=10))
    yield found
    found.close()


def test_a_peers_definitions_get_what_they_have_room_for(api: ApiServer, namespace: str, door: Cluster) -> None:
    """Without conditions; and what another controller writes is left to it, and told once."""
    admin = api.client(api.admin.user)
    name = f"peers{namespace.replace('-', '')}"
    kind = ObjectType(f"{name}.example.com", "v1", "hosts", "Host")
    status = {"type": "object", "properties": {"state": {"type": "string"}, "errorReason": {"type": "string"}}}
    schema = {"type": "object", "properties": {"status": status}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Host", "listKind": "HostList", "plural": "hosts", "singular": "host"}
    spec = {"group": kind.group, "scope": "Namespaced", "names": names}
    definition: Document = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"hosts.{kind.group}"},
        "spec": spec | {"versions": [version | {"subresources": {"status": {}}}]},
    }
    admin.apply(definition)
    told: list[tuple[str, str]] = []
    try:
        hosts = [
            admin.create({"apiVersion": kind.api_version, "kind": "Host", "metadata": {"name": one}}, namespace)
            for one in ("ours", "theirs")
        ]
        taken = {"apiVersion": kind.api_version, "kind": "Host", "metadata": {"name": "theirs", "namespace": namespace}}
        path = f"{kind.path(namespace, 'theirs', 'status')}"
        query = {"fieldManager": "peer"}
        admin.calls.call("PATCH", path, taken | {"status": {"state": "Pending"}}, content_type=APPLY, query=query)
        writing = StatusWriting(
            door, [Scope(namespace)], lambda: [kind], lambda: datetime.now(UTC), lambda *words: told.append(words)
        )
        wanted = {}
        for host in hosts:
            subject = Subject("Host", namespace, host["metadata"]["name"], host["metadata"]["uid"])
            wanted[subject] = ObjectStatus(subject, 1, True, True, "Served")
        writing.want(wanted)

        def written() -> bool:
            writing.step()
            return admin.get(f"{kind.api_version}/Host", "ours", namespace).get("status") == {"state": "Ready"}

        eventually(written, what="the status")
        eventually(lambda: writing.step() or told, what="the conflict")
        writing.want(wanted)
        assert not writing.step()
        ((about, problem),) = told
        assert about == "status of Host"
        assert '"peer"' in problem
        assert admin.get(f"{kind.api_version}/Host", "theirs", namespace)["status"] == {"state": "Pending"}
        writing.close()
    finally:
        admin.delete("CustomResourceDefinition", definition["metadata"]["name"])


def test_a_config_map_of_somebody_else_is_not_written(api: ApiServer, namespace: str, door: Cluster) -> None:
    """Nor one whose labels somebody takes away in the very moment; who has none wrong is told once."""
    told: list[tuple[str, str]] = []
    meddle: list[Callable[[], object]] = []

    class Meddling:
        """A door behind which something happens right before a write."""

        def apply(self, *arguments: Any, **more: Any) -> Any:
            while meddle:
                meddle.pop()()
            return door.apply(*arguments, **more)

        def __getattr__(self, name: str) -> Any:
            return getattr(door, name)

    labels: dict[str, Json] = {"app.kubernetes.io/managed-by": "reconciler", "app.kubernetes.io/instance": "edge"}
    place = Place(namespace, "routes", True, {}, labels)
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "routes"}, "data": {"Ready": "mine"}}
    theirs = api.admin.create(foreign, namespace)
    now = datetime.now(UTC)
    progress = Progress().after(Outcome(Trigger.NEW_REVISION, Decision.APPLIED, now, now), "")

    @contextmanager
    def objects() -> Iterator[RepositoryObject]:
        cluster: Any = Meddling()
        found = RepositoryObject(cluster, place, lambda: now, lambda: None, lambda *words: told.append(words))
        found.prepare()
        assert found.wait(10)
        yield found
        found.close()

    def data() -> Any:
        return api.admin.get("ConfigMap", "routes", namespace).get("data")

    with objects() as one:
        assert [one.write(progress, "edge-0") for _ in range(3)] == [False] * 3
        ((about, problem),) = told
        assert about == f"ConfigMap {namespace}/routes"
        assert "is not ours" in problem
        assert "app.kubernetes.io/instance=edge" in problem
        assert api.admin.get("ConfigMap", "routes", namespace) == theirs
    api.admin.delete("ConfigMap", "routes", namespace)
    with objects() as one:
        assert one.write(progress, "edge-0")
        eventually(one.wish, what="it was made")
        assert api.admin.get("ConfigMap", "routes", namespace)["metadata"]["labels"] == labels
        bare = {"metadata": {"labels": None}, "data": {"Ready": "mine"}}
        meddle.append(lambda: api.admin.patch("ConfigMap", "routes", bare, namespace))
        assert not one.write(progress, "edge-0")
        assert data() == {"Ready": "mine"}
        now_ours = api.admin.patch("ConfigMap", "routes", {"metadata": {"labels": labels}}, namespace)
        version = now_ours["metadata"]["resourceVersion"]
        eventually(lambda: (wish := one.wish()) and wish.version == version, what="the watch tells")
        assert one.write(progress, "edge-0")
        assert data()["Ready"] == "True"


def test_a_thousand_broken_objects_are_no_burst(api: ApiServer, namespace: str, door: Cluster) -> None:
    """Requests come at the pace of the bounds, whatever there is to say; and what waits for it is bounded."""
    outcome = Outcome(Trigger.NEW_REVISION, Decision.PARTIAL, datetime.now(UTC), datetime.now(UTC))
    problems = []
    for number in range(1200):
        touch = ObjectTouch(f"u-{number}", "1", "kubectl", datetime.now(UTC))
        place = Provenance(object_path("Service", namespace, f"shop-{number}"), 1, touch)
        problems.append(Problem(Code.NOT_YAML, Severity.ERROR, "not YAML", place))
    posting = EventPosting(door, "edge-0", lambda: datetime.now(UTC), lambda *_: None)
    bounds = Bounds(burst=20, per_second=5)
    announcer = Announcer(Mouths(posting, None, None), lambda: True, "edge-0", lambda *_: None, bounds)
    began = time.monotonic()
    announcer.start()
    announcer.hear(replace(outcome, problems=tuple(problems)), ())
    eventually(lambda: announcer.posted >= 25, what="Events")
    events = api.admin.list(EVENT, namespace)
    assert 25 <= len(events) <= 20 + (time.monotonic() - began) * 5
    began = time.monotonic()
    announcer.close()
    assert time.monotonic() - began < 5


def test_what_is_said_again_is_one_event_that_counts(api: ApiServer, namespace: str, door: Cluster) -> None:
    """Also where an answer was lost and the first is sent twice; one that the server forgot comes again."""
    posting = EventPosting(door, "edge-0", lambda: datetime.now(UTC), lambda *_: None)
    notice = Notice(Subject("Service", namespace, "shop", "u-1"), Weight.WARNING, "Invalid", "Validate", "broken")
    entry = Entry(notice, datetime.now(UTC), 1)
    for again in (entry, entry, replace(entry, count=2), replace(entry, count=3)):
        posting.post(again)
    (event,) = api.admin.list(EVENT, namespace)
    assert event["series"]["count"] == 3
    assert event["series"]["lastObservedTime"] > event["eventTime"]
    assert (event["note"], event["type"]) == ("broken", "Warning")
    api.admin.delete(EVENT, event["metadata"]["name"], namespace)
    posting.post(replace(entry, count=4))
    (event,) = api.admin.list(EVENT, namespace)
    assert event["series"]["count"] == 4
    assert (posting.posted, posting.dropped) == (5, 0)


def test_a_series_stays_one_event_while_the_clock_ticks(api: ApiServer, namespace: str, door: Cluster) -> None:
    """Said thrice by a whole announcer, whose clock is never the same when it is asked."""
    ticks = itertools.count()
    began = datetime.now(UTC)
    posting = EventPosting(door, "edge-0", lambda: began + timedelta(milliseconds=7 * next(ticks)), lambda *_: None)
    announcer = Announcer(Mouths(posting, None, None), lambda: True, "edge-0", lambda *_: None)
    touch = ObjectTouch("u-1", "1", "kubectl", began)
    changed = ObjectChange(object_path("Service", namespace, "shop"), ObjectOp.CHANGED, touch)
    outcome = Outcome(Trigger.NEW_REVISION, Decision.APPLIED, began, began, objects=(changed,))
    announcer.start()
    for said in range(1, 4):
        announcer.hear(outcome, ())
        eventually(lambda said=said: announcer.posted == said, what="it said again")  # type: ignore[misc]
    (event,) = api.admin.list(EVENT, namespace)
    assert event["series"]["count"] == 3
    announcer.close()


def test_only_who_leads_speaks(api: ApiServer, namespace: str, door: Cluster) -> None:
    """And who leads next says what holds then."""
    leads = [False]
    touch = ObjectTouch("u-1", "1", "kubectl", datetime.now(UTC))
    broken = Problem(
        Code.NOT_YAML, Severity.ERROR, "not YAML", Provenance(object_path("Service", namespace, "shop"), 1, touch)
    )
    outcome = Outcome(Trigger.NEW_REVISION, Decision.PARTIAL, datetime.now(UTC), datetime.now(UTC), problems=(broken,))
    asked: list[bool] = []

    def leading() -> bool:
        asked.append(leads[0])
        return leads[0]

    posting = EventPosting(door, "edge-0", lambda: datetime.now(UTC), lambda *_: None)
    announcer = Announcer(Mouths(posting, None, None), leading, "edge-0", lambda *_: None)
    announcer.start()
    announcer.hear(outcome, ())
    eventually(lambda: len(asked) >= 3, what="some rounds")
    assert api.admin.list(EVENT, namespace) == []
    leads[0] = True
    eventually(lambda: api.admin.list(EVENT, namespace), what="the Event")
    announcer.close()
