"""Requests to the API server as JSON, with time limits, throttling and retries."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import quote

from reconciler.cluster.attempts import Absent, Attempts
from reconciler.cluster.connection import ClusterSettings, chosen
from reconciler.cluster.discovered import knows, types_of
from reconciler.cluster.failures import Asked, Conflict, Expired, unreadable
from reconciler.cluster.session import Request, Session, TooLarge
from reconciler.cluster.types import EVERYWHERE, ObjectType, Scope
from reconciler.cluster.watching import Watch, WatchEvent
from reconciler.model.digest import Json
from reconciler.model.errors import Stalled

__all__ = ["Body", "Cluster", "Conflict", "Expired", "Listing", "Watch", "WatchEvent", "connect"]

Body = dict[str, Json]

_BY_NAME = "metadata.name="
_RESTARTS = 2
_APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a scope or one page of them, and the version to watch from."""

    items: tuple[Body, ...]
    resource_version: str


def connect(settings: ClusterSettings) -> "Cluster | None":
    """The API server that the settings mean; None where they mean none. Nothing is asked yet.

    Each has connections and a throttle of its own: what must not wait for others, such as a Lease, takes its own.

    Raises:
        Stalled: ``ClusterConfigInvalid``.
        Transient: ``ClusterCredentialsMissing``.
    """
    return None if chosen(settings) == "off" else Cluster(settings)


class Cluster:
    """One API server, as one identity may use it. Safe to use from several threads.

    Every method raises `Stalled` where a person must act (not permitted, an object that the server refuses) and
    `Transient` where it may pass (not reachable, busy, the credentials just expired).
    """

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings
        self._session = Session(settings)
        self._attempts = Attempts(self._session, settings)

    @property
    def describe(self) -> str:
        """The address of the API server, as people may see it."""
        return self._session.address

    def get(self, kind: ObjectType, namespace: str, name: str) -> Body | None:
        """One object; None where it is not there."""
        if not _is_name(name) or kind.namespaced != bool(namespace):
            return None  # such a path would mean something else than this object
        try:
            return self._call(Asked("get", kind, namespace, name), "GET", _path(kind, namespace, name))
        except Absent:
            return None

    def list(self, kind: ObjectType, scope: Scope = EVERYWHERE) -> Listing:
        """All objects of a scope, page by page."""
        for _ in range(_RESTARTS):
            with suppress(Expired):
                return self._whole(kind, scope)
        return self._whole(kind, scope)

    def pages(self, kind: ObjectType, scope: Scope = EVERYWHERE) -> Iterator[Listing]:
        """The same page by page, all of one version; for those who keep little of each object.

        Raises:
            Expired: it took so long that the server forgot that version: begin anew.
        """
        asked, path = _asked("list", kind, scope), _path(kind, scope.namespace)
        size, token = self._settings.page_size, ""
        while True:
            query = _selectors(scope) | {"limit": str(size)} | ({"continue": token} if token else {})
            try:
                answer = self._call(asked, "GET", path, query)
            except TooLarge:
                if size == 1:
                    raise
                size = max(1, size // 4)
                continue
            metadata, objects = _page(answer, kind)
            if metadata is None:
                raise unreadable(f"{asked}: no list with a version")
            yield Listing(objects, str(metadata["resourceVersion"]))
            token = str(metadata.get("continue") or "")
            if not token:
                return

    def watch(self, kind: ObjectType, scope: Scope, since: str, seconds: float) -> Watch:
        """What happens to the objects of a scope after a version, for at most some seconds.

        Raises:
            Expired: the server no longer knows that version (410): list again. Also from the iterator.
        """
        asked = _asked("watch", kind, scope)
        query = _selectors(scope) | {
            "watch": "1",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, int(seconds))),
        }
        request = Request("GET", _path(kind, scope.namespace), query)
        settings = self._settings
        times = settings.request_s, settings.silence_s, settings.line_bytes
        return self._attempts.make(asked, lambda: Watch(self._session, request, asked, *times), most=1)

    def create(self, kind: ObjectType, body: Body) -> Body:
        """Make an object.

        Raises:
            Conflict: it exists.
        """
        namespace, name = _place(body)
        asked = Asked("create", kind, namespace, name)
        return self._call(asked, "POST", _path(kind, namespace), body=body, repeatable=False)

    def replace(self, kind: ObjectType, body: Body) -> Body:
        """Write an object as a whole.

        Raises:
            Conflict: it is not the version in ``metadata.resourceVersion`` any more, or it is gone.
        """
        namespace, name = _place(body)
        asked = Asked("update", kind, namespace, name)
        try:
            return self._call(asked, "PUT", _checked_path(asked), body=body)
        except Absent:
            raise Conflict("ClusterConflict", f"{asked}: it is gone") from None

    def apply(self, kind: ObjectType, body: Body, manager: str, *, force: bool = False, subresource: str = "") -> Body:
        """Server-side apply: make the object hold these fields, owned by ``manager``.

        Args:
            kind: its type.
            body: name, namespace and the fields; with ``metadata.resourceVersion`` only if it still is that version.
            manager: the field manager.
            force: take fields that others own.
            subresource: such as ``status``.

        Raises:
            Conflict: others own one of the fields, or it is another version; for a subresource, it is gone.
        """
        namespace, name = _place(body)
        asked = Asked("patch", kind, namespace, name, subresource)
        query = {"fieldManager": manager} | ({"force": "true"} if force else {})
        whole: Body = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
        try:
            return self._call(asked, "PATCH", _checked_path(asked), query, whole, _APPLY)
        except Absent:
            raise Conflict("ClusterConflict", f"{asked}: it is gone") from None

    def delete(self, kind: ObjectType, namespace: str, name: str, *, uid: str = "", resource_version: str = "") -> bool:
        """Delete an object; False where it was not there.

        Raises:
            Conflict: it is not the one with that uid and version.
        """
        asked = Asked("delete", kind, namespace, name)
        conditions: Body = {key: v for key, v in (("uid", uid), ("resourceVersion", resource_version)) if v}
        options: Body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions}
        try:
            self._call(asked, "DELETE", _checked_path(asked), body=options)
        except Absent:
            return False
        return True

    def serves(self, kind: ObjectType) -> bool:
        """Whether the server knows a type at all (a CRD may not be installed). Asks as `served` does."""
        return kind.plural in self.served(kind)

    def served(self, like: ObjectType) -> frozenset[str]:
        """The types of the group and version of ``like`` that the server knows, by the names in paths.

        That it knows none is believed only where it lists its groups and that one is not among them: a proxy in
        between, or its own page for unknown paths, may say so of anything.

        Raises:
            Transient: also where it is not certain.
        """
        found = self._discovered(like, replace(like, plural="", namespaced=False).path())
        if found is not None:
            return types_of(found, like)
        if like.group and (groups := self._discovered(like, "/apis")) is not None and not knows(groups, like):
            return frozenset()
        raise unreadable(f"the types of {like.api_version} are missing, and nothing says that they are not known")

    def _discovered(self, like: ObjectType, path: str) -> Body | None:
        """What is at a path that tells of types; None where something says that nothing is."""
        try:
            return self._call(Asked("get", like), "GET", path)
        except Absent:
            return None
        except Stalled as error:
            if error.reason == "ClusterTypeMissing":
                return None
            raise

    def close(self) -> None:
        """End what is under way."""
        self._attempts.close()
        self._session.close()

    def _whole(self, kind: ObjectType, scope: Scope) -> Listing:
        pages = tuple(self.pages(kind, scope))
        return Listing(tuple(item for page in pages for item in page.items), pages[-1].resource_version)

    def _call(
        self,
        asked: Asked,
        method: str,
        path: str,
        query: Mapping[str, str] = {},
        body: Body | None = None,
        content_type: str = "application/json",
        *,
        repeatable: bool = True,
    ) -> Body:
        """One request and its answer, with all that is done so that it succeeds."""
        settings = self._settings
        request = Request(method, path, query, body, content_type)
        return self._attempts.make(
            asked, lambda: self._session.ask(request, settings.request_s, settings.page_bytes), repeatable=repeatable
        )


def _page(answer: Body, kind: ObjectType) -> tuple[Body | None, tuple[Body, ...]]:
    """Metadata and objects of a page, each with its type, which lists leave out; None for what is no list."""
    metadata, items = answer.get("metadata"), answer.get("items")
    if not isinstance(metadata, dict) or not metadata.get("resourceVersion") or not isinstance(items, list | None):
        return None, ()
    type_of: Body = {"apiVersion": kind.api_version, "kind": kind.kind}
    return metadata, tuple(type_of | item for item in items or () if isinstance(item, dict))


def _place(body: Body) -> tuple[str, str]:
    metadata = body.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    return str(names.get("namespace") or ""), str(names.get("name") or "")


def _path(kind: ObjectType, namespace: str = "", name: str = "", subresource: str = "") -> str:
    return kind.path(quote(namespace, safe=""), quote(name, safe=""), subresource)


def _checked_path(asked: Asked) -> str:
    """The path of one object that is to be changed."""
    if not _is_name(asked.name) or asked.kind.namespaced != bool(asked.namespace):
        raise Stalled("ClusterRefused", f"{asked}: an object has a name, and a namespace if its type has one")
    return _path(asked.kind, asked.namespace, asked.name, asked.subresource)


def _is_name(name: str) -> bool:
    """Whether it can be a segment of a path, as the API demands."""
    return bool(name) and name not in {".", ".."} and not {"/", "%"} & set(name)


def _asked(verb: str, kind: ObjectType, scope: Scope) -> Asked:
    """Of a collection; with the name where the scope selects one object by it, which RBAC then looks at."""
    return Asked(verb, kind, scope.namespace, scope.fields.removeprefix(_BY_NAME) if _is_one(scope) else "")


def _is_one(scope: Scope) -> bool:
    return scope.fields.startswith(_BY_NAME) and "," not in scope.fields


def _selectors(scope: Scope) -> dict[str, str]:
    return {k: v for k, v in (("labelSelector", scope.labels), ("fieldSelector", scope.fields)) if v}
