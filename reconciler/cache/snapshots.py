"""What is served, kept on disk when the controller ends: the next one serves it before it has read anything else."""

from pathlib import Path

from reconciler.cache.program import program
from reconciler.cache.records import RecordFile
from reconciler.cache.values import Damaged, Values
from reconciler.model.digest import Digest
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource

_MAX_BYTES = 1_073_741_824


class SnapshotStore:
    """One snapshot on disk.

    Args:
        path: the file; its folder must exist, and one process at a time may use it.
        config_digest: of the settings. Under others, or by another version of the program, the same documents may be
            served otherwise, or not at all: then nothing is recalled.
    """

    def __init__(self, path: Path, config_digest: Digest) -> None:
        self._values = Values((XdsResource,))
        circumstances = "\0".join((program("."), self._values.shape, config_digest))
        self._records = RecordFile(path, circumstances, _MAX_BYTES)

    def recall(self, wanted: Digest | None) -> Snapshot | None:
        """The snapshot that was kept, if it is the one that is wanted; None where there is none, or a damaged one."""
        try:
            found = {TypeUrl(t): set_ for record in self._records.read() for t, set_ in self._set(record)}
        except (Damaged, ValueError):
            return None
        snapshot = Snapshot.of(found)
        return snapshot if snapshot.digest == wanted else None

    def keep(self, snapshot: Snapshot) -> None:
        """Write a snapshot in place of the one before.

        Raises:
            OSError: the disk is full or broken.
        """
        types = (type_url for type_url in TypeUrl if snapshot[type_url].resources)
        self._records.write(self._values.write((str(t), *snapshot[t].resources.values())) for t in types)

    def _set(self, record: bytes) -> list[tuple[str, ResourceSet]]:
        match self._values.read(record):
            case [str(type_url), *resources] if all(isinstance(one, XdsResource) for one in resources):
                # By what they hold: the digests beside them would only say what they were once.
                return [(type_url, ResourceSet.of(XdsResource.of(one.name, one.body) for one in resources))]
            case _:
                raise Damaged("not the resources of a type")
