"""What was decided and served, from the journal."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from reconciler.web.api.asked import First, Limit, Moment, QueryOf, moment_of, time_of
from reconciler.web.api.entry_models import EntryModel, EntryPage, EntryWhole, ErasedModel
from reconciler.web.api.served_models import DifferingModel, JournalModel, ServedAtModel, VolumeModel
from reconciler.web.asking import DeskOf
from reconciler.web.narrow import STANDING_WITHHELD

router = APIRouter()
_MOST_STRETCHES = 400
_MOST_DIGITS = 18  # a number of so many fits the 64 bits of a sequence


@router.get("/entries", tags=["log"], summary="The log, newest first")
def entries(desk: DeskOf, query: QueryOf) -> EntryPage:
    """Decisions and notes that meet every condition that is given."""
    found = desk.page(query)
    return EntryPage([EntryModel.of(entry) for entry in found.entries], found.next, ErasedModel.of(desk.erased(query)))


@router.get("/entries/{wanted}", tags=["log"], summary="One entry with its records")
def entry(
    desk: DeskOf,
    wanted: Annotated[
        str,
        Path(
            pattern=r"^[0-9a-fA-F]{1,64}$", description="The number of one of its records, or a commit's first digits"
        ),
    ],
) -> EntryWhole:
    """An intent with its result, a decision or a note."""
    found = desk.entry(wanted.lower())
    if found is None:
        by = desk.deletion_of(int(wanted)) if wanted.isdigit() and len(wanted) <= _MOST_DIGITS else None
        if by is not None:
            raise HTTPException(410, f"what this record told was deleted by retention, see entry {by}")
        raise HTTPException(404, "there is no such entry")
    return EntryWhole.of(found)


@router.get("/at", tags=["served"], summary="What was served at a moment")
def at(
    desk: DeskOf,
    time: Annotated[Moment, Query(description="A moment, or the number of an entry")],
    first: First = 0,
    limit: Limit = 50,
) -> ServedAtModel:
    """The documents behind what was served then, and whether they still have the digest that the record names."""
    return ServedAtModel.of(desk.at(moment_of("time", time)), first, limit)


@router.get("/diff", tags=["served"], summary="How two moments differ")
def diff(
    desk: DeskOf,
    older: Annotated[Moment, Query(alias="from", description="A moment, or the number of an entry")],
    newer: Annotated[Moment, Query(alias="to", description="A moment, or the number of an entry")] = "now",
    first: First = 0,
    limit: Limit = 50,
) -> list[DifferingModel]:
    """The documents that came, went or say something else; 409 where one moment is not proven, or was deleted."""
    both = desk.at(moment_of("from", older)), desk.at(moment_of("to", newer))
    try:
        found = desk.diff(*both)
    except ValueError as error:
        raise HTTPException(409, str(error)) from error
    return [DifferingModel.of(one) for one in found[first : first + limit]]


@router.get("/volume", tags=["log"], summary="How much happened")
def volume(
    desk: DeskOf,
    since: Moment = "7d",
    until: Moment = "now",
    stretches: Annotated[int, Query(ge=1, le=_MOST_STRETCHES, description="Of equal length")] = 7,
) -> list[VolumeModel]:
    """Changes, decisions and lead times of each stretch of time."""
    begin, end = _in_order(time_of("since", since), time_of("until", until))
    try:
        return [VolumeModel.of(one) for one in desk.volume(begin, end, stretches)]
    except ValueError as error:
        raise HTTPException(422, f"since: {error}") from error


@router.get("/journal", tags=["proof"], summary="How the journal is, and its signed checkpoint")
def journal(desk: DeskOf) -> JournalModel:
    """Keep the checkpoint: with it and the key, `reconciler audit verify` shows whether anything before was changed."""
    return JournalModel.of(desk.standing(), () if desk.scope.everything else STANDING_WITHHELD)


def _in_order(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    if since >= until:
        raise HTTPException(422, "since: expected a time before until")
    return since, until
