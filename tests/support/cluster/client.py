"""What tests do with objects, as one user: create, apply, read, change, delete, watch, grant."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from secrets import token_hex

from tests.support.cluster.calls import APPLY, MERGE, Calls, Document, Refused
from tests.support.cluster.kinds import Resource, resources
from tests.support.cluster.users import Address, User
from tests.support.waiting import eventually

_RBAC = "rbac.authorization.k8s.io"


class Client:
    """Reads and changes objects by kind and name.

    A ``kind`` is for example ``ConfigMap``: that of the core group, else of the first group that has one of this name.
    ``events.k8s.io/v1/Event`` says which one is meant. An empty ``namespace`` means all, or that the kind has none.

    Every method raises :class:`Refused` where the server answers with an error.

    Attributes:
        user: who asks.
        calls: for everything that has no method here.
    """

    def __init__(self, address: Address, user: User) -> None:
        self.user = user
        self.calls = Calls(address, user)
        self._known: list[Resource] = []

    def create(self, document: Document, namespace: str = "") -> Document:
        """Create one object; ``namespace`` is for a document that names none."""
        resource, namespace = self._place(document, namespace)
        return self.calls.call("POST", resource.path(namespace), document)

    def apply(
        self, *documents: Document, namespace: str = "", manager: str = "test", force: bool = False
    ) -> list[Document]:
        """Server-side apply each, in order, and return what the server has then.

        Args:
            documents: what is applied. After a CustomResourceDefinition, this waits until its kind is served.
            namespace: for documents that name none.
            manager: the field manager.
            force: whether to take fields over from other managers.
        """
        return [self._apply(document, namespace, manager, force=force) for document in documents]

    def _apply(self, document: Document, namespace: str, manager: str, *, force: bool) -> Document:
        resource, namespace = self._place(document, namespace)
        applied = self.calls.call(
            "PATCH",
            resource.path(namespace, document["metadata"]["name"]),
            document,
            content_type=APPLY,
            query={"fieldManager": manager, "force": json.dumps(force)},
        )
        if resource.kind == "CustomResourceDefinition":
            spec = document["spec"]
            for version in (version["name"] for version in spec["versions"] if version["served"]):
                self.await_kind(f"{spec['group']}/{version}/{spec['names']['kind']}")
        return applied

    def get(self, kind: str, name: str, namespace: str = "", subresource: str = "") -> Document:
        """One object, or one subresource of it, such as ``status``."""
        return self.calls.call("GET", self.resource(kind).path(namespace, name, subresource))

    def find(self, kind: str, name: str, namespace: str = "") -> Document | None:
        """One object, None if there is none of that name."""
        try:
            return self.get(kind, name, namespace)
        except Refused as refused:
            if refused.code != 404:
                raise
            return None

    def list(self, kind: str, namespace: str = "", **query: object) -> list[Document]:
        """All objects; ``query`` is e.g. ``labelSelector="app=shop"``."""
        items: list[Document] = self.collection(kind, namespace, **query)["items"]
        return items

    def collection(self, kind: str, namespace: str = "", **query: object) -> Document:
        """The list as the server answers it, with the ``resourceVersion`` from which a watch goes on."""
        return self.calls.call("GET", self.resource(kind).path(namespace), query=query)

    def watch(self, kind: str, namespace: str = "", **query: object) -> AbstractContextManager[Iterator[Document]]:
        """The events of a watch: ``{"type": ..., "object": ...}``; ``query`` is e.g. ``resourceVersion="12"``."""
        return self.calls.watch(self.resource(kind).path(namespace), query=query)

    def replace(self, document: Document, subresource: str = "") -> Document:
        """Put a changed object in place of the one that was read; a ``Conflict`` if that has changed meanwhile."""
        resource, namespace = self._place(document, "")
        return self.calls.call("PUT", resource.path(namespace, document["metadata"]["name"], subresource), document)

    def patch(self, kind: str, name: str, changes: Document, namespace: str = "", subresource: str = "") -> Document:
        """Merge changes into an object; a field that is None is removed."""
        path = self.resource(kind).path(namespace, name, subresource)
        return self.calls.call("PATCH", path, changes, content_type=MERGE)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete one object."""
        self.calls.call("DELETE", self.resource(kind).path(namespace, name))

    def resource(self, kind: str) -> Resource:
        """Where a kind's objects are."""
        found = self._look(kind)
        if not found:
            self._known = resources(self.calls)  # a CustomResourceDefinition may have come
            found = self._look(kind)
        assert found, f"the server has no {kind}"
        return found

    def await_kind(self, kind: str) -> None:
        """Wait until a kind that was just defined is served."""

        def served() -> bool:
            self._known = resources(self.calls)
            found = self._look(kind)
            return found is not None and self.calls.call("GET", found.path())["kind"].endswith("List")

        eventually(lambda: _unless_too_early(served), what=f"{kind} is served")

    def _look(self, kind: str) -> Resource | None:
        version, _, name = kind.rpartition("/")
        return next((r for r in self._known if r.kind == name and version in ("", r.api_version)), None)

    def _place(self, document: Document, namespace: str) -> tuple[Resource, str]:
        resource = self.resource(f"{document['apiVersion']}/{document['kind']}")
        return resource, document["metadata"].get("namespace", namespace) if resource.namespaced else ""

    def create_namespace(self, name: str = "") -> str:
        """A namespace of this name, or of one that nobody else has; returns the name."""
        name = name or f"test-{token_hex(4)}"
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def remove_namespace(self, name: str) -> None:
        """Delete a namespace with all that is in it, as the controllers do that a bare API server has not."""
        self.resource("Namespace")
        self.delete("Namespace", name)  # from here on nothing new comes in
        with self.calls.connected() as connection:
            for resource in {(r.name, r.api_version.rpartition("/")[0]): r for r in self._known}.values():
                if resource.namespaced and "deletecollection" in resource.verbs:
                    try:
                        self.calls.call("DELETE", resource.path(name), query={"gracePeriodSeconds": 0}, over=connection)
                    except Refused as refused:
                        if refused.code != 404:
                            raise
                        self._known.remove(resource)  # its CustomResourceDefinition is gone
        empty = self.get("Namespace", name)
        empty["spec"]["finalizers"] = []
        self.replace(empty, "finalize")

    def grant(self, user: User, *rules: Document, namespace: str = "") -> None:
        """Allow a user more, in one namespace or in the whole cluster, and wait until the server knows.

        Args:
            user: who is allowed; they need not exist.
            rules: as in a Role, e.g. ``{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}``.
            namespace: where; empty is everywhere.
        """
        kind = "Role" if namespace else "ClusterRole"
        metadata = {"name": f"grant-{token_hex(4)}"} | ({"namespace": namespace} if namespace else {})
        version = f"{_RBAC}/v1"
        self.create({"apiVersion": version, "kind": kind, "metadata": metadata, "rules": list(rules)})
        binding = {
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": metadata["name"]},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user.name}],
        }
        self.create({"apiVersion": version, "kind": f"{kind}Binding", "metadata": metadata} | binding)
        for rule in rules:
            self.await_allowed(user, rule, namespace=namespace)

    def await_allowed(self, user: User, rule: Document, *, namespace: str = "") -> None:
        """Wait until the server allows a user everything that a rule says: it learns of bindings a moment later."""
        attributes = [
            {"verb": verb, "group": group, "resource": resource.partition("/")[0], "namespace": namespace}
            | {"subresource": resource.partition("/")[2], "name": next(iter(rule.get("resourceNames", [])), "")}
            for verb in rule["verbs"]
            for group in rule.get("apiGroups", [""])
            for resource in rule.get("resources", [])
        ]
        for each in attributes:
            eventually(lambda each=each: self.allows(user, each), what=f"{user.name} may {each}")  # type: ignore[misc]

    def allows(self, user: User, attributes: Document) -> bool:
        """Whether a user may do something: ``verb``, ``group``, ``resource``, and so on of a SubjectAccessReview."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "metadata": {},
            "spec": {"user": user.name, "groups": list(user.groups), "resourceAttributes": attributes},
        }
        return bool(self.create(review)["status"]["allowed"])

    def service_account(self, namespace: str, name: str, *, seconds: int = 3600) -> User:
        """A ServiceAccount, made if need be, with a real token as a pod would have it.

        Args:
            namespace: of the account.
            name: of the account.
            seconds: how long the token is good; the server takes no less than 600.
        """
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        self.apply(account, namespace=namespace)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        path = self.resource("ServiceAccount").path(namespace, name, "token")
        answer = self.calls.call("POST", path, request | {"spec": {"expirationSeconds": seconds}})
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return User(f"system:serviceaccount:{namespace}:{name}", answer["status"]["token"], groups)


def _unless_too_early(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except Refused as refused:
        if refused.code not in {404, 429, 503}:  # 429 while its storage is set up
            raise
        return False
