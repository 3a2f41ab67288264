"""What a kubelet does with a ConfigMap that a Pod mounts, step by step as its atomic writer does it.

https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/volume/util/atomic_writer.go
"""

import base64
import os
import shutil
import tempfile
from pathlib import Path

from tests.support.cluster.calls import Document
from tests.support.cluster.client import Client

_LINK, _NEW_LINK = "..data", "..data_tmp"


class Kubelet:
    """One mounted volume.

    Args:
        client: of the API server.
        namespace: of the Pod.
        mount: the volume's directory.
    """

    def __init__(self, client: Client, namespace: str, mount: Path) -> None:
        self._client = client
        self._namespace = namespace
        self.mount = mount
        mount.mkdir(parents=True, exist_ok=True)

    def sync(self, name: str) -> None:
        """Bring the volume to what a ConfigMap holds now; without one everything stays, as it does for a Pod."""
        found = self._client.find("ConfigMap", name, self._namespace)
        if found is not None:
            write_volume(self.mount, payload(found))


def write_volume(mount: Path, files: dict[str, bytes]) -> None:
    """Bring a volume to these files, all in one moment."""
    mount.mkdir(parents=True, exist_ok=True)
    link = mount / _LINK
    old = mount / link.readlink() if link.is_symlink() else None
    if old is not None and {path.name: path.read_bytes() for path in old.iterdir()} == files:
        return
    new = Path(tempfile.mkdtemp(prefix="..2026_11_21_00_00_00.", dir=mount))
    new.chmod(0o755)
    for name, content in files.items():
        (new / name).write_bytes(content)
        (new / name).chmod(0o644)
    (mount / _NEW_LINK).symlink_to(new.name)
    (mount / _NEW_LINK).rename(link)
    _link_visible(mount, files)
    if old is not None:
        shutil.rmtree(old)


def _link_visible(mount: Path, files: dict[str, bytes]) -> None:
    """After the exchange, as the kubelet does it: new files are visible a moment later than their content."""
    for name in files:
        if not os.path.lexists(mount / name):
            (mount / name).symlink_to(Path(_LINK) / name)
    for path in mount.iterdir():
        if not path.name.startswith("..") and path.name not in files:
            path.unlink()


def payload(config_map: Document) -> dict[str, bytes]:
    """The files of a ConfigMap."""
    text = {name: value.encode() for name, value in config_map.get("data", {}).items()}
    return text | {name: base64.b64decode(value) for name, value in config_map.get("binaryData", {}).items()}
