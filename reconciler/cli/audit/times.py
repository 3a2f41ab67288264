"""Times and hours as flags."""

from datetime import datetime

import click

from reconciler.cli.clock import now
from reconciler.model.asked import hours, moment
from reconciler.model.question import Window


def a_moment(_context: click.Context, _flag: click.Parameter, text: str | None) -> datetime | None:
    """A flag's time, or how long ago, as `reconciler.model.asked.moment` takes it.

    Raises:
        click.BadParameter: it is none.
    """
    try:
        return moment(text, now()) if text is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def some_hours(_context: click.Context, _flag: click.Parameter, text: str | None) -> Window | None:
    """A flag's hours of the week, as `reconciler.model.asked.hours` takes them.

    Raises:
        click.BadParameter: they are none.
    """
    try:
        return hours(text) if text is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def shown(moment: datetime) -> str:
    """A moment for people: UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def stamped(moment: datetime | None) -> str | None:
    """A moment for programs: RFC 3339, UTC, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
