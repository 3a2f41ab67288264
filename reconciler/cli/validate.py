"""``reconciler validate``: all problems of a folder or a revision, best first."""

import json
from pathlib import Path

import click

from reconciler.cli.checking import envoy_check
from reconciler.cli.exits import Exit
from reconciler.cli.options import from_flag, output_flag, settings_flags
from reconciler.cli.reading import read_from
from reconciler.cli.show import echo_problems, summary
from reconciler.model.plain import plain
from reconciler.model.problem import Problem, Severity
from reconciler.model.text import plural
from reconciler.settings import Loaded


@click.command()
@click.argument("folder", metavar="[PATH]", type=click.Path(exists=True, path_type=Path), required=False)
@from_flag
@settings_flags("common", "source", "cluster", "language", "safety", "target")
@output_flag()
def validate(folder: Path | None, origin: str | None, settings: Loaded, output: str) -> int:
    """Print every problem of the Mappings in PATH, of --repo at --ref, or --from cluster.

    Exits with 1 when there is an error, or no route at all.

    Envoy's own check runs too where a binary is found (--envoy).

    \b
    Examples:
      reconciler validate routes/
      reconciler validate --repo https://git.example.com/routes.git --ref my-branch --output json
      reconciler validate --from cluster --kube-context production
    """
    reading = read_from(origin, folder, settings)
    problems = reading.compiled.problems
    complaint = envoy_check(settings)(reading.compiled.snapshot)
    routes = len(reading.compiled.table.routes)
    if output == "json":
        found = {"problems": plain(problems), "envoy": complaint, "routes": routes}
        click.echo(json.dumps(found, indent=2))
    else:
        echo_problems(problems, err=False)
        if complaint:
            click.echo(f"{click.style('error', fg='red', bold=True)} Envoy rejects the configuration\n  {complaint}")
        click.echo(f"{plural(len(reading.source.files), 'file')}, {plural(routes, 'route')}, {summary(problems)}")
        if not routes and not _has_error(problems):
            nothing = "no Mapping here makes a route; is this the right folder?"
            click.echo(f"{click.style('error', fg='red', bold=True)} {nothing}", err=True)
    return Exit.FINE if routes and not complaint and not _has_error(problems) else Exit.PROBLEM


def _has_error(problems: tuple[Problem, ...]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)
