"""Where objects of a kind are, as the API server's discovery tells."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.cluster.calls import Calls, Document

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one version of an API group.

    Attributes:
        api_version: e.g. ``v1`` or ``apps/v1``.
        kind: of its objects.
        name: in paths and RBAC, e.g. ``configmaps``.
        namespaced: whether its objects belong to namespaces.
        verbs: what the server can do with them.
    """

    api_version: str
    kind: str
    name: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Where all, those of a namespace, one of them, or its subresource are."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        place = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return "/".join([f"{root}{place}/{self.name}", *filter(None, (name, subresource))])


def resources(calls: Calls) -> list[Resource]:
    """All that the server has: the core group first, and of each group the preferred version first."""
    found: list[Resource] = []
    for path in ("/api", "/apis"):
        for group in calls.call("GET", path, accept=_AGGREGATED)["items"]:
            found += _of_group(group)
    return found


def _of_group(group: Document) -> Iterator[Resource]:
    name = group["metadata"].get("name", "")
    for version in group["versions"]:
        for resource in version.get("resources", []):
            yield Resource(
                f"{name}/{version['version']}" if name else version["version"],
                resource["responseKind"]["kind"],
                resource["resource"],
                resource["scope"] == "Namespaced",
                frozenset(resource["verbs"]),
            )
