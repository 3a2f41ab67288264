"""What a user may do by the Roles of a chart, against what they did by the API server's audit log."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.support.kubernetes import Document

_CREATED = 201


class Right(NamedTuple):
    """One thing that a rule allows.

    Attributes:
        verb: e.g. ``watch``.
        group: the API group, empty for the core.
        resource: e.g. ``services``, ``mappings/status``.
        namespace: where; empty is everywhere.
        name: of the only object it is about; empty is any.
    """

    verb: str
    group: str
    resource: str
    namespace: str
    name: str

    def covers(self, event: Document) -> bool:
        """Whether a request, as the audit log has it, needs this right."""
        about = event.get("objectRef", {})
        verb = event["verb"]
        if self.verb == "create" and verb == "patch" and event["responseStatus"]["code"] == _CREATED:
            verb = "create"  # server-side apply of what was not there takes both
        resource = "/".join(filter(None, (about.get("resource", ""), about.get("subresource", ""))))
        return (
            (verb, about.get("apiGroup", ""), resource) == (self.verb, self.group, self.resource)
            and self.namespace in ("", about.get("namespace", ""))
            and self.name in ("", about.get("name", ""))
        )


def rights_in(documents: Iterable[Document]) -> Iterator[Right]:
    """Every right that Roles and ClusterRoles grant, one by one."""
    for document in documents:
        if document["kind"] in ("Role", "ClusterRole"):
            namespace = document["metadata"].get("namespace", "")
            for rule in document["rules"]:
                for name in rule.get("resourceNames", [""]):
                    yield from (
                        Right(verb, group, resource, namespace, name)
                        for verb in rule["verbs"]
                        for group in rule["apiGroups"]
                        for resource in rule["resources"]
                    )


def unused(rights: Iterable[Right], events: Iterable[Document]) -> list[Right]:
    """The rights that no request needed."""
    asked = list(events)
    return sorted(right for right in rights if not any(right.covers(event) for event in asked))


def denied(events: Iterable[Document]) -> list[str]:
    """The requests that were refused for want of a right, as the server put it."""
    return [
        f"{event['verb']} {event['requestURI']}: {event['responseStatus'].get('message', '')}"
        for event in events
        if event.get("responseStatus", {}).get("code") == 403
    ]
