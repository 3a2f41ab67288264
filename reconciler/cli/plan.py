"""``reconciler plan``: what would change, as routing."""

import json
from dataclasses import replace
from pathlib import Path

import click

from reconciler.cli.clock import now
from reconciler.cli.exits import Exit
from reconciler.cli.journal import open_journal
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.reading import read, read_cluster
from reconciler.cli.show import echo_problems, in_colour
from reconciler.cli.stages import stage_options
from reconciler.compile import Compiled, plan_change
from reconciler.model.errors import Stalled
from reconciler.model.plain import plain
from reconciler.model.problem import Severity
from reconciler.plan import as_json, as_markdown, as_text
from reconciler.settings import Loaded
from reconciler.state import State, goes_on, restore


@click.command()
@click.argument("folder", metavar="[PATH]", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--base", metavar="REF", help="Compare with this ref of --repo instead of what was last applied.")
@click.option("--against", type=click.Choice(["cluster"]), help="Compare with what objects of the cluster say.")
@click.option("--exit-code", is_flag=True, help="Exit with 10 when changes are pending.")
@settings_flags("common", "state", "source", "cluster", "language", "safety", "target")
@output_flag("markdown")
def plan(
    folder: Path | None, base: str | None, against: str | None, exit_code: bool, settings: Loaded, output: str
) -> int:
    """Print what PATH, or --repo at --ref, would change: against --base, or what was last applied (--state).

    With --against cluster, against what annotations, custom resources and Ingresses of a cluster say by themselves:
    so you see that moving them into files changes nothing. What is broken there counts as absent, and a route that
    only moves to another place is no change.

    Exits with 0; with 1 when the plan would be refused or has errors; with 10 under --exit-code when changes are
    pending and nothing is wrong.

    \b
    Examples:
      reconciler plan routes/
      reconciler plan --repo https://git.example.com/routes.git --ref my-branch --base main --output markdown
      reconciler plan routes/ --against cluster --kube-context production --exit-code
    """
    if base and against:
        raise click.UsageError("--base and --against exclude each other")
    state = _before(settings, base, against)
    reading = read(folder, settings, state.revision)
    after = reading.compiled
    change = plan_change(state.applied, after, stage_options(settings), goes_on(reading.source, state))
    match output:
        case "json":
            told = as_json(change)
            click.echo(
                json.dumps(told | {"problems": plain(after.problems)} if isinstance(told, dict) else told, indent=2)
            )
        case "markdown":
            click.echo(as_markdown(change, after.problems))
        case _:
            click.echo(as_text(change, colour=in_colour()))
    errors = [problem for problem in after.problems if problem.severity is Severity.ERROR]
    echo_problems(errors)
    if errors or change.refusals:
        return Exit.PROBLEM
    # A route in a file carries another place than the same route in an annotation; that is no change of routing.
    pending = bool(change.changes or change.hosts or change.edge) if against else not change.empty
    return Exit.CHANGES_PENDING if exit_code and pending else Exit.FINE


def _before(settings: Loaded, base: str | None, against: str | None) -> State:
    """What a revision is compared with."""
    if against:
        return State(_of_cluster(settings))
    return State(_base(settings, base)) if base else _last_applied(settings)


def _of_cluster(settings: Loaded) -> Compiled:
    compiled = read_cluster(settings).compiled
    if absent := [str(name) for name, older in compiled.quarantined if not older]:
        click.echo(f"broken in the cluster, and counted as absent: {', '.join(absent)}", err=True)
    return compiled


def _base(settings: Loaded, ref: str) -> Compiled:
    return read(None, replace(settings, settings=replace(settings.settings, ref=ref))).compiled


def _last_applied(settings: Loaded) -> State:
    try:
        journal = open_journal(settings.settings, now, read_only=True)
    except Stalled as error:
        if error.reason == "JournalMissing":
            return State()
        raise
    try:
        return restore(journal, stage_options(settings))
    finally:
        journal.close()
