"""What a request for a path of the Kubernetes API is about."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from tests.support.cluster.requests import Request

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as a proxy sees it.

    Attributes:
        what: verb, group, resource and subresource, as RBAC sees them.
        namespace: empty for all, or for what belongs to none.
        name: of the object, empty for a list.
        query: the parameters.
    """

    what: Request
    namespace: str
    name: str
    query: dict[str, str]


def asked(method: str, target: str) -> Asked:
    """What a request is about, after the rules of the API server.

    Args:
        method: of HTTP.
        target: path and query.
    """
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    words = parts.path.strip("/").split("/")
    skip = {"api": 2, "apis": 3}.get(words[0], len(words))
    if len(words) <= skip:
        return Asked(Request(method.lower(), "", parts.path), "", "", query)
    group = words[1] if words[0] == "apis" else ""
    words, namespace = words[skip:], ""
    if words[0] == "namespaces" and len(words) > 1:
        namespace = words[1]
        # The namespace itself, and its own two subresources, are no resources in it.
        if len(words) > 2 and words[2] not in {"status", "finalize"}:
            words = words[2:]
    resource, name, subresource = [*words, "", "", ""][:3]
    watches = query.get("watch", "false").lower() in {"true", "1", ""} and "watch" in query
    return Asked(Request(_verb(method, name, watches=watches), group, resource, subresource), namespace, name, query)


def _verb(method: str, name: str, *, watches: bool) -> str:
    if method in {"GET", "HEAD"}:
        return "watch" if watches else "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    return _VERBS[method]
