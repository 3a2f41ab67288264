"""What is served, kept on disk for the next start."""

from pathlib import Path

from reconciler.cache import SnapshotStore
from reconciler.model.digest import Digest, digest_bytes
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource
from tests.support.routing import ONE, TWO, cluster, snapshot

SERVED = snapshot([ONE, TWO], cluster("one"), cluster("two"))
SETTINGS = digest_bytes(b"settings")


def store(folder: Path, settings: Digest = SETTINGS) -> SnapshotStore:
    """The store in a folder."""
    return SnapshotStore(folder / "served", settings)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    """Every resource of every type, if it is the one that is asked for."""
    store(tmp_path).keep(SERVED)
    assert store(tmp_path).recall(SERVED.digest) == SERVED
    assert store(tmp_path).recall(Snapshot.of({}).digest) is None
    assert store(tmp_path).recall(None) is None


def test_other_settings_have_no_use_for_it(tmp_path: Path) -> None:
    """Under them the same documents may be served otherwise, or must not be."""
    store(tmp_path).keep(SERVED)
    assert store(tmp_path, digest_bytes(b"others")).recall(SERVED.digest) is None


def test_what_is_damaged_or_absent_is_nothing(tmp_path: Path) -> None:
    """Whatever byte is lost."""
    assert store(tmp_path).recall(SERVED.digest) is None
    store(tmp_path).keep(SERVED)
    held = (tmp_path / "served").read_bytes()
    for cut in range(0, len(held), max(1, len(held) // 50)):
        (tmp_path / "served").write_bytes(held[:cut] + bytes([held[cut] ^ 1]) + held[cut + 1 :])
        assert store(tmp_path).recall(SERVED.digest) is None


def test_a_resource_is_what_it_holds_and_not_what_is_said_of_it(tmp_path: Path) -> None:
    """Another body under the digest of the one that was served is not served."""
    there = SERVED[TypeUrl.ROUTE].resources["http-8080"]
    other = XdsResource(there.name, SERVED[TypeUrl.LISTENER].resources["http-8080"].body, there.digest)
    forged = SERVED.with_changes({TypeUrl.ROUTE: ResourceSet.of([other])})
    assert forged.digest == SERVED.digest
    store(tmp_path).keep(forged)
    assert store(tmp_path).recall(SERVED.digest) is None
