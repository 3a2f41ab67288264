"""What an Envoy starts with that is fed by a target: one file, or with TLS to the xDS server three."""

import json
from pathlib import Path

from reconciler.cli import configmaps
from reconciler.cli.show import echo_value
from reconciler.envoy import XdsTls, files_bootstrap, secret_files, xds_bootstrap
from reconciler.model.errors import Stalled
from reconciler.model.files import FilesFormat
from reconciler.settings import Settings

_NAME = "envoy.json"


def show_bootstrap(s: Settings, admin: str, probes: str, into: Path | None, output: str) -> None:
    """Print the bootstrap for the first target, or write it, with the files that it names, into a directory.

    Raises:
        Stalled: there is none for such a target, a setting is missing, or the directory can't be written.
    """
    if probes and admin.endswith(":0"):
        what = "--probe-address shows what the admin interface says, and its port is not known"
        raise Stalled("InvalidSettings", what, "add --admin-address unix:FILE")
    if s.target[0] == "none":
        raise Stalled("InvalidSettings", "--target none feeds no Envoy", "name xds or files:DIR, or leave it out")
    files = bootstrap_files(s, admin, probes, (into or Path()).absolute())
    if into is not None:
        _write(files, into)
    elif len(files) > 1:
        what = f"with --xds-envoy-certs Envoy starts with several files: {', '.join(files)}"
        raise Stalled("InvalidSettings", what, "name a directory for them with --into")
    else:
        echo_value(json.loads(files[_NAME]), output)


def bootstrap_files(s: Settings, admin: str, probes: str, directory: Path) -> dict[str, bytes]:
    """The files by name, as they belong into ``directory`` on Envoy's machine."""
    target = s.target[0]
    if target != "xds":
        mounted = target.startswith(configmaps.PREFIX)
        fed = configmaps.configmap_shape(s).directory if mounted else Path(target.removeprefix("files:")).absolute()
        return {_NAME: files_bootstrap(fed, FilesFormat(s.files_format), admin=admin, probes=probes)}
    tls = XdsTls(Path(s.xds_envoy_certs), directory) if s.xds_envoy_certs else None
    bootstrap = xds_bootstrap(s.xds_address, admin=admin, probes=probes, tls=tls)
    return {_NAME: bootstrap} | (secret_files(tls) if tls else {})


def _write(files: dict[str, bytes], directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (directory / name).write_bytes(content)
    except OSError as error:
        raise Stalled(
            "FileNotWritable", f"{error.filename}: {error.strerror}", "another directory for --into"
        ) from error
