"""What the kubelet does for a Pod: its ConfigMaps and Secrets as files, at places of a test."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.kubernetes import ApiServer, Document


@dataclass(frozen=True)
class Mounts:
    """Where the files of a Pod's only container are.

    Attributes:
        places: the directory on this machine of each mount path.
    """

    places: Mapping[str, Path]

    @classmethod
    def of(cls, api: ApiServer, namespace: str, kind: str, name: str, root: Path) -> "Mounts":
        """Write the files that the Pods of a workload have, below ``root``."""
        spec = api.admin.get(kind, name, namespace)["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        places = {}
        for mount in spec["containers"][0]["volumeMounts"]:
            directory = root / mount["name"]
            directory.mkdir(parents=True, mode=0o700)
            places[mount["mountPath"]] = directory
            _mount(_files(api, namespace, volumes.get(mount["name"], {})), directory)
        return cls(places)

    def path(self, inside: str) -> Path:
        """Where a path of the container is on this machine."""
        return Path(self.placed(inside))

    def placed(self, text: str) -> str:
        """A text with the paths of the container replaced by those on this machine."""
        longest_first = sorted(self.places, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), lambda found: str(self.places[found[0]]), text)


def _mount(files: Mapping[str, bytes], directory: Path) -> None:
    """As the kubelet does it: what a link names is exchanged as a whole, when something changes."""
    (directory / "..data").symlink_to("..first")
    (directory / "..first").mkdir()
    for name, content in files.items():
        (directory / "..first" / name).write_bytes(content)
        (directory / name).symlink_to(f"..data/{name}")


def _files(api: ApiServer, namespace: str, volume: Document) -> dict[str, bytes]:
    if "configMap" in volume:
        found = api.admin.get("ConfigMap", volume["configMap"]["name"], namespace)
        texts = {file: text.encode() for file, text in found.get("data", {}).items()}
        return texts | {file: base64.b64decode(text) for file, text in found.get("binaryData", {}).items()}
    if "secret" in volume:
        data = api.admin.get("Secret", volume["secret"]["secretName"], namespace)["data"]
        return {file: base64.b64decode(text) for file, text in data.items()}
    return {}
