"""``reconciler config``: the effective settings and where each came from."""

import json

import click

from reconciler.cli.options import output_flag, settings_flags
from reconciler.settings import Loaded


@click.command()
@settings_flags(
    "common", "state", "source", "cluster", "clock", "language", "safety", "target", "voice", "operation", "pages"
)
@output_flag()
def config(settings: Loaded, output: str) -> None:
    """Print the effective settings and where each came from; secrets are redacted.

    Strength, rising: default, --config FILE, environment RECONCILER_*, flags.

    \b
    Example:
      RECONCILER_INTERVAL=30s reconciler config --ref tag:v1.2.0
    """
    shown = settings.shown()
    if output == "json":
        values = {name: {"value": value, "from": settings.origins[name]} for name, value in shown.items()}
        click.echo(json.dumps(values, indent=2))
        return
    width = max(map(len, shown))
    for name, text in settings.typed().items():
        origin = settings.origins[name]
        click.echo(f"{name:<{width}}  {text or '-'}  {click.style(f'({origin})', dim=origin == 'default')}")
