"""ConfigMaps of one owner: what is not ours is never touched, what changed meanwhile never overwritten.

Writing is server-side apply under a field manager of our own, always against the version that was read. Fields that
somebody else took are taken back, by force, only in an object that is ours and of that very version; what other
managers hold beside them stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.apply.configmap.blame import Writer, owned_by_others, writers
from reconciler.apply.configmap.content import Keys, fields, keys_of
from reconciler.apply.configmap.marks import MANAGER, Owner, metadata_text
from reconciler.cluster import Body, Cluster, Conflict, Scope
from reconciler.cluster.types import CONFIG_MAPS
from reconciler.model.digest import Json
from reconciler.model.errors import Stalled, Transient


@dataclass(frozen=True, slots=True)
class Held:
    """A ConfigMap as it was read.

    Attributes:
        version: its ``resourceVersion``.
        owned: whether it is ours; see `Owner`.
        created: when, as the server writes it.
        writers: who owns what of it.
    """

    name: str
    uid: str
    version: str
    owned: bool
    immutable: bool
    created: str
    keys: Keys
    writers: tuple[Writer, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a ConfigMap is to hold.

    Attributes:
        role: ``content`` or ``pointer``.
        immutable: nobody can change it any more, and kubelets need not watch it.
    """

    name: str
    keys: Keys
    annotations: Mapping[str, Json]
    role: str = "content"
    immutable: bool = False


class Objects:
    """The ConfigMaps of an owner in one namespace.

    Args:
        cluster: the API server.
        namespace: theirs.
        owner: whose they are.
        is_ours: whether a key in one of them is ours whoever wrote it; others are left alone.
        may_write: asked right before every write; without it nothing is written.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        owner: Owner,
        is_ours: Callable[[str], bool],
        may_write: Callable[[], bool],
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._owner = owner
        self._is_ours = is_ours
        self._may_write = may_write

    def look(self, name: str) -> Held | None:
        """One of them, or what is not ours and has its name; None where there is none."""
        body = self._cluster.get(CONFIG_MAPS, self._namespace, name)
        return None if body is None else self._held(body)

    def all(self, role: str) -> tuple[Held, ...]:
        """Those of a role, the newest first."""
        scope = Scope(self._namespace, labels=self._owner.selector(role))
        found = [self._held(body) for body in self._cluster.list(CONFIG_MAPS, scope).items]
        return tuple(sorted(found, key=lambda held: (held.created, held.name), reverse=True))

    def write(self, wanted: Wanted, held: Held | None) -> Held:
        """Make a ConfigMap hold what is wanted, and nothing else under keys of ours.

        Args:
            wanted: what.
            held: the version of it on which that was decided; None where there was none.

        Returns:
            It as the server has it now.

        Raises:
            Stalled: it is not ours, can't be changed, or the server refuses it.
            Transient: it is another version by now, or we may not write any more. Nothing was overwritten.
        """
        if held is None:
            return self._alone(self._put(wanted, None), wanted)
        self._check(held)
        strays = self._strays(held, wanted.keys)
        if strays:
            # A key of others is removed in two steps: take it, then leave it out. One name can't be in both sections.
            names = {key for _, key in strays}
            kept = {place: content for place, content in wanted.keys.items() if place[1] not in names}
            taken = Wanted(wanted.name, kept | dict.fromkeys(strays, b""), wanted.annotations, wanted.role)
            held = self._put(taken, held)
        return self._put(wanted, held)

    def delete(self, held: Held) -> None:
        """Delete the very version that was read.

        Raises:
            Stalled: it is not ours.
            Transient: it is another version by now, or we may not write any more.
        """
        self._check_owned(held)
        self._permit()
        try:
            self._cluster.delete(CONFIG_MAPS, self._namespace, held.name, uid=held.uid, resource_version=held.version)
        except Conflict as conflict:
            raise self._changed(held.name) from conflict

    def _put(self, wanted: Wanted, held: Held | None) -> Held:
        body = self._body(wanted, held)
        self._permit()
        try:
            return self._held(self._cluster.apply(CONFIG_MAPS, body, MANAGER))
        except Conflict as conflict:
            now = self.look(wanted.name)
            if now is not None and now.owned and now.keys.items() >= wanted.keys.items():
                return now  # the answer to a first attempt was lost on the way
            if now is None or held is None or now.version != held.version:
                raise self._changed(wanted.name) from conflict
        self._permit()  # it is ours and still the same: others own some of the fields
        try:
            return self._held(self._cluster.apply(CONFIG_MAPS, body, MANAGER, force=True))
        except Conflict as conflict:
            raise self._changed(wanted.name) from conflict

    def _alone(self, made: Held, wanted: Wanted) -> Held:
        """What was made, unless somebody else made one of that name in the same moment: then ours is taken out."""
        if made.keys.keys() == wanted.keys.keys() and not owned_by_others(made.writers):
            return made
        metadata: Body = {"namespace": self._namespace, "name": made.name, "resourceVersion": made.version}
        self._cluster.apply(CONFIG_MAPS, {"metadata": metadata}, MANAGER)
        raise self._changed(made.name)

    def _body(self, wanted: Wanted, held: Held | None) -> Body:
        metadata: dict[str, Json] = {
            "namespace": self._namespace,
            "name": wanted.name,
            "labels": self._owner.labels(wanted.role),
            "annotations": dict(wanted.annotations),
        }
        if held is not None:
            metadata["resourceVersion"] = held.version
        more: Body = {"immutable": True} if wanted.immutable else {}
        return {"metadata": metadata, **fields(wanted.keys), **more}

    def _held(self, body: Body) -> Held:
        return Held(
            metadata_text(body, "name"),
            metadata_text(body, "uid"),
            metadata_text(body, "resourceVersion"),
            self._owner.owns(body),
            body.get("immutable") is True,
            metadata_text(body, "creationTimestamp"),
            keys_of(body),
            writers(body),
        )

    def _strays(self, held: Held, wanted: Keys) -> frozenset[tuple[str, str]]:
        others = owned_by_others(held.writers)
        return frozenset(
            place for place in held.keys if place in others and place not in wanted and self._is_ours(place[1])
        )

    def _check(self, held: Held) -> None:
        self._check_owned(held)
        if held.immutable:
            raise Stalled(
                "ConfigMapImmutable",
                f"ConfigMap {self._namespace}/{held.name} was made immutable: nobody can change it any more",
                "delete it, and it is made anew; --configmap-names rotating makes such",
            )

    def _check_owned(self, held: Held) -> None:
        if not held.owned:
            labels = ", ".join(f"{key}={value}" for key, value in self._owner.labels("content").items())
            raise Stalled(
                "ConfigMapForeign",
                f"there is a ConfigMap {self._namespace}/{held.name} that is not ours: it stays as it is",
                f"name another, or delete it; one with the labels {labels} is ours",
            )

    def _permit(self) -> None:
        if not self._may_write():
            raise Transient("NotLeader", "another replica leads: nothing is written", "it goes on by itself")

    def _changed(self, name: str) -> Transient:
        return Transient(
            "ConfigMapChanged",
            f"ConfigMap {self._namespace}/{name} was changed in the moment it was to be written",
            "nothing was overwritten; it is looked at again",
        )
