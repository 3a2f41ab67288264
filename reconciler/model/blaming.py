"""Completes what records tell of a route's fields by what is served: retention may have deleted who set some. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.model.plan import Op
from reconciler.model.question import Answers, Blamed
from reconciler.model.resource import ResourceId
from reconciler.model.retention import Erased

Served = Mapping[ResourceId, Mapping[str, str]]  # the fields of routes, as plans word them


def whole(blamed: Sequence[Blamed], erased: Erased | None) -> bool:
    """Whether the records that are left tell all of each route: its creation, and nothing after that is deleted.

    Args:
        blamed: as records tell it.
        erased: all that retention deleted.
    """
    if erased is None and not blamed:
        return True
    last = erased.last if erased else 0
    created = {
        one.id for one in blamed if one.change and one.change.op is Op.CREATE and one.change.entry.sequence > last
    }
    return bool(blamed) and all(one.id in created for one in blamed)


def deleted_before(answers: Answers, blamed: Sequence[Blamed], erased: Erased | None) -> int | None:
    """The newest entry by which retention deleted from before the newest change of some routes, or else from after it.

    Args:
        answers: the journal.
        blamed: as the records that are left tell it.
        erased: all that retention deleted; None where it deleted nothing.

    Raises:
        Stalled, Transient: as `Answers` does.
    """
    if erased is None:
        return None
    newest = max((one.change.entry.time for one in blamed if one.change), default=None)
    found = answers.erased(None, newest) if newest else None
    return (found or erased).by[-1]


def completed(blamed: Sequence[Blamed], served: Served, deleted: int | None) -> tuple[Blamed, ...]:
    """Every field that is served, with its setter or with why nobody knows it, in the order of plans.

    A record that says another value than is served was followed by one that is gone: it did not set that.

    Args:
        blamed: as the records that are left tell it.
        served: of the routes that were asked for, those that are served.
        deleted: the entry by which retention deleted from before the newest change; 0 where whoever asks may not know
            it; None where it deleted nothing.
    """
    told: dict[ResourceId, dict[str, Blamed]] = {}
    for one in blamed:
        known = one if one.change is not None else replace(one, deleted=deleted)
        told.setdefault(one.id, {})[one.field] = known
    return tuple(
        one
        for name in sorted(told.keys() | served.keys())
        for one in (_of(name, told.get(name, {}), served[name], deleted) if name in served else told[name].values())
    )


def _of(
    name: ResourceId, told: Mapping[str, Blamed], fields: Mapping[str, str], deleted: int | None
) -> tuple[Blamed, ...]:
    if deleted is None and told:
        # Nothing is gone: another value is of a change that one of the two does not know yet.
        missing = (Blamed(field, value, None, name) for field, value in fields.items() if field not in told)
        return (*told.values(), *missing)
    return tuple(
        told[field] if field in told and told[field].value == value else Blamed(field, value, None, name, deleted)
        for field, value in fields.items()
    )
