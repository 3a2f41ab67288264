"""What a release of the chart consists of, and what is in it."""

from typing import Any

import yaml

from tests.support.chart import rendered
from tests.support.kubernetes import Document

REPO = "git.repo=https://git.example.com/team/routes.git"


def made(values: str = "", *, namespace: str = "shop", release: str = "edge") -> list[Document]:
    """The objects of a release; keys are made only for those who ask."""
    return rendered(
        "--set", ",".join(filter(None, (REPO, "tls.source=certManager", values))), release=release, namespace=namespace
    )


def settings_of(documents: list[Document]) -> dict[str, Any]:
    """The controller's settings."""
    text = next(d["data"]["settings.yaml"] for d in documents if "settings.yaml" in d.get("data", {}))
    return dict(yaml.safe_load(text))


def named(documents: list[Document], kind: str, name: str) -> Document:
    """The object of a kind with a name."""
    (found,) = (d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name))
    return found
