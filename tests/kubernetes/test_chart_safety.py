"""What the chart keeps from whom: certificates of one release, Secrets of a cluster, definitions of others, ports."""

import base64
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from tests.support.chart import CHART, NotRendered
from tests.support.kubernetes import ApiServer, Document
from tests.support.person import Person
from tests.support.release import REPO, made, named, settings_of
from tests.support.rights import rights_in

pytestmark = pytest.mark.usefixtures("helm")

KEYS = "secrets=kubernetes"
EVERY_NAME = "spiffe://cluster.local/ns/edge/sa/envoy"


@pytest.fixture
def person(api: ApiServer, namespace: str, helm: Path, tmp_path: Path) -> Person:
    """Helm in the test's namespace."""
    return Person(helm, tmp_path, api.kubeconfig(tmp_path / "kubeconfig", namespace=namespace))


@dataclass(frozen=True)
class Names:
    """Who is whom between Envoys and the controller of a release.

    Attributes:
        server: what stands in the controller's certificate.
        client: what stands in that of Envoys.
        expected: what Envoys expect of the controller.
        admitted: what the controller expects of Envoys.
    """

    server: list[str]
    client: list[str]
    expected: list[str]
    admitted: list[str]


def names_of(documents: list[Document]) -> Names:
    """As the files of its Pods say it, with certificates of Helm or requests to cert-manager."""

    def alternatives(name: str) -> list[str]:
        (found,) = (d for d in documents if d["kind"] in ("Secret", "Certificate") and d["metadata"]["name"] == name)
        if found["kind"] == "Certificate":
            return list(found["spec"]["dnsNames"])
        certificate = x509.load_pem_x509_certificate(base64.b64decode(found["data"]["tls.crt"]))
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return list(extension.value.get_values_for_type(x509.DNSName))

    bootstrap = yaml.safe_load(named(documents, "ConfigMap", "edge-reconciler-envoy")["data"]["envoy.yaml"])
    (xds,) = (c for c in bootstrap["static_resources"]["clusters"] if c["name"] == "reconciler_xds")
    context = xds["transport_socket"]["typed_config"]["common_tls_context"]["combined_validation_context"]
    matchers = context["default_validation_context"]["match_typed_subject_alt_names"]
    return Names(
        alternatives("edge-reconciler-xds-server"),
        alternatives("edge-reconciler-xds-client"),
        [matcher["matcher"]["exact"] for matcher in matchers],
        settings_of(documents)["xds_client_name"],
    )


@pytest.mark.parametrize("source", ["generated", "certManager"])
def test_releases_of_one_name_do_not_admit_each_other(source: str) -> None:
    """Where the CA is the same, the namespace in every name tells them apart."""
    one, other = (names_of(made(f"tls.source={source}", namespace=name)) for name in ("shop", "games"))
    for names in (one, other):
        assert (names.server, names.client) == (names.expected, names.admitted)
        assert len(names.server) == len(names.client) == 1
    assert one.client == ["edge-reconciler-envoy.shop.svc"]
    assert one.expected == ["edge-reconciler-xds.shop.svc"]
    assert not {*one.server, *one.client} & {*other.server, *other.client}


def test_releases_live_side_by_side() -> None:
    """No object of one is another's: of two in one namespace, nor cluster-wide ones of one name in two."""

    def objects(release: str, namespace: str) -> set[tuple[str, str, str]]:
        found = made("sources.annotations=true,repositoryObject.kind=ConfigMap", release=release, namespace=namespace)
        return {(d["kind"], d["metadata"].get("namespace", ""), d["metadata"]["name"]) for d in found}

    all_of_them = [objects("one", "shop"), objects("two", "shop"), objects("one", "games")]
    assert all(any(kind == "ClusterRole" for kind, _, _ in found) for found in all_of_them)
    assert len(set().union(*all_of_them)) == sum(map(len, all_of_them))


def test_certificates_of_ones_own_have_names_too() -> None:
    """Whoever else has a certificate of that CA does not get in, whether or not somebody names the Envoys."""
    own = "tls.source=secret,tls.serverSecret=a,tls.clientSecret=b"

    def admitted(values: str) -> list[str]:
        return list(settings_of(made(values))["xds_client_name"])

    assert admitted(own) == ["edge-reconciler-envoy.shop.svc"]
    assert admitted(f"{own},tls.clientNames={{{EVERY_NAME}}}") == [EVERY_NAME]
    assert admitted(f"tls.clientNames={{{EVERY_NAME}}}") == ["edge-reconciler-envoy.shop.svc", EVERY_NAME]
    assert "xds_client_name" not in settings_of(made("tls.source=off"))


def test_every_secret_of_a_cluster_is_nothing_one_gets_by_the_way() -> None:
    """Which Secrets may be read is said by name, by namespace, or as all of them in so many words."""
    with pytest.raises(NotRendered, match=r"every Secret of the cluster; name Secrets with rbac\.secretNames"):
        made(KEYS)

    def secrets(values: str) -> set[tuple[str, str]]:
        rights = rights_in(made(f"{KEYS},{values}"))
        return {(right.namespace, right.name) for right in rights if right.resource == "secrets"}

    assert secrets("rbac.secretNames={shop-tls}") == {("", "shop-tls")}
    assert secrets("sources.namespaces={shop}") == {("shop", "")}
    assert secrets("sources.namespaces={shop},rbac.secretNames={shop-tls}") == {("shop", "shop-tls")}
    assert secrets("rbac.anySecret=true") == {("", "")}
    assert secrets("rbac.create=false") == set()


@pytest.mark.parametrize(
    ("values", "groups", "repositories"),
    [
        ("", set(), False),
        ("sources.annotations=true", set(), False),
        ("sources.customResources=true", {"reconciler.dev"}, False),
        ("repositoryObject.kind=RoutingRepository", {"reconciler.dev"}, True),
        ("repositoryObject.kind=RoutingRepository,crds.install=true", {"reconciler.dev"}, True),
        ("sources.customResources=true,crds.install=true", {"reconciler.dev", "getambassador.io"}, False),
        ("sources.customResources=true,repositoryObject.kind=RoutingRepository,crds.install=false", set(), False),
    ],
)
def test_what_asks_no_cluster_takes_nobodys_definitions(values: str, groups: set[str], repositories: bool) -> None:
    """As Argo CD renders it: another one's Mappings would be ours from then on, unless somebody says so."""
    found = [d for d in made(values) if d["kind"] == "CustomResourceDefinition"]
    assert {d["spec"]["group"] for d in found} == groups
    assert any(d["spec"]["names"]["kind"] == "RoutingRepository" for d in found) == repositories


def test_what_asks_a_cluster_brings_what_it_has_not(
    api: ApiServer, namespace: str, person: Person, tmp_path: Path
) -> None:
    """Where Helm can look, it is complete, and it needs no right on what it would not create anyway."""
    wanted = f"{REPO},sources.customResources=true,envoy.enabled=false,tls.source=off,fullnameOverride=fresh"
    printed = person.run("template", "edge", CHART, "--set", wanted, "--dry-run=server")
    kinds = [d["spec"]["names"]["kind"] for d in yaml.safe_load_all(printed) if _is_definition(d)]
    there = {d["metadata"]["name"] for d in api.admin.list("CustomResourceDefinition")}
    bundled = [yaml.safe_load(path.read_text()) for path in (CHART / "files" / "crds").glob("*.yaml")]
    missing = [d["spec"]["names"]["kind"] for d in bundled if d["metadata"]["name"] not in there]
    assert sorted(kinds) == sorted(kind for kind in missing if kind != "RoutingRepository")
    installer = api.admin.service_account(namespace, "installer")
    api.admin.grant(installer, {"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}, namespace=namespace)
    definitions = {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["*"]}
    api.admin.grant(installer, definitions)
    config = api.kubeconfig(tmp_path / "installer", installer, namespace=namespace)
    theirs = Person(person.helm, person.home, config).run(
        "template", "edge", CHART, "--set", wanted, "--dry-run=server"
    )
    assert theirs == printed


def _is_definition(document: Document | None) -> bool:
    return document is not None and document["kind"] == "CustomResourceDefinition"


@pytest.mark.parametrize("mode", ["configMap.enabled=true", "mode=cronjob"])
def test_who_asks_envoys_may_reach_them(mode: str) -> None:
    """The controller asks what they made of the ConfigMap, also where only Prometheus may read metrics."""
    prometheus = {"podSelector": {"matchLabels": {"app": "prometheus"}}}
    only = "networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus"

    def peers(*values: str) -> list[Document] | None:
        policy = named(made(",".join((mode, *values))), "NetworkPolicy", "edge-reconciler-envoy")
        (probes,) = (rule for rule in policy["spec"]["ingress"] if {"port": "probes"} in rule["ports"])
        found: list[Document] | None = probes.get("from")
        return found

    assert peers("configMap.ackSeconds=100") is None
    assert peers(only) == [prometheus]
    asked = peers(only, "configMap.ackSeconds=100")
    assert asked is not None
    assert asked[0] == prometheus
    documents = made(f"{mode},{only},configMap.ackSeconds=100")
    workload = named(documents, "CronJob" if "cronjob" in mode else "StatefulSet", "edge-reconciler")["spec"]
    template = workload["jobTemplate"]["spec"]["template"] if "cronjob" in mode else workload["template"]
    assert asked[1]["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()


def test_envoys_reach_no_metadata_service() -> None:
    """What the controller refuses as a service is out of reach, too, where a name leads there."""
    policy = named(made(), "NetworkPolicy", "edge-reconciler-envoy")
    blocks = [peer["ipBlock"] for rule in policy["spec"]["egress"] for peer in rule["to"] if "ipBlock" in peer]
    except_for = {network for block in blocks for network in block["except"]}
    assert except_for == {
        "169.254.0.0/16",
        "100.100.100.200/32",
        "fe80::/10",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
    }


def test_who_installs_is_told_how_far_objects_reach(person: Person) -> None:
    """Who may annotate a Service says nothing that concerns everybody, unless somebody allows it."""

    def notes(values: str) -> str:
        return person.run("install", "edge", CHART, "--set", f"{REPO},{values}", "--dry-run=client")

    read = "sources.annotations=true,envoy.enabled=false,tls.source=off"
    assert "are read from no object of the cluster" in notes(read)
    assert "hold up plans with a broken one" in notes(f"{read},settings.platform_namespaces={{*}}")
    assert "platform_namespaces" not in notes(f"{read},settings.platform_namespaces={{platform}}").split("NOTES:")[1]
