"""Evidence packs: what auditors read of a commit or a period, as one HTML page or as Markdown. Pure.

Everything a template shows is escaped, and what moves, hides or reorders characters is shown as what it is.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reconciler.audit.export.exceptions import changes_served, exceptions
from reconciler.audit.export.facts import changes, served
from reconciler.audit.export.given import Given
from reconciler.audit.export.sections import section
from reconciler.audit.record.groups import stamp
from reconciler.model.entry import Answer, Entry
from reconciler.model.question import Window
from reconciler.model.text import printable

_OPTIONS: dict[str, Any] = {
    "loader": FileSystemLoader(Path(__file__).parent / "templates"),
    "undefined": StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
}
# What marks text up within a line; values never begin one. What follows the words makes links of addresses.
_MARKS = re.compile(r"[\\`*_\[\]<>&|~!@#$^]|(?i:(?<=www)\.|(?<=http|ttps|ilto|xmpp):|(?<=ftp):)")
_CELLS_AT_ONCE = 100  # pieces of a template's text that are given on together


@dataclass(slots=True)
class _Totals:
    """Of all entries of the pack: what stands at its top; ``examined`` would change, or changed, what is served."""

    entries: int = 0
    examined: int = 0
    applied: int = 0
    changes: int = 0
    exceptions: Counter[str] = field(default_factory=Counter)


def html(entries: Callable[[], Iterable[Entry]], given: Given, hours: Window | None) -> Iterator[str]:
    """A page by itself: no script, nothing to fetch, to be printed as it is.

    Args:
        entries: gives them; asked twice, since what there is in all stands at the top.
        given: what they have in common.
        hours: in which changes are expected; None for any.
    """
    shown = Environment(autoescape=True, finalize=_printable, **_OPTIONS)
    return _generated(shown, "pack.html", entries, given, hours)


def markdown(entries: Callable[[], Iterable[Entry]], given: Given, hours: Window | None) -> Iterator[str]:
    """The same as Markdown, with the tables that forges know."""
    # HTML's escapes are none of Markdown's: every value goes through `escaped` instead.
    shown = Environment(autoescape=False, finalize=escaped, **_OPTIONS)  # noqa: S701
    return _generated(shown, "pack.md", entries, given, hours)


def escaped(value: object) -> object:
    """A text as Markdown that shows exactly it, on one line; for within a line or a cell, not for its beginning."""
    if not isinstance(value, str) or isinstance(value, _Verbatim):
        return value
    return _MARKS.sub(lambda found: f"\\{found[0]}", printable(value))


class _Verbatim(str):
    """Text of which every line is indented: no Markdown is seen in it."""

    __slots__ = ()


def _indented(text: str) -> _Verbatim:
    return _Verbatim("\n".join(f"    {printable(line)}" for line in text.rstrip("\n").split("\n")))


def _printable(value: object) -> object:
    return printable(value) if type(value) is str else value


def _generated(
    shown: Environment, name: str, entries: Callable[[], Iterable[Entry]], given: Given, hours: Window | None
) -> Iterator[str]:
    totals = _totals(entries(), hours)
    stream = shown.get_template(f"{name}.j2").stream(
        given=given,
        exported_at=stamp(given.exported_at),
        totals=totals,
        erased=str(given.erased or ""),
        exceptions=sorted(totals.exceptions.items()),
        checkpoint=_indented(given.checkpoint) if name.endswith("md") else given.checkpoint.rstrip("\n").split("\n"),
        sections=(section(entry, hours) for entry in entries()),
    )
    stream.enable_buffering(_CELLS_AT_ONCE)
    yield from stream


def _totals(entries: Iterable[Entry], hours: Window | None) -> _Totals:
    totals = _Totals()
    for entry in entries:
        totals.entries += 1
        totals.examined += changes_served(entry)
        if served(entry) is Answer.YES:
            totals.applied += 1
            totals.changes += sum(each.applied is Answer.YES for each in changes(entry))
        totals.exceptions.update(exceptions(entry, hours))
    return totals
