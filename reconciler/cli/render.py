"""``reconciler render``: print any stage of the pipeline."""

import json
from dataclasses import replace
from pathlib import Path

import click

from reconciler.cli.bootstrap import show_bootstrap
from reconciler.cli.options import from_flag, output_flag, settings_flags
from reconciler.cli.reading import Reading, read_from
from reconciler.cli.show import echo_problems, echo_value
from reconciler.cli.stages import stage_options
from reconciler.compile import Options
from reconciler.envoy import ANY_ADMIN_PORT, snapshot_json, static_bootstrap
from reconciler.model.digest import Json
from reconciler.model.errors import Stalled
from reconciler.model.plain import plain
from reconciler.model.plan import RefusalReason
from reconciler.model.problem import Severity
from reconciler.settings import Loaded

_ADMIN = "For --target: where that Envoy answers its operator; port 0 takes a free one."
_INTO = "For --target: write envoy.json there, and with --xds-envoy-certs the files that it names beside it."
_PROBES = "For --target: where everybody may ask that Envoy for /ready and its statistics, and for nothing else."

STAGES = ("resources", "merged", "table", "envoy", "bootstrap")


@click.command()
@click.argument("folder", metavar="[PATH]", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--stage", type=click.Choice(STAGES), default="envoy", show_default=True, help="Which stage to print.")
@click.option("--admin-address", default=ANY_ADMIN_PORT, show_default=True, metavar="HOST:PORT|unix:FILE", help=_ADMIN)
@click.option("--probe-address", default="", metavar="HOST:PORT", help=_PROBES)
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help=_INTO)
@from_flag
@settings_flags("common", "source", "cluster", "language", "target")
@output_flag()
def render(
    folder: Path | None,
    origin: str | None,
    stage: str,
    admin_address: str,
    probe_address: str,
    into: Path | None,
    settings: Loaded,
    output: str,
) -> None:
    """Print what a stage makes of the Mappings in PATH, or of --repo at --ref.

    --stage bootstrap prints one self-contained Envoy configuration that envoy -c runs as it is; with --target xds or
    --target files:DIR, the one that an Envoy fed by that target starts with.
    Problems go to standard error; what is quarantined is left out. A bootstrap without a document that guards every
    request, such as a broken AuthService, is refused.

    \b
    Examples:
      reconciler render routes/ --stage table
      reconciler render routes/ --stage bootstrap --output json > envoy.json && envoy -c envoy.json
    """
    if stage == "bootstrap" and settings.settings.target:
        show_bootstrap(settings.settings, admin_address, probe_address, into, output)
        return
    if stage == "bootstrap":
        settings = _complete(settings)
    reading = read_from(origin, folder, settings)
    echo_problems([problem for problem in reading.compiled.problems if problem.severity is not Severity.INFO])
    if stage == "bootstrap" and reading.compiled.unguarded:
        without = ", ".join(reading.compiled.unguarded)
        raise Stalled(
            RefusalReason.UNGUARDED,
            f"an Envoy with this configuration would let every request pass without {without}",
            "correct it, or remove it if that is intended",
        )
    echo_value(stage_value(reading, stage, stage_options(settings)), output)


def _complete(settings: Loaded) -> Loaded:
    """The settings for a configuration that nobody feeds: DNS for endpoints, and Secrets as files."""
    return replace(settings, settings=replace(settings.settings, endpoints="dns", secrets="files"))


def stage_value(reading: Reading, stage: str, options: Options) -> Json:
    """One stage as plain JSON."""
    match stage:
        case "resources":
            return plain(reading.loaded.resources)
        case "merged":
            return plain(reading.compiled.resources)
        case "table":
            return plain(reading.compiled.table)
        case "envoy":
            return snapshot_json(reading.compiled.snapshot)
    value: Json = json.loads(static_bootstrap(reading.compiled.snapshot, options.render))
    return value
