"""Secrets as Kubernetes mounts them: files that are links into a directory that is exchanged as a whole."""

import shutil
from pathlib import Path

from tests.support.certificates import self_signed

_LINK = "..data"


def mount(directory: Path, name: str, alternative: str) -> None:
    """Puts a new certificate into a Secret's directory; what was there is replaced in one step.

    Args:
        directory: of the Secret, ``PATH/NAMESPACE/NAME``.
        name: common name of the certificate, and of this version of the Secret.
        alternative: whom it is for, e.g. ``DNS:a.test``.
    """
    version = directory / f"..{name}"
    version.mkdir(parents=True)
    self_signed(version, name, alternative)
    shutil.move(version / f"{name}.crt", version / "tls.crt")
    shutil.move(version / f"{name}.key", version / "tls.key")
    following = directory / "..next"
    following.symlink_to(version.name)
    following.rename(directory / _LINK)
    for key in ("tls.crt", "tls.key"):
        if not (directory / key).is_symlink():
            (directory / key).symlink_to(Path(_LINK, key))
