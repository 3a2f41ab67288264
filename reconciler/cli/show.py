"""How findings and values look on a terminal."""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence

import click
import yaml

from reconciler.model.digest import Json
from reconciler.model.problem import Problem, Severity
from reconciler.model.text import plural, printable

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


def in_colour() -> bool:
    """Whether standard output is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and wants_colour()


def wants_colour() -> bool:
    """Whether nobody has asked for plain text."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def progress(text: str) -> None:
    """Says what takes a while, on standard error, to a person only."""
    if sys.stderr.isatty():
        click.echo(click.style(f"… {text}", dim=True), err=True)


def echo_problems(problems: Sequence[Problem], *, err: bool = True) -> None:
    """Every finding: severity, place and sentence; then what was expected, found and can be done."""
    for problem in problems:
        severity = click.style(str(problem.severity), fg=_COLOURS[problem.severity], bold=True)
        subject = f"{problem.resource}: " if problem.resource else ""
        at = f" ({problem.field})" if problem.field else ""
        click.echo(f"{severity} {printable(str(problem.provenance))} [{problem.code}]", err=err)
        click.echo(f"  {printable(subject + problem.message + at)}", err=err)
        for label, text in (("expected", problem.expected), ("got", problem.got), ("hint", problem.hint)):
            if text:
                click.echo(f"  {label + ':':<9} {printable(text)}", err=err)
        for place in problem.related:
            click.echo(f"  see also: {printable(str(place))}", err=err)


def summary(problems: Sequence[Problem]) -> str:
    """``2 errors, 1 warning``, or ``no problems``."""
    tally = Counter(problem.severity for problem in problems if problem.severity is not Severity.INFO)
    parts = [plural(tally[s], str(s)) for s in (Severity.ERROR, Severity.WARNING) if tally[s]]
    return ", ".join(parts) or "no problems"


def echo_value(value: Json, output: str) -> None:
    """A plain value as YAML for people or JSON for programs."""
    if output == "json":
        click.echo(json.dumps(value, indent=2))
    else:
        click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120), nl=False)
