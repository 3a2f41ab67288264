"""What a visitor wants to see of the log: from a URL's parameters to a `Query`, and back. Pure."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from reconciler.model.asked import hours, moment
from reconciler.model.happening import Happening
from reconciler.model.origin import Kind
from reconciler.model.question import Lack, Query, Window

PAGE = 50
_LONGEST = 200
DIGITS = 18
_Word = TypeVar("_Word", bound=StrEnum)

Parameters = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Filters:
    """The form of the timeline, as it was sent.

    Attributes:
        texts: by name of the field, what was written; empty ones are left out.
        happened, lacking: what was ticked.
        before: where the page begins; None for the newest.
        since, until, outside, kind, applied: what the texts of these names mean.
        mistakes: what can't be understood, by name of the field.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    happened: frozenset[Happening] = frozenset()
    lacking: frozenset[Lack] = frozenset()
    self_approved: bool = False
    before: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    outside: Window | None = None
    kind: Kind | None = None
    applied: bool | None = None
    mistakes: Mapping[str, str] = field(default_factory=dict)

    @property
    def narrowed(self) -> bool:
        """Whether anything is asked for but the newest of all."""
        return bool(self.texts or self.happened or self.lacking or self.self_approved)

    @property
    def chosen(self) -> bool:
        """Whether some of what happened in its time is left out."""
        return bool(self.texts.keys() - {"since", "until"} or self.happened or self.lacking or self.self_approved)

    def query(self, scope: frozenset[str] | None) -> Query:
        """As a question for one page.

        Args:
            scope: the namespaces that the visitor may see; None for all.
        """
        wanted = self.texts.get("namespace", "")
        namespaces = frozenset({wanted}) if wanted else None
        if scope is not None:
            namespaces = scope if namespaces is None else namespaces & scope
        return Query(
            mapping=self.texts.get("route", ""),
            namespaces=namespaces,
            author=self.texts.get("author", ""),
            commit=self.texts.get("commit", ""),
            since=self.since,
            until=self.until,
            outside=self.outside,
            happened=self.happened,
            lacking=self.lacking,
            self_approved=self.self_approved,
            kind=str(self.kind or ""),
            applied=self.applied,
            text=self.texts.get("q", ""),
            before=self.before,
            limit=PAGE,
        )

    def url(self, before: int | None = None) -> str:
        """The parameters that lead here again, with ``?``; the next page where ``before`` is given."""
        pairs = list(self.texts.items())
        pairs += [("happened", str(one)) for one in sorted(self.happened)]
        pairs += [("lacking", str(one)) for one in sorted(self.lacking)]
        pairs += [("self_approved", "1")] if self.self_approved else []
        pairs += [("before", str(before))] if before is not None else []
        return f"?{urlencode(pairs)}" if pairs else ""


_FIELDS = ("q", "route", "kind", "namespace", "author", "commit", "since", "until", "outside", "applied")
_T = TypeVar("_T")


def read(parameters: Parameters, now: datetime) -> Filters:
    """What a URL asks for; what can't be understood is told, and otherwise left out.

    Args:
        parameters: of the URL.
        now: what ``7d`` is counted from.
    """
    mistakes: dict[str, str] = {}
    texts = {name: value for name in _FIELDS if (value := first(parameters, name))}
    for name, value in list(texts.items()):
        if len(value) > _LONGEST:
            mistakes[name] = f"at most {_LONGEST} characters"
        elif any(unicodedata.category(character) == "Cc" for character in value):
            mistakes[name] = "nothing is written with such characters"
        if name in mistakes:
            del texts[name]

    def time(text: str) -> datetime:
        return moment(text, now)

    since, until = _understood(texts, "since", time, mistakes), _understood(texts, "until", time, mistakes)
    outside = _understood(texts, "outside", hours, mistakes)
    kind, applied = _understood(texts, "kind", _kind, mistakes), _understood(texts, "applied", _applied, mistakes)
    before = first(parameters, "before")
    if before and not (before.isascii() and before.isdigit() and len(before) <= DIGITS):
        mistakes["before"] = "the number of an entry is expected"
        before = ""
    return Filters(
        texts=texts,
        happened=_ticked(parameters, "happened", Happening, mistakes),
        lacking=_ticked(parameters, "lacking", Lack, mistakes),
        self_approved=first(parameters, "self_approved") == "1",
        before=int(before) if before else None,
        since=since,
        until=until,
        outside=outside,
        kind=kind,
        applied=applied,
        mistakes=mistakes,
    )


def first(parameters: Parameters, name: str) -> str:
    """The first value of a parameter; empty for none."""
    return next(iter(parameters.get(name, ())), "").strip()


def page_number(parameters: Parameters) -> int:
    """Which page of a table is wanted, from 1; the first where that is not understood."""
    wanted = first(parameters, "page")
    return max(1, int(wanted)) if wanted.isascii() and wanted.isdigit() and len(wanted) <= DIGITS else 1


def _understood(texts: dict[str, str], name: str, how: Callable[[str], _T], mistakes: dict[str, str]) -> _T | None:
    """What a field means; told, and taken out, where it means nothing."""
    if name not in texts:
        return None
    try:
        return how(texts[name])
    except ValueError as error:
        mistakes[name] = str(error)
        del texts[name]
        return None


def _kind(text: str) -> Kind:
    if text not in set(Kind):
        raise ValueError(f"{text!r} is no kind that is read here")
    return Kind(text)


def _applied(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("yes or no is expected")
    return text == "yes"


def _ticked(parameters: Parameters, name: str, words: type[_Word], mistakes: dict[str, str]) -> frozenset[_Word]:
    known = {str(word): word for word in words}
    wanted = [one for one in parameters.get(name, ()) if one]
    for one in wanted:
        if one not in known:
            mistakes[name] = f"{one[:_LONGEST]!r} is not known"
    return frozenset(known[one] for one in wanted if one in known)


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A filter that is often wanted, as a link."""

    text: str
    url: str
    current: bool


_CHANGES = frozenset({Happening.APPLY, Happening.PARTIAL, Happening.ROLLBACK})
_TROUBLE = frozenset(
    {
        Happening.AUDIT_GAP,
        Happening.BREAK_GLASS,
        Happening.DRIFT_FOUND,
        Happening.FAIL,
        Happening.HISTORY_REWRITTEN,
        Happening.INTERRUPTED,
        Happening.PARTIAL,
        Happening.REJECT,
        Happening.ROLLBACK,
        Happening.SUSPEND,
        Happening.VERIFY_FAIL,
    }
)
_SHORTCUTS = {
    "Everything": Filters(),
    "Changes": Filters(happened=_CHANGES),
    "Needs a look": Filters(happened=_TROUBLE),
    "Without approval": Filters(lacking=frozenset({Lack.APPROVAL})),
    "Unsigned": Filters(lacking=frozenset({Lack.SIGNATURE})),
    "Not acknowledged": Filters(lacking=frozenset({Lack.ACKNOWLEDGEMENT})),
    "Self-approved": Filters(self_approved=True),
}


def shortcuts(current: Filters) -> tuple[Shortcut, ...]:
    """The usual filters; which of them is on, if exactly it is."""
    here = replace(current, before=None).url()
    return tuple(Shortcut(text, filters.url(), filters.url() == here) for text, filters in _SHORTCUTS.items())
