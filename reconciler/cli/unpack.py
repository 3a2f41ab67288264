"""``reconciler unpack``: beside Envoy, from a mounted ConfigMap to the files that Envoy watches."""

import time
from pathlib import Path

import click

from reconciler.apply import FilesTarget
from reconciler.apply.unpack import Unpacker
from reconciler.model.errors import ReconcileError, Stalled
from reconciler.model.files import FilesFormat
from reconciler.model.text import printable


@click.command()
@click.argument("mount", metavar="MOUNT", type=click.Path(file_okay=False, path_type=Path))
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--once", is_flag=True, help="End when the files are there, or can't be read; for an init container.")
@click.option("--every", type=float, default=1.0, show_default=True, metavar="S", help="Seconds between two looks.")
@click.option(
    "--files-format", type=click.Choice(["pb", "json"]), default="pb", show_default=True, help="As the controller's."
)
def unpack(mount: Path, directory: Path, once: bool, every: float, files_format: str) -> None:
    """Keep the files in DIR at what the ConfigMap at MOUNT holds; until SIGTERM or Ctrl-C.

    It runs in Envoy's Pod: MOUNT is a volume of the ConfigMap, DIR one that Envoy shares, at --configmap-mount.
    Nothing is asked of the cluster.

    \b
    Example:
      reconciler unpack /etc/envoy/packed /etc/envoy/routes --once
    """
    unpacker = Unpacker(mount, FilesTarget(directory, FilesFormat(files_format)))
    said = ""
    while True:
        try:
            digest = unpacker.step()
        except ReconcileError as error:
            if once and isinstance(error, Stalled):
                raise
            words = printable(str(error))
        else:
            words = f"written: {digest}" if digest else said
            if once:
                click.echo(words)
                return
        if words != said:
            click.echo(words)
            said = words
        time.sleep(every)
