"""How many are listed, and how one gets the others."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_ALL = ("0", "all")


def _many(_context: click.Context, _flag: click.Parameter, text: str) -> int | None:
    """A number, or None for all.

    Raises:
        click.BadParameter: it is neither.
    """
    if text in _ALL:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < len(str(2**63))):
        raise click.BadParameter(f"{text!r} is neither a number nor 'all'")
    return int(text)


def paged(many: int) -> Callable[[F], F]:
    """Adds ``--limit`` and ``--before``; the verb receives ``limit: int | None`` and ``before: int | None``."""

    def decorate(verb: F) -> F:
        limit = click.option(
            "--limit", callback=_many, default=str(many), show_default=True, metavar="N|all", help="At most this many."
        )
        before = click.option(
            "--before", type=click.IntRange(min=1), metavar="ENTRY", help="Only older entries: the next page."
        )
        return limit(before(verb))

    return decorate


def tell_of_more(before: int) -> None:
    """Says on standard error that there are more, whatever is printed."""
    click.echo(f"older ones: --before {before}, or --limit all", err=True)
