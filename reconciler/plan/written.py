"""Which documents say another thing than before, whatever becomes of routes."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from reconciler.model.origin import Origin, ResourceId
from reconciler.model.plan import DocumentChange, Op
from reconciler.model.resource import Resource

_ID = attrgetter("origin.id")


def changed_documents(
    before: Sequence[Resource], after: Sequence[Resource], among: Iterable[ResourceId] | None = None
) -> Iterator[DocumentChange]:
    """The documents that came, went or differ in content, sorted; that one only moved is no change.

    Args:
        before: what is served, sorted by identity.
        after: what is desired, likewise.
        among: which may differ, where that is known: saves looking at the rest.
    """
    if among is None:
        old, new = ({one.origin.id: one.origin for one in side} for side in (before, after))
    else:
        names = sorted(set(among))
        old, new = ({name: found for name in names if (found := _found(side, name))} for side in (before, after))
    for name in sorted(name for name in old.keys() | new.keys() if old.get(name) is not new.get(name)):
        was, now = old.get(name), new.get(name)
        if was is None or now is None or was.document != now.document:
            yield _change(name, was, now)


def _found(side: Sequence[Resource], name: ResourceId) -> Origin | None:
    at = bisect_left(side, name, key=_ID)
    return side[at].origin if at < len(side) and side[at].origin.id == name else None


def _change(name: ResourceId, was: Origin | None, now: Origin | None) -> DocumentChange:
    op = Op.CREATE if was is None else Op.DELETE if now is None else Op.UPDATE
    return DocumentChange(op, name, was.provenance if was else None, now.provenance if now else None)
