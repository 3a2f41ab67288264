"""Everything in ``deploy/`` that is made from something else; ``make manifests`` writes it, a test holds it equal.

- the bootstraps of the chart's Envoys, as ``reconciler render --stage bootstrap`` prints them
- the chart's copies of the custom resource definitions, which Helm takes from nowhere else
- the part of the chart's schema that describes the controller's settings
- the plain manifests, as Helm renders them from the chart
- the alerts and the dashboard for those who don't use the chart
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from reconciler.cli.configmaps import configmap_shape
from reconciler.envoy import XdsTls, files_bootstrap, secret_files, xds_bootstrap
from reconciler.settings import Settings, parse
from reconciler.settings.settings import Spec, specs
from tests.support.kubernetes import Missing, tool

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "chart"
MANIFESTS = DEPLOY / "kubernetes"

# Settings that the chart's other values decide, and those that mean nothing in a Pod.
OWNED = {
    "repo": "git.repo",
    "ref": "git.ref",
    "path": "git.path",
    "git_token": "git.tokenSecret",
    "git_token_file": "git.tokenSecret",
    "ssh_key_file": "git.sshSecret",
    "known_hosts_file": "git.sshSecret",
    "ca_file": "git.caConfigMap",
    "allow_local": "",
    "target": "configMap",
    "state": "state",
    "journal_url": "journal.urlSecret",
    "journal_url_file": "journal.urlSecret",
    "journal_schema": "journal.schema",
    "endpoints": "endpoints",
    "secrets": "secrets",
    "configmap_mount": "",
    "configmap_layout": "",
    "configmap_names": "",
    "configmap_keep": "",
    "files_format": "",
    "envoy_admin": "configMap.ackSeconds",
    "leader_election": "leaderElection.enabled",
    "lease_name": "leaderElection.leaseName",
    "lease_namespace": "",
    "instance": "",
    "replica": "",
    "events": "events",
    "status": "status",
    "repository_object": "repositoryObject",
    "kubernetes": "",
    "annotations": "sources.annotations",
    "custom_resources": "sources.customResources",
    "ingresses": "sources.ingresses",
    "ingress_class": "sources.ingressClass.name",
    "namespaces": "sources.namespaces",
    "label_selector": "sources.labelSelector",
    "precedence": "sources.precedence",
    "kubeconfig": "",
    "kube_context": "",
    "xds_address": "",
    "web_address": "",
    "pages_address": "pages.enabled",
    "pages_access_file": "pages.accessSecret",
    "xds_cert_file": "tls",
    "xds_key_file": "tls",
    "xds_client_ca_file": "tls",
    "xds_client_name": "tls",
    "xds_insecure": "tls",
    "xds_envoy_certs": "",
}

_AS_OF = ("--kube-version", "1.36.0")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the manifests are long, and the other is slow
_DURATION = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
_ADMIN, _PROBES = "unix:/run/envoy/admin.sock", "0.0.0.0:8002"
_XDS = "XDS-HOST:18000"
XDS_TLS = XdsTls(PurePosixPath("/run/reconciler-xds"), PurePosixPath("/etc/envoy-bootstrap"))
_HEAD = "# Made by `make manifests` from the chart. Change values there, or use this as a base of kustomize.\n"


class NotRendered(Exception):
    """Helm refuses; these are its words."""


def rendered(*flags: str, release: str = "reconciler", namespace: str = "reconciler") -> list[dict[str, Any]]:
    """The objects that Helm makes of the chart, in its order.

    Raises:
        NotRendered: it refuses the values.
    """
    return [document for document in yaml.load_all(_template(flags, release, namespace), _LOADER) if document]


@lru_cache(maxsize=64)
def _template(flags: tuple[str, ...], release: str, namespace: str) -> str:
    command = [str(tool("helm")), "template", release, str(CHART), *("--namespace", namespace)]
    with TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.environ["PATH"]}
        done = subprocess.run([*command, *_AS_OF, *flags], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise NotRendered(done.stderr)
    return str(done.stdout)


def setting_schema(spec: Spec) -> dict[str, Any]:
    """What the chart's schema says of one setting."""
    one: dict[str, Any]
    match spec.parse:
        case parse.OneOf(choices=choices):
            one = {"enum": list(choices)}
        case parse.boolean:
            one = {"type": "boolean"}
        case parse.count:
            one = {"type": "integer", "minimum": 0}
        case parse.duration:
            one = {"type": "string", "pattern": _DURATION}
        case parse.share:
            one = {
                "anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": "^[0-9]+%$"}]
            }
        case _:
            one = {"type": "string"}
    return ({"type": "array", "items": one} if spec.many else one) | {"description": spec.help}


def schema() -> dict[str, Any]:
    """The chart's schema with the controller's settings of today."""
    written: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    written["properties"]["settings"] = {
        "type": "object",
        "description": "Further settings of the controller, by the names of docs/reference/settings.md.",
        "additionalProperties": False,
        "properties": {name: setting_schema(spec) for name, spec in specs().items() if name not in OWNED},
    }
    return written


def bootstraps() -> dict[str, str]:
    """The files of the chart that Envoys start with, by name."""
    found = {
        "envoy-xds.yaml": xds_bootstrap(_XDS, admin=_ADMIN, probes=_PROBES),
        "envoy-xds-tls.yaml": xds_bootstrap(_XDS, admin=_ADMIN, probes=_PROBES, tls=XDS_TLS),
        "envoy-files.yaml": files_bootstrap(configmap_shape(Settings()).directory, admin=_ADMIN, probes=_PROBES),
    }
    return {name: _readable(name, text) for name, text in (found | secret_files(XDS_TLS)).items()}


def _readable(name: str, text: bytes) -> str:
    value = json.loads(text)
    return json.dumps(value, indent=2) + "\n" if name.endswith(".json") else yaml.safe_dump(value)


def made() -> dict[Path, str]:
    """Every made file with its content; those of the chart first, since the others are rendered from it."""
    files = {CHART / "files" / name: text for name, text in bootstraps().items()}
    files |= {CHART / "files" / "crds" / path.name: path.read_text() for path in (DEPLOY / "crds").glob("*.yaml")}
    files[CHART / "values.schema.json"] = json.dumps(schema(), indent=2) + "\n"
    return files


def manifests() -> dict[Path, str]:
    """What is rendered from the chart as it is written."""
    documents = rendered("--values", str(MANIFESTS / "values.yaml"))
    parts: dict[str, list[dict[str, Any]]] = {"controller": [], "envoy": []}
    for document in documents:
        part = "envoy" if document["metadata"]["name"].endswith("-envoy") else "controller"
        parts[part].append(_plain(document))
    files = {MANIFESTS / f"{part}.yaml": _HEAD + _yaml(found) for part, found in parts.items()}
    files[DEPLOY / "dashboards" / "reconciler.json"] = (CHART / "files" / "dashboard.json").read_text()
    alerts = (CHART / "files" / "alerts.yaml").read_text()
    files[DEPLOY / "alerts" / "reconciler.yaml"] = alerts.replace("WHERE", 'namespace=~".*"').replace(
        "STALE_AFTER", "600"
    )
    return files


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """Without what says that Helm installed it."""
    labels = document["metadata"].get("labels", {})
    for name in ("helm.sh/chart", "app.kubernetes.io/managed-by"):
        labels.pop(name, None)
    template = document.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})
    for name in ("helm.sh/chart", "app.kubernetes.io/managed-by"):
        template.pop(name, None)
    return document


class _Readable(yaml.SafeDumper):
    """YAML as people write it: texts of several lines as such, and long lines left alone."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _text)


def _yaml(documents: Sequence[object]) -> str:
    return yaml.dump_all(documents, Dumper=_Readable, sort_keys=False, width=1000)


def stale() -> list[Path]:
    """The made files that are not as they would be made today."""
    return [path for path, text in (made() | manifests()).items() if not path.exists() or path.read_text() != text]


def check() -> None:
    """Lint the chart, and hold the made files to what they are made from; says so where there is no Helm to do it.

    Raises:
        SystemExit: something is wrong; says what.
    """
    try:
        lint = [
            str(tool("helm")),
            "lint",
            "--strict",
            "--quiet",
            str(CHART),
            "--values",
            str(MANIFESTS / "values.yaml"),
        ]
    except Missing as missing:
        print(f"the chart is not checked: {missing}")
        return
    if subprocess.run([*lint, "--values", str(MANIFESTS / "values.yaml")], check=False).returncode:
        raise SystemExit("helm lint found something")
    if found := stale():
        raise SystemExit(f"run make manifests: {', '.join(map(str, found))}")


def main() -> None:
    """Write them all."""
    for files in (made, manifests):
        for path, text in files().items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


if __name__ == "__main__":
    check() if "--check" in sys.argv else main()
