"""What may be asked, and how much of it: parameters of several operations, checked and bounded."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, HTTPException, Path, Query

from reconciler.model import question
from reconciler.model.asked import hours, moment
from reconciler.model.happening import Happening
from reconciler.model.origin import Kind
from reconciler.model.question import Lack

T = TypeVar("T")

MOST = 200
_LARGEST = 2**62
_PLAIN = r"^[^\x00-\x1f\x7f]*$"  # no database or log has use for control characters
_NAME = r"^[^\x00-\x1f\x7f/]+$"  # as documents may have it
_LONGEST_NAME = 253

Words = Annotated[str, Query(max_length=200, pattern=_PLAIN)]
Moment = Annotated[
    str,
    Query(
        max_length=100,
        pattern=_PLAIN,
        description="RFC 3339 (UTC where it says no zone), a date, `now`, or how long ago: `24h`, `7d`",
        examples=["2026-05-06T12:00:00Z", "7d"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many")]
First = Annotated[int, Query(ge=0, le=_LARGEST, description="How many were on the pages before")]
Before = Annotated[int | None, Query(ge=1, le=_LARGEST, description="Only entries with a smaller number")]
Namespace = Annotated[str, Path(max_length=_LONGEST_NAME, pattern=_NAME, examples=["default"])]
Name = Annotated[str, Path(max_length=_LONGEST_NAME, pattern=_NAME, examples=["httpbin"])]


def read(what: str, text: str, how: Callable[[str], T]) -> T:
    """A parameter that is read by our own words.

    Raises:
        HTTPException: 422; it can't be read.
    """
    try:
        return how(text)
    except ValueError as error:
        raise HTTPException(422, f"{what}: {error}") from error


def time_of(what: str, text: str) -> datetime:
    """A moment.

    Raises:
        HTTPException: 422; it is none.
    """
    return read(what, text, lambda words: moment(words, datetime.now(UTC)))


def moment_of(what: str, text: str) -> datetime | int:
    """A moment, or the number of an entry.

    Raises:
        HTTPException: 422; it is neither.
    """
    if text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST)) - 1:
        return int(text)
    return time_of(what, text)


def _query(
    mapping: Annotated[Words, Query(description="What concerns this route: `NAME` or `NAMESPACE/NAME`")] = "",
    namespace: Annotated[
        list[Annotated[str, Query(max_length=_LONGEST_NAME, pattern=_PLAIN)]] | None,
        Query(max_length=50, description="What concerns routes of these namespaces; repeatable"),
    ] = None,
    author: Annotated[Words, Query(description="Author's name or address contains this, in any case")] = "",
    commit: Annotated[str, Query(pattern=r"^[0-9a-fA-F]{0,64}$", description="The first digits of a commit")] = "",
    since: Annotated[Moment, Query(description="Not before")] = "",
    until: Annotated[Moment, Query(description="Before")] = "",
    happened: Annotated[list[Happening] | None, Query(max_length=50, description="At least one of these")] = None,
    lacking: Annotated[list[Lack] | None, Query(max_length=10, description="At least one of these is missing")] = None,
    self_approved: Annotated[bool, Query(description="The author is the only approver")] = False,
    outside: Annotated[Words, Query(description="Not within these hours", examples=["Mon-Fri 09:00-17:00"])] = "",
    kind: Annotated[Kind | None, Query(description="What concerns a resource of this kind")] = None,
    applied: Annotated[
        bool | None, Query(description="Whether another thing was served after it; false: it was refused or failed")
    ] = None,
    text: Annotated[Words, Query(description="Subject, reason or message contains this, in any case")] = "",
    before: Before = None,
    limit: Limit = 50,
) -> question.Query:
    return question.Query(
        mapping=mapping,
        namespaces=frozenset(namespace) if namespace else None,
        author=author,
        commit=commit.lower(),
        since=time_of("since", since) if since else None,
        until=time_of("until", until) if until else None,
        happened=frozenset(happened or ()),
        lacking=frozenset(lacking or ()),
        self_approved=self_approved,
        outside=read("outside", outside, hours) if outside else None,
        kind=str(kind or ""),
        applied=applied,
        text=text,
        before=before,
        limit=limit,
    )


QueryOf = Annotated[question.Query, Depends(_query)]
