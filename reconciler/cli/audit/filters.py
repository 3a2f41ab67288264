"""Flags that say which entries are wanted, the same for every verb that lists some."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar, cast

import click

from reconciler.cli.audit.times import a_moment, some_hours
from reconciler.model.happening import Happening
from reconciler.model.origin import Kind
from reconciler.model.question import Lack, Query, Window

F = TypeVar("F", bound=Callable[..., Any])

_COMMIT = re.compile(r"[0-9a-f]{0,64}")


def _digits(_context: click.Context, _flag: click.Parameter, text: str) -> str:
    """The first digits of a commit.

    Raises:
        click.BadParameter: they are none.
    """
    digits = text.strip().lower()
    if not _COMMIT.fullmatch(digits):
        raise click.BadParameter("a commit is written in the digits 0 to 9 and a to f")
    return digits


_FLAGS = (
    click.option("--since", callback=a_moment, metavar="TIME", help="Not before this: a time (UTC), or 24h, 7d ago."),
    click.option("--until", callback=a_moment, metavar="TIME", help="Before this."),
    click.option("--author", default="", metavar="TEXT", help="Only what somebody wrote whose name contains this."),
    click.option("--mapping", default="", metavar="NAME", help="Only what is about this: name or namespace/name."),
    click.option("--kind", type=click.Choice([str(one) for one in Kind]), help="Only what is about this kind."),
    click.option("--namespace", "namespaces", multiple=True, metavar="NAME", help="Only what is in this; repeatable."),
    click.option("--commit", default="", callback=_digits, metavar="DIGITS", help="Only what brought this commit."),
    click.option(
        "--happened",
        type=click.Choice([str(one) for one in Happening]),
        multiple=True,
        metavar="WORD",
        help="Only where this happened, as in drift-found, rollback, break-glass; repeatable: any of them.",
    ),
    click.option(
        "--without",
        "lacking",
        type=click.Choice([str(one) for one in Lack]),
        multiple=True,
        help="Only changes that lack this, or of which it is not known; repeatable: any of them. Applied ones.",
    ),
    click.option("--self-approved", is_flag=True, help="Only changes that nobody approved but who wrote them."),
    click.option(
        "--outside",
        callback=some_hours,
        metavar="HOURS",
        help="Changes out of hours: 'Mon-Fri 9:00-17:00 Europe/Berlin'.",
    ),
    click.option("--applied/--not-applied", default=None, help="Only changes that were served, or were not."),
    click.option("--text", default="", metavar="TEXT", help="Only where subject, reason or message contains this."),
)


def filters(verb: F) -> F:
    """Adds the flags; the verb receives ``query: Query``, without limit and page."""

    @wraps(verb)
    def with_query(
        *args: Any,
        since: datetime | None,
        until: datetime | None,
        author: str,
        mapping: str,
        namespaces: tuple[str, ...],
        commit: str,
        happened: tuple[str, ...],
        lacking: tuple[str, ...],
        self_approved: bool,
        outside: Window | None,
        applied: bool | None,
        kind: str | None,
        text: str,
        **rest: Any,
    ) -> Any:
        if since is not None and until is not None and since >= until:
            raise click.UsageError("--since is not before --until: there is no time between")
        query = Query(
            mapping=mapping,
            namespaces=frozenset(namespaces) or None,
            author=author,
            commit=commit,
            since=since,
            until=until,
            happened=frozenset(map(Happening, happened)),
            lacking=frozenset(map(Lack, lacking)),
            self_approved=self_approved,
            outside=outside,
            applied=applied,
            kind=kind or "",
            text=text,
        )
        return verb(*args, query=query, **rest)

    decorated: F = cast("F", with_query)
    for flag in reversed(_FLAGS):
        decorated = flag(decorated)
    return decorated
