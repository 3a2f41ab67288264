"""What was served at a moment, rendered again from the journal alone: from its documents, with the settings of then."""

import sys
from dataclasses import dataclass

import click

from reconciler import __version__
from reconciler.cli.exits import Exit
from reconciler.cli.show import echo_value
from reconciler.cli.stages import stage_options
from reconciler.compile import Compiled, Options, compile_routes
from reconciler.envoy import snapshot_json, static_bootstrap
from reconciler.model.errors import Stalled
from reconciler.model.files import FilesFormat
from reconciler.model.problem import Severity
from reconciler.model.question import ServedAt
from reconciler.model.source import SourceSnapshot
from reconciler.model.text import printable
from reconciler.resources import load_origins
from reconciler.settings import recorded


@dataclass(frozen=True, slots=True)
class Again:
    """What the documents of a moment render to here and now.

    Attributes:
        differs: why it is not what was recorded; empty where it is, to the last byte.
    """

    compiled: Compiled
    options: Options
    differs: str


def render_again(found: ServedAt) -> Again:
    """Renders what was served then.

    Raises:
        Stalled: nothing was, or documents or settings of that time are not known.
    """
    if found.entry is None or found.snapshot is None:
        raise Stalled("NothingServed", "nothing was served then", "`reconciler audit log` lists what was applied when.")
    if not found.proven:
        what = "the journal did not keep the documents of that time, or they are not as it recorded them"
        raise Stalled("DocumentsUnknown", what, "See `reconciler audit verify`.")
    if not found.settings:
        what = "the settings of the process that served this were not recorded"
        raise Stalled("UnknownSettings", what, "Only what a process served that recorded its start can be rendered.")
    options = stage_options(recorded(found.settings))
    loaded = load_origins(found.origins, limits=options.limits, ambassador_id=options.ambassador_id)
    compiled = compile_routes(SourceSnapshot(None, None, ()), loaded, options)
    return Again(compiled, options, _difference(found, compiled))


def _difference(found: ServedAt, compiled: Compiled) -> str:
    if compiled.snapshot.digest == found.snapshot:
        return ""
    errors = [problem for problem in compiled.problems if problem.severity is Severity.ERROR]
    rendered = f"rendered to {compiled.snapshot.digest}, but {found.snapshot} was served"
    if found.tool_version != __version__:
        return f"{rendered}: version {found.tool_version or 'unknown'} rendered it, this is {__version__}"
    if errors:
        return f"{rendered}: {errors[0].provenance}: {errors[0].message}"
    return f"{rendered}: a setting then came from a place that is not recorded, or is new in this program"


def show_again(found: ServedAt, output: str) -> int:
    """Prints it: what Envoy was sent as text or JSON, or one self-contained configuration as protobuf.

    Raises:
        Stalled: see `render_again`.
    """
    again = render_again(found)
    snapshot = again.compiled.snapshot
    if output == "pb":
        content = static_bootstrap(snapshot, again.options.render, FilesFormat.PB)
        sys.stdout.buffer.write(content)
    else:
        echo_value(snapshot_json(snapshot), output)
    if again.differs:
        click.echo(f"{click.style('not the same', fg='red')}: {printable(again.differs)}", err=True)
        return Exit.PROBLEM
    click.echo(f"{click.style('ok', fg='green')}: rendered again to {snapshot.digest}, as recorded", err=True)
    return Exit.FINE
