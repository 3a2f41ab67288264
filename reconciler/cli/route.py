"""``reconciler route``: which Mapping serves this request, and why not the others."""

from pathlib import Path

import click

from reconciler.cli.exits import Exit
from reconciler.cli.options import from_flag, output_flag, settings_flags
from reconciler.cli.reading import read_from
from reconciler.cli.show import echo_value
from reconciler.model.digest import Json
from reconciler.model.plain import plain
from reconciler.model.problem import Problem, Severity
from reconciler.model.services import Auth
from reconciler.model.table import Request, Route
from reconciler.model.text import printable
from reconciler.settings import Loaded
from reconciler.table import (
    BadRequest,
    Explanation,
    HungUp,
    NotFound,
    asked_first,
    at_listener,
    explain,
    in_words,
    requested,
)

_MOST_LEFT_OUT = 10


@click.command()
@click.argument("url")
@click.argument("folder", metavar="[PATH]", type=click.Path(exists=True, path_type=Path), required=False)
@click.option("--method", "-X", default="GET", show_default=True, help="Method of the request.")
@click.option("--header", "-H", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header; repeatable.")
@from_flag
@settings_flags("common", "source", "cluster", "language", "target")
@output_flag()
def route(
    url: str,
    folder: Path | None,
    origin: str | None,
    method: str,
    headers: tuple[str, ...],
    settings: Loaded,
    output: str,
) -> int:
    """Say which Mapping of PATH, or of --repo at --ref, serves URL, and for each near miss what kept it from it.

    With --from cluster, which annotation, custom resource or Ingress.

    Also whether an AuthService is asked first.
    Exits with 1 when nothing serves it.

    \b
    Examples:
      reconciler route http://shop.example.com/item/42 routes/
      reconciler route http://localhost/models/test/ routes/ -X POST -H 'x-team: ml'
    """
    compiled = read_from(origin, folder, settings).compiled
    explanation = explain(compiled.table, at_listener(compiled.table, _request(url, method, headers)))
    errors = [problem for problem in compiled.problems if problem.severity is Severity.ERROR]
    auth = compiled.table.edge.auth
    if output == "json":
        value = plain(explanation)
        asked = None if auth is None or explanation.route is None else not explanation.route.policy.bypass_auth
        service = None if auth is None else auth.service.name
        more: dict[str, Json] = {"auth": {"service": service, "asked": asked}, "problems": plain(errors)}
        echo_value(value | more if isinstance(value, dict) else value, output)
    else:
        _echo(explanation, auth)
        _echo_missing(errors)
    return Exit.PROBLEM if isinstance(explanation.answer, NotFound | BadRequest | HungUp) else Exit.FINE


def _request(url: str, method: str, headers: tuple[str, ...]) -> Request:
    try:
        return requested(url, method, headers)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _echo(explanation: Explanation, auth: Auth | None) -> None:
    if not explanation.candidates:
        click.echo(f"{click.style('no Mapping', fg='red', bold=True)}: {in_words(explanation.answer)}")
    for candidate in explanation.candidates:
        share = f"{candidate.percent} % " if candidate.percent < 100 else ""  # noqa: PLR2004 - percent
        click.echo(f"{share}{click.style(candidate.route.name, fg='green', bold=True)}  {_place(candidate.route)}")
        click.echo(f"  {in_words(candidate.answer)}")
        if auth is not None:
            click.echo(f"  auth: {asked_first(candidate, auth)}")
        for policy in candidate.route.policies:
            place = click.style(printable(str(policy.provenance)), dim=True)
            click.echo(f"  policy {printable(policy.name)}  {place}")
    if explanation.near_misses:
        click.echo("not:")
    for miss in explanation.near_misses:
        click.echo(f"  {miss.route.name}  {_place(miss.route)}")
        click.echo(f"    {printable(miss.reason)}")


def _echo_missing(errors: list[Problem]) -> None:
    """What is not in the table because of an error might have been the one that was meant."""
    if errors:
        click.echo("left out, as they have errors (`reconciler validate` tells all of them):")
    for problem in errors[:_MOST_LEFT_OUT]:
        where = printable(f"{problem.resource or 'a document'}  {problem.provenance}")
        at = f" at {problem.field}" if problem.field else ""
        hint = f"; {problem.hint}" if problem.hint else ""
        click.echo(f"  {where}\n    {printable(problem.message + at + hint)}")


def _place(chosen: Route) -> str:
    return click.style(printable(str(chosen.provenance)), dim=True)
