"""A real Kubernetes API server for tests: real kube-apiserver, real etcd, RBAC, admission and the audit log.

With the fixtures of ``tests/kubernetes/conftest.py``::

    def test_something(api: ApiServer, namespace: str, tmp_path: Path) -> None:
        api.admin.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, namespace=namespace)
        user = api.admin.service_account(namespace, "reconciler")
        api.admin.grant(user, {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}, namespace=namespace)
        config = api.kubeconfig(tmp_path / "kubeconfig", user, namespace=namespace)
        ...
        assert api.requests_of(user) == {("list", "", "configmaps", "")}

With faults, ``faulty`` is a proxy in front of the server::

    def test_something_else(api: ApiServer, faulty: FaultyProxy, namespace: str, tmp_path: Path) -> None:
        config = kubeconfig(tmp_path / "kubeconfig", faulty.address, user, namespace=namespace)
        faulty.refuse(429, "list", "configmaps", retry_after=1)
        ...
        faulty.cut_watches("configmaps")
        assert faulty.count("list", "configmaps") == 2

What it has not, for there are no controllers, scheduler and kubelets: nothing makes Endpoints, Pods or the ``default``
ServiceAccount, nothing collects garbage by ``ownerReferences``, and a deleted namespace stays ``Terminating``
(:meth:`Client.remove_namespace` does the work of that controller). The aggregated ClusterRoles ``view``, ``edit`` and
``admin`` are empty: grant rules of your own. The server learns of Roles and bindings a moment after they are written:
:meth:`Client.grant` and :meth:`Client.await_allowed` wait for that.

One server serves all tests of a test process, each in a namespace of its own: what watches the whole cluster sees what
the process's own test has made, and nothing of other processes.
"""

from pathlib import Path

from tests.support.cluster.calls import APPLY, MERGE, Calls, Document, Refused
from tests.support.cluster.client import Client
from tests.support.cluster.proxy import FaultyProxy
from tests.support.cluster.requests import Request, events_of, request_of
from tests.support.cluster.server import NotStarted, Servers
from tests.support.cluster.tools import Missing, tool
from tests.support.cluster.users import ADMIN, ALICE, BOB, Address, User, kubeconfig

__all__ = [
    "ADMIN",
    "ALICE",
    "APPLY",
    "BOB",
    "MERGE",
    "Address",
    "ApiServer",
    "Calls",
    "Client",
    "Document",
    "FaultyProxy",
    "Missing",
    "NotStarted",
    "Refused",
    "Request",
    "User",
    "kubeconfig",
    "tool",
]


class ApiServer:
    """A kube-apiserver with an etcd of its own.

    Attributes:
        servers: the two processes; how to stop, kill or freeze one of them alone.
        admin: a client that may do everything.
    """

    def __init__(self, root: Path, *, users: tuple[User, ...] = (ALICE, BOB), options: tuple[str, ...] = ()) -> None:
        """It does not run yet.

        Args:
            root: where its files lie; etcd's among them, which a later start finds again.
            users: who has a static token besides :data:`ADMIN`.
            options: further flags of kube-apiserver.
        """
        self.servers = Servers(root, (ADMIN, *users), options)

    def start(self) -> None:
        """Start, and wait until it is ready: some three seconds.

        Raises:
            NotStarted: it did not get ready; with the end of its log.
            Missing: it was never built.
        """
        self.servers.start()
        self.admin = self.client(ADMIN)

    def stop(self) -> None:
        """End it; what it holds stays in ``root``."""
        self.servers.stop()

    def restart(self) -> None:
        """End the API server and start it on the same etcd and port.

        Objects, tokens and certificate stay. Its cache of past changes is gone: a watch from a ``resourceVersion``
        before the restart is answered with 410, ``Expired``.
        """
        self.servers.stop_apiserver()
        self.servers.start_apiserver()

    def kill(self) -> None:
        """End the API server at once, as a crash does; :meth:`restart` brings it back."""
        self.servers.kill_apiserver()

    def freeze(self) -> None:
        """Let it go silent with all connections open; :meth:`thaw` ends that."""
        self.servers.freeze_apiserver()

    def thaw(self) -> None:
        """Let it answer again."""
        self.servers.thaw_apiserver()

    @property
    def address(self) -> Address:
        """Where it answers."""
        return self.servers.address

    def client(self, user: User) -> Client:
        """What a user can do."""
        return Client(self.address, user)

    def kubeconfig(self, to: Path, user: User = ADMIN, *, namespace: str = "default") -> Path:
        """Write a user's kubeconfig file for this server; for a proxy in front of it there is :func:`kubeconfig`."""
        return kubeconfig(to, self.address, user, namespace=namespace)

    def events_of(self, user: User) -> list[Document]:
        """The audit log's events of a user's requests; ``objectRef`` tells namespace and name, too."""
        return list(events_of(self.servers.audit_log, user.name))

    def requests_of(self, user: User) -> set[Request]:
        """What a user asked for, granted or not, as RBAC sees it: ``{(verb, group, resource, subresource)}``."""
        return {request_of(event) for event in self.events_of(user)}

    def refusals_of(self, user: User) -> set[Request]:
        """Those of a user's requests that RBAC refused."""
        return {request_of(event) for event in self.events_of(user) if event["responseStatus"]["code"] == 403}
