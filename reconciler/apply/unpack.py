"""Brings what a ConfigMap holds, as a kubelet mounts it, into a directory that an Envoy beside it watches.

It runs in Envoy's Pod, for what is packed Envoy can't read, and because the kubelet exchanges all files in one moment:
here they are written one after the other, make-before-break, as `FilesTarget` does it.
"""

from pathlib import Path, PurePath

from reconciler.apply.configmap import Layout, Shape, read_files
from reconciler.apply.configmap.content import PACKED
from reconciler.apply.files import FilesTarget
from reconciler.model.digest import Digest
from reconciler.model.errors import Stalled, Transient
from reconciler.model.files import MOUNTED, is_of_layout
from reconciler.model.snapshot import Snapshot


class Unpacker:
    """A mounted ConfigMap and the directory it goes to.

    Args:
        mount: where the kubelet keeps the ConfigMap.
        target: the directory that Envoy watches.
    """

    def __init__(self, mount: Path, target: FilesTarget) -> None:
        self._mount = mount.absolute()
        self._target = target
        self._done = ""

    def step(self) -> Digest | None:
        """Write what is new; None where nothing is.

        Raises:
            Stalled: what is mounted is not what this can read; Envoy goes on with what it has.
            Transient: nothing is mounted yet, or the directory can't be written now.
        """
        try:
            at = str((self._mount / MOUNTED).readlink())
            if at == self._done:
                return None
            snapshot = self._read(self._mount / at)
        except OSError as error:
            hint = "the kubelet mounts a ConfigMap once it is there"
            raise Transient("NothingMounted", f"{self._mount}: {error.strerror}", hint) from error
        self._target.apply(snapshot)
        self._done = at  # only now: what failed is tried again
        return snapshot.digest

    def _read(self, directory: Path) -> Snapshot:
        form = self._target.form
        names = [path.name for path in directory.iterdir() if path.name == PACKED or is_of_layout(path.name, form)]
        files = {name: (directory / name).read_bytes() for name in sorted(names)}
        packed = PACKED in files
        place = PurePath(self._target.directory if packed else self._mount)
        try:
            return read_files(files, Shape(place, form, Layout.PACKED if packed else Layout.FILES))
        except ValueError as error:
            raise Stalled(
                "NotUnpacked",
                f"{self._mount}: {error}",
                f"the controller's settings are to be --configmap-mount {place} --files-format {form}",
            ) from error
