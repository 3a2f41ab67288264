"""``reconciler route``: which Mapping serves this request, and why not the others."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import click

from reconciler.cli.exits import Exit
from reconciler.cli.options import from_flag, output_flag, settings_flags
from reconciler.cli.reading import read_from
from reconciler.cli.show import echo_value
from reconciler.model.digest import Json
from reconciler.model.plain import plain
from reconciler.model.problem import Problem, Severity
from reconciler.model.services import Auth
from reconciler.model.table import Request, Route, RouteTable
from reconciler.model.text import printable
from reconciler.settings import Loaded
from reconciler.table import (
    Answer,
    Answered,
    BadRequest,
    Candidate,
    Explanation,
    Forwarded,
    HungUp,
    NotFound,
    Redirected,
    explain,
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
    explanation = explain(compiled.table, _at_listener(compiled.table, _request(url, method, headers)))
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
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if not parts.hostname:
        raise click.BadParameter(f"{url!r} has no host; write it as http://HOST/PATH", param_hint="URL")
    named = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise click.BadParameter(f"{header!r} is not NAME: VALUE", param_hint="--header")
        named.append((name.strip().lower(), value.strip()))
    host = next((value for name, value in named if name == "host"), parts.netloc.rpartition("@")[2])
    return Request(
        host=host,
        path=parts.path or "/",
        method=method.upper(),
        headers=tuple(pair for pair in named if pair[0] != "host"),
        query=_query(parts.query),
        port=_port(parts),
        tls=parts.scheme == "https",
    )


def _port(parts: SplitResult) -> int | None:
    """The port of a URL."""
    try:
        return parts.port
    except ValueError:
        raise click.BadParameter(f"{parts.netloc!r} has no port from 0 to 65535", param_hint="URL") from None


def _at_listener(table: RouteTable, request: Request) -> Request:
    """The request as it reaches a listener: something in front may end TLS, and clients may know another port."""
    listeners = [listener for listener in table.listeners if listener.stack.http]
    tls = request.tls and any(listener.stack.tls for listener in listeners)
    ports = {listener.port for listener in listeners if listener.stack.tls >= tls}
    return replace(request, tls=tls, port=request.port if request.port in ports else None)


def _query(text: str) -> tuple[tuple[str, str | None], ...]:
    """Parameters as they are sent: Envoy compares them without decoding."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return tuple((name, value if equals else None) for name, equals, value in pairs)


def _echo(explanation: Explanation, auth: Auth | None) -> None:
    if not explanation.candidates:
        click.echo(f"{click.style('no Mapping', fg='red', bold=True)}: {_answer(explanation.answer)}")
    for candidate in explanation.candidates:
        share = f"{candidate.percent} % " if candidate.percent < 100 else ""  # noqa: PLR2004 - percent
        click.echo(f"{share}{click.style(candidate.route.name, fg='green', bold=True)}  {_place(candidate.route)}")
        click.echo(f"  {_answer(candidate.answer)}")
        if auth is not None:
            click.echo(f"  auth: {_auth(candidate, auth)}")
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


def _auth(candidate: Candidate, auth: Auth) -> str:
    """Whether the auth service is asked before this answer, and if not why."""
    if not candidate.route.policy.bypass_auth:
        return printable(f"asked (AuthService {auth.service.name})")
    return "not asked (bypass_auth)" if isinstance(candidate.answer, Forwarded) else "not asked (Envoy answers)"


def _place(chosen: Route) -> str:
    return click.style(printable(str(chosen.provenance)), dim=True)


def _answer(answer: Answer) -> str:
    match answer:
        case Forwarded():
            return printable(f"→ {answer.cluster.address} with path {answer.path} and host {answer.host}")
        case Redirected():
            return printable(f"→ {answer.status} {answer.location}")
        case Answered():
            return printable(f"{answer.status}: {answer.reason}")
        case NotFound():
            return printable(f"404: {answer.reason}")
        case BadRequest():
            return printable(f"400: {answer.reason}")
        case HungUp():
            return printable(f"closed: {answer.reason}")
