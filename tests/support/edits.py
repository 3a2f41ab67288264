"""A repository that changes by chance, commit after commit, the way people and their mistakes change one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import yaml

from reconciler.model.digest import digest_bytes
from reconciler.model.provenance import ObjectTouch, namespace_of, object_path
from reconciler.model.source import (
    ClusterObject,
    Commit,
    Person,
    Realm,
    Revision,
    SourceDelta,
    SourceFile,
    SourceSnapshot,
    realm_of,
)
from tests.support.generated_tables import Document, documents
from tests.support.owned_tables import WRITERS, an_ownership

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_AUTHOR = Person("Ann", "ann@example.com")


def _secured() -> Iterator[Document]:
    """Three ports, and Hosts with TLS.

    One for itself that wants client certificates, two that share a chain, and one whose TLSContext is missing: what
    belongs to it is served nowhere.
    """
    version = "getambassador.io/v3alpha1"
    for port, protocol in ((8080, "HTTP"), (8443, "HTTPS"), (9443, "HTTPS")):
        spec: Document = {
            "port": port,
            "protocol": protocol,
            "securityModel": "XFP" if port == 8080 else "INSECURE",
            "hostBinding": {"namespace": {"from": "ALL"}},
        }
        yield {"apiVersion": version, "kind": "Listener", "metadata": {"name": f"edge-{port}"}, "spec": spec}
    for number, hostname in enumerate(("a.test", "*.test", "b.test", "*")):
        tls: Document = {"tls": {"cert_required": True, "ca_secret": "ca"}} if number == 0 else {}
        spec = {"hostname": hostname, "tlsSecret": {"name": f"certificate-{number // 2}"}} | tls
        if number:
            spec |= {"requestPolicy": {"insecure": {"action": "Route"}}}
        yield {"apiVersion": version, "kind": "Host", "metadata": {"name": f"edge-{number}"}, "spec": spec}
    dark: Document = {"hostname": "x.a.test", "tlsContext": {"name": "missing"}}
    yield {"apiVersion": version, "kind": "Host", "metadata": {"name": "dark"}, "spec": dark}


class EditedRepository:
    """Files, one or two documents in each, and what a source says of them after every edit.

    Args:
        seed: everything follows from it.
        secured: it has ports and Hosts with TLS, and keeps them.
        owned: it has Ownerships, and its files are in folders of three teams.
        shared: half of the documents stand in annotations of two namespaces; now and then nothing is known of them.
    """

    def __init__(self, seed: int, *, secured: bool = False, shared: bool = False, owned: bool = False) -> None:
        self._chance = Random(seed)
        self._owned = owned
        self._shared = shared
        self._numbers = iter(range(10_000))
        self._files: dict[str, tuple[list[Document], Commit]] = {}
        self._broken: dict[str, str] = {}
        self._commit = self._next_commit()
        self._kinds = ("Mapping",) if secured else ("Mapping", "Host", "Listener", "MappingPolicy")
        for document in _secured() if secured else ():
            self._put(document)
        self._kept = frozenset(self._files)
        if owned:
            self._put(self._ownership())
        for _ in range(3):
            for document in self._fresh():
                self._put(document)

    def snapshots(self, count: int) -> Iterator[SourceSnapshot]:
        """The first revision, and those after so many edits."""
        before = self._snapshot(None)
        yield before
        for _ in range(count):
            self._commit = self._next_commit()
            for _ in range(self._chance.choice((1, 1, 1, 1, 2))):
                self._edit()
            after = self._snapshot(before)
            yield after
            before = after

    def _edit(self) -> None:
        chance = self._chance
        path = chance.choice(sorted(self._files.keys() - self._kept))
        held, _ = self._files[path]
        kind = chance.random()
        if self._owned and chance.random() < 0.06:
            self._put(self._ownership())
            return
        self._broken.pop(path, None)
        if kind < 0.03:
            self._broken[path] = chance.choice(
                ("a: [", "kind: Mapping\napiVersion: getambassador.io/v3alpha1\n", "- 1\n")
            )
        elif kind < 0.12 and len(self._files) > 4:
            del self._files[path]
            return
        elif kind < 0.2:
            self._put(chance.choice(self._fresh()))
        elif kind < 0.23:
            self._put(chance.choice(held))  # defined twice from here on
        elif kind < 0.28:
            self._put(_weighted(chance, chance.choice(held)))
        elif kind < 0.32:
            self._files[f"{self._folder('moved')}/{next(self._numbers)}.yaml"] = (held, self._commit)
            del self._files[path]
            return
        else:
            held = [self._changed(document) for document in held]
        self._files[path] = (held, self._commit)

    def _changed(self, document: Document) -> Document:
        chance = self._chance
        if document["kind"] != "Mapping" and chance.random() < 0.9:
            return document
        if document["kind"] == "Ownership":
            return document | {"spec": self._ownership()["spec"]}
        others = [other for other in self._fresh() if other["kind"] == document["kind"]]
        if not others:
            return document
        other = chance.choice(others)
        if chance.random() < 0.5:
            return other | {"metadata": document["metadata"]}
        field = chance.choice(sorted(other["spec"]))
        return document | {"spec": document["spec"] | {field: other["spec"][field]}}

    def _fresh(self) -> list[Document]:
        text = documents(self._chance.randrange(10_000)).text
        found: list[Document] = [one for one in yaml.safe_load_all(text) if one["kind"] in self._kinds]
        for document in found:
            name = f"{document['metadata']['name']}-{self._chance.randrange(30)}"
            document["metadata"] = document["metadata"] | {"name": name}
        return found

    def _put(self, document: Document) -> None:
        path = f"{self._folder('routes')}/{next(self._numbers):05d}.yaml"
        if self._shared and self._chance.random() < 0.5:
            namespace = self._chance.choice(("default", "default", "other"))
            path = object_path("Service", namespace, f"s{next(self._numbers):05d}")
        self._files[path] = ([document], self._commit)

    def _folder(self, otherwise: str) -> str:
        return self._chance.choice(WRITERS) if self._owned else otherwise

    def _ownership(self) -> Document:
        return an_ownership(self._chance, f"owners-{self._chance.randrange(2)}", WRITERS)

    def _next_commit(self) -> Commit:
        number = next(self._numbers)
        at = _BEGAN + timedelta(minutes=number)
        sha = f"{number:040x}"
        return Commit(sha, sha, (), _AUTHOR, at, _AUTHOR, at, f"edit {number}")

    def _snapshot(self, before: SourceSnapshot | None) -> SourceSnapshot:
        dark = frozenset({Realm.CLUSTER}) if self._shared and self._chance.random() < 0.1 else frozenset[Realm]()
        files = tuple(self._file(path) for path in sorted(self._files) if realm_of(path) not in dark)
        revision = Revision("main", self._commit.sha)
        delta = None
        if before is not None and before.revision is not None and not dark | before.dark:
            differing = {one.path for one in set(before.files) ^ set(files)}
            delta = SourceDelta(before.revision, tuple(sorted(differing)))
        return SourceSnapshot(revision, self._commit, files, delta=delta, dark=dark)

    def _file(self, path: str) -> SourceFile:
        held, commit = self._files[path]
        text: str = self._broken.get(path) or yaml.safe_dump_all(held, sort_keys=False)
        content = text.encode()
        namespace = namespace_of(path)
        if namespace is not None:
            touch = ObjectTouch(f"uid of {path}", commit.sha, "kubectl", commit.committed_at)
            return SourceFile(path, digest_bytes(content), content, object=ClusterObject(namespace, touch, (), True))
        return SourceFile(path, digest_bytes(content), content, (commit,) * len(held))


def _weighted(chance: Random, document: Document) -> Document:
    """The same with another name and a weight: the other half of a canary, or a conflict."""
    if document["kind"] != "Mapping":
        return document
    metadata: dict[str, Any] = document["metadata"] | {"name": f"{document['metadata']['name']}-c"}
    weight = {"weight": chance.choice((10, 50))} if chance.random() < 0.8 else {}
    return document | {"metadata": metadata, "spec": document["spec"] | {"service": "canary"} | weight}
