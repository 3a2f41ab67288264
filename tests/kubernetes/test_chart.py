"""The Helm chart: a real API server takes what it renders, and what makes no sense it refuses in plain words."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.settings import load
from tests.support import chart
from tests.support.chart import CHART, MANIFESTS, NotRendered, rendered
from tests.support.kubernetes import ApiServer, Document, Refused

_DEFINITIONS = "customresourcedefinitions"
REPO = ("--set", "git.repo=https://git.example.com/team/routes.git")

# What platform teams set, together as they do.
VARIANTS = {
    "as it is": "",
    "one replica with a claim": "replicas=1,leaderElection.enabled=false,state.existingClaim=mine,git.tokenSecret=git",
    "nothing kept": "state.kind=emptyDir,git.sshSecret=git,git.caConfigMap=ca,tls.source=off",
    "everything of the cluster": "sources.annotations=true,sources.ingresses=true,sources.customResources=true,"
    "endpoints=kubernetes,secrets=kubernetes,rbac.secretNames={shop-tls}",
    "a ConfigMap besides": "configMap.enabled=true,configMap.name=routes,sources.annotations=true,"
    "repositoryObject.kind=ConfigMap",
    "some namespaces": "sources.annotations=true,sources.namespaces={TEST},sources.labelSelector=app=shop,events=false",
    "a DaemonSet on ports of the node": "envoy.kind=DaemonSet,envoy.service.type=NodePort,envoy.tlsSecrets={shop-tls},"
    "envoy.drainByAdmin=false",
    "Envoys of one's own": "envoy.enabled=false,networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus",
    "scaled": "envoy.autoscaling.enabled=true,envoy.concurrency=2,envoy.service.loadBalancerSourceRanges={10.0.0.0/8}",
    "a CronJob": "mode=cronjob,configMap.ackSeconds=100,cronjob.timeZone=Europe/Paris,git.tokenSecret=git",
    "as OpenShift wants it": "runAsUser=null,envoy.runAsUser=null,fullnameOverride=routes,image.digest=sha256:"
    + "0" * 64,
    "objects of the cluster alone": "git.repo=,sources.ingresses=true,sources.precedence=cluster",
    "further settings": "settings.interval=30s,settings.sharding=buckets,settings.platform_path={platform},"
    "monitoring.dashboard=true",
}


def flags(variant: str, namespace: str = "reconciler") -> tuple[str, ...]:
    """The flags of a variant."""
    given = VARIANTS[variant].replace("TEST", namespace)
    return (*REPO, "--set", given) if given else REPO


def config_of(documents: list[Document]) -> str:
    """The controller's settings file."""
    return next(str(d["data"]["settings.yaml"]) for d in documents if "settings.yaml" in d.get("data", {}))


def pod_of(document: Document) -> Document | None:
    """The Pod of a workload as it would be created; None for what makes no Pods."""
    spec = document.get("spec", {})
    template = spec.get("jobTemplate", {}).get("spec", {}).get("template") or spec.get("template")
    if template is None:
        return None
    name = f"{document['metadata']['name']}-{document['kind'].lower()}"
    metadata = template["metadata"] | {"name": name}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _with_claims(document, template["spec"])}


def _with_claims(document: Document, spec: Document) -> Document:
    """With the volumes that a StatefulSet's controller adds."""
    claims = document.get("spec", {}).get("volumeClaimTemplates", [])
    added = [{"name": c["metadata"]["name"], "persistentVolumeClaim": {"claimName": "made"}} for c in claims]
    return spec | {"volumes": [*spec.get("volumes", []), *added]}


def create_dry(api: ApiServer, document: Document, namespace: str) -> None:
    """Have the server do all it does for a creation, unknown fields refused, but for keeping it."""
    resource = api.admin.resource(f"{document['apiVersion']}/{document['kind']}")
    where = document["metadata"].get("namespace", namespace) if resource.namespaced else ""
    query = {"dryRun": "All", "fieldValidation": "Strict"}
    there = api.admin.find(document["kind"], document["metadata"]["name"]) if resource.name == _DEFINITIONS else None
    if there is None:  # another test may have left the definition, which takes no second one of the name
        api.admin.calls.call("POST", resource.path(where), document, query=query)


@pytest.fixture(scope="module")
def restricted(api: ApiServer, helm: Path) -> Iterator[str]:
    """A namespace in which the server admits only Pods that ask for nothing special."""
    name = api.admin.create_namespace()
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.admin.patch("Namespace", name, {"metadata": {"labels": label}})
    yield name
    api.admin.remove_namespace(name)


@pytest.mark.parametrize("variant", VARIANTS)
def test_server_and_controller_take_what_is_rendered(
    variant: str, api: ApiServer, restricted: str, tmp_path: Path
) -> None:
    """Each object strictly, each Pod under the restricted standard, and settings that the controller of today knows.

    Git credentials and keys are files of Secrets: no container has one in its environment.
    """
    documents = rendered(*flags(variant, restricted), namespace=restricted)
    for document in documents:
        create_dry(api, document, restricted)
        pod = pod_of(document)
        if pod is not None:
            create_dry(api, pod, restricted)
            assert "envFrom" not in str(pod)
            assert "secretKeyRef" not in str(pod)
    file = tmp_path / "settings.yaml"
    file.write_text(config_of(documents))
    settings = load({}, {}, file).settings
    assert str(settings.state) == "/var/lib/reconciler"
    assert settings.target


def test_pods_that_ask_for_more_are_refused(api: ApiServer, restricted: str) -> None:
    """The namespace is restricted indeed: a port of the node is one thing too many."""
    port = "envoy.ports[0].name=http,envoy.ports[0].containerPort=8080,envoy.ports[0].hostPort=80"
    documents = rendered(*REPO, "--set", f"envoy.kind=DaemonSet,{port}", namespace=restricted)
    pod = next(pod for d in documents if d["kind"] == "DaemonSet" and (pod := pod_of(d)))
    with pytest.raises(Refused, match="hostPort"):
        create_dry(api, pod, restricted)


@pytest.mark.parametrize(
    ("given", "said"),
    {
        "replica=3": "additional properties 'replica' not allowed",
        "replicas=two": "at '/replicas': got string, want integer",
        "settings.intervall=3s": "at '/settings': additional properties 'intervall' not allowed",
        "settings.interval=3": "at '/settings/interval': got number, want string",
        "settings.repo=x": "at '/settings': additional properties 'repo' not allowed",
        "settings.routing=fast": "at '/settings/routing': value must be one of 'list', 'tree', 'auto'",
        "mode=job": "at '/mode': value must be one of 'controller', 'cronjob'",
        "envoy.ports[0].containerPort=80": "at '/envoy/ports/0/containerPort': minimum: got 80, want 1,024",
        "git.tokenSecret=a,git.sshSecret=b": "a repository is read over https or over ssh; name one of them",
        "leaderElection.enabled=false": "enable it or set replicas=1",
        "state.existingClaim=mine": "leave it empty, then each gets its own claim, or set replicas=1",
        "tls.source=secret": "name your Secrets with tls.serverSecret and tls.clientSecret",
        "secrets=kubernetes,tls.source=off": "keys go over xDS with TLS alone",
        "endpoints=kubernetes,configMap.enabled=true": "they go over xDS, and no ConfigMap can hold them",
        "sources.namespaces={shop}": "nothing is read from namespaces",
        "envoy.autoscaling.enabled=true,envoy.kind=DaemonSet": "it goes with envoy.kind=Deployment",
        "git.repo=": "git.repo: expected the address of the repository",
        "sources.ingressClass.default=yes": "at '/sources/ingressClass/default': got string, want boolean",
    }.items(),
)
def test_wrong_values_are_refused(given: str, said: str, helm: Path) -> None:
    """With the place and what would be right."""
    with pytest.raises(NotRendered) as refused:
        rendered(*REPO, "--set", given)
    assert said in str(refused.value)


def _described(schema: dict[str, Any], place: str = "") -> Iterator[str]:
    for name, below in schema.get("properties", {}).items():
        if not below.get("description"):
            yield f"{place}.{name}"
        yield from _described(below, f"{place}.{name}")
        yield from _described(below.get("items", {}), f"{place}.{name}[]")


def _keys(values: object, schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """Places in the values that the schema does not know, and the other way round."""
    known = schema.get("properties")
    if not isinstance(values, dict) or known is None or (place and not values):
        return
    for name in values.keys() ^ known.keys():
        yield f"{place}.{name}"
    for name in values.keys() & known.keys():
        yield from _keys(values[name], known[name], f"{place}.{name}")


def test_every_value_is_described_and_listed() -> None:
    """The schema says what each value is for, and values.yaml shows all of them."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert list(_described(schema)) == []
    assert [place for place in _keys(values, schema) if place != ".global"] == []


def test_helm_finds_nothing_to_say(helm: Path, tmp_path: Path) -> None:
    """``helm lint --strict`` is what a chart repository would run."""
    done = subprocess.run(
        [helm, "lint", "--strict", CHART, *REPO],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_made_files_are_those_of_today(helm: Path) -> None:
    """``make manifests`` would change nothing."""
    assert chart.stale() == []


def test_plain_manifests_are_taken(api: ApiServer, restricted: str) -> None:
    """As they are committed, but for the namespace's name."""
    for name in ("controller.yaml", "envoy.yaml"):
        text = (MANIFESTS / name).read_text().replace("namespace: reconciler\n", f"namespace: {restricted}\n")
        for document in yaml.safe_load_all(text):
            create_dry(api, document, restricted)


def test_only_envoys_reach_xds(helm: Path) -> None:
    """The policy's selectors are the labels of this release's Pods, and of no other's."""
    documents = rendered(*REPO)
    pods = {d["metadata"]["name"]: pod["metadata"]["labels"] for d in documents if (pod := pod_of(d))}
    policies = {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == "NetworkPolicy"}

    def selected(selector: Document) -> list[str]:
        return [name for name, labels in pods.items() if selector["matchLabels"].items() <= labels.items()]

    xds, web = policies["reconciler"]["ingress"]
    assert selected(policies["reconciler"]["podSelector"]) == ["reconciler"]
    assert [port["port"] for port in xds["ports"]] == ["xds"]
    assert [selected(peer["podSelector"]) for peer in xds["from"]] == [["reconciler-envoy"]]
    assert ("from" in web, [port["port"] for port in web["ports"]]) == (False, ["web"])
    assert selected(policies["reconciler-envoy"]["podSelector"]) == ["reconciler-envoy"]
    other = {d["metadata"]["name"]: d for d in rendered(*REPO, release="other")}["other-reconciler-envoy"]
    labels = other["spec"]["template"]["metadata"]["labels"]
    assert not xds["from"][0]["podSelector"]["matchLabels"].items() <= labels.items()


def test_a_token_is_mounted_only_where_the_api_is_spoken_to(helm: Path) -> None:
    """Without features that need the API server, no Pod can call it."""
    alone = "replicas=1,leaderElection.enabled=false,events=false"
    for given, expected in (("replicas=2", {"reconciler"}), (alone, set())):
        pods = {d["metadata"]["name"]: pod for d in rendered(*REPO, "--set", given) if (pod := pod_of(d))}
        assert all(pod["spec"]["automountServiceAccountToken"] is False for pod in pods.values())
        projected = {name for name, pod in pods.items() if any("projected" in v for v in pod["spec"]["volumes"])}
        assert projected == expected
        if not expected:
            assert not [d for d in rendered(*REPO, "--set", given) if d["kind"] in ("Role", "ClusterRole")]


def test_a_database_for_the_journal(helm: Path) -> None:
    """The Secret with its URL is mounted, kept from documents, and each replica has a schema of its own."""
    given = ("--set", "git.repo=https://git.example.com/routes.git", "--set", "journal.urlSecret=journal-database")
    for flags, schema in ((), "{replica}"), (("--set", "mode=cronjob"), "reconciler"):
        documents = rendered(*given, *flags)
        settings = next(
            yaml.safe_load(d["data"]["settings.yaml"]) for d in documents if "settings.yaml" in d.get("data", {})
        )
        assert settings["journal_schema"] == schema
        assert settings["journal_url_file"] == "/etc/reconciler-journal/url"
        assert "reconciler/journal-database" in settings["never_secrets"]
        assert "{'secretName': 'journal-database', 'defaultMode': 288}" in str(documents)


def test_a_journal_keeps_its_name_and_its_key(helm: Path) -> None:
    """The Pod's name is in it only where that stays, or where the journal goes with the Pod; so does its key."""
    given = (*REPO, "--set", "journal.anchorConfigMap=true")
    one = "replicas=1,leaderElection.enabled=false"
    database, key = "journal.urlSecret=journal-database", "journal.keySecret=journal-key"
    for flags, name, schema in (
        ("", "{replica}", None),
        (f"{one},state.existingClaim=mine,{database}", "journal", "reconciler"),
        (f"mode=cronjob,state.kind=emptyDir,{database},{key}", "journal", "reconciler"),
        (f"state.kind=emptyDir,{database}", "{replica}", "{replica}"),
    ):
        documents = rendered(*given, "--set", flags) if flags else rendered(*given)
        settings = next(
            yaml.safe_load(d["data"]["settings.yaml"]) for d in documents if "settings.yaml" in d.get("data", {})
        )
        assert settings["journal_name"].endswith(f"/{name}"), flags
        assert settings.get("journal_schema") == schema, flags
        if key in flags:
            assert settings["journal_key_file"] == "/etc/reconciler-journal-key/journal.key"
            assert "reconciler/journal-key" in settings["never_secrets"]
            assert "{'secretName': 'journal-key', 'defaultMode': 288}" in str(documents)
    with pytest.raises(NotRendered, match="keySecret: the journal outlasts the Pod"):
        rendered(*REPO, "--set", f"mode=cronjob,state.kind=emptyDir,{database}")


def test_pages_are_for_others_with_credentials_only(helm: Path) -> None:
    """Without an access file they are on the Pod's own loopback; with one there is a Service that no route leads to."""
    given = ("--set", "git.repo=https://git.example.com/routes.git")
    for flags, address, services in (
        ((), "127.0.0.1:8082", False),
        (("--set", "pages.accessSecret=who"), "0.0.0.0:8082", True),
        (("--set", "pages.enabled=false,pages.accessSecret=who"), "off", False),
    ):
        documents = rendered(*given, *flags)
        settings = next(
            yaml.safe_load(d["data"]["settings.yaml"]) for d in documents if "settings.yaml" in d.get("data", {})
        )
        assert settings["pages_address"] == address
        assert ("pages_access_file" in settings) is services
        names = {d["metadata"]["name"] for d in documents if d["kind"] == "Service"}
        assert ("reconciler-pages" in names) is services
        policy = next(d for d in documents if d["kind"] == "NetworkPolicy" and d["metadata"]["name"] == "reconciler")
        assert ("pages" in {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}) is services
        assert ("reconciler-pages.reconciler" in settings["never_services"]) is services
        assert ("{'secretName': 'who', 'defaultMode': 288}" in str(documents)) is services


@pytest.mark.parametrize(
    ("flags", "pods"),
    [
        (
            "replicas=3",
            {
                "reconciler-pages": "reconciler-0",
                "reconciler-pages-1": "reconciler-1",
                "reconciler-pages-2": "reconciler-2",
            },
        ),
        ("replicas=1", {"reconciler-pages": "reconciler-0"}),
        ("replicas=2,state.kind=emptyDir", {"reconciler-pages": None}),
    ],
)
def test_pages_of_each_replica_have_an_address_of_their_own(
    helm: Path, flags: str, pods: dict[str, str | None]
) -> None:
    """Their journals differ: whoever comes back finds the same one. No route leads to any of them."""
    documents = rendered(*REPO, "--set", f"pages.accessSecret=who,{flags}")
    selectors = {
        d["metadata"]["name"]: d["spec"]["selector"].get("statefulset.kubernetes.io/pod-name")
        for d in documents
        if d["kind"] == "Service" and "-pages" in d["metadata"]["name"]
    }
    assert selectors == pods
    never = yaml.safe_load(config_of(documents))["never_services"]
    assert {f"{name}.reconciler" for name in pods} <= set(never)
