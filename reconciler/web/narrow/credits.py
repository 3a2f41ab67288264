"""Whom fields are credited to, as those see it who may see some namespaces. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.model.credit import Credit, credit
from reconciler.model.digest import Json
from reconciler.model.question import Blamed, RouteChange
from reconciler.web.access import Scope
from reconciler.web.narrow.entries import is_theirs_alone, narrowed_change
from reconciler.web.narrow.facts import listed, of_resource


@dataclass(frozen=True, slots=True)
class Credited:
    """A field of a route, and who set it.

    Attributes:
        credit: None where that was before the journal begins.
        withheld: more is known of it, and not shown.
    """

    blamed: Blamed
    credit: Credit | None = None
    withheld: bool = False


def credited(blamed: Blamed, scope: Scope) -> Credited:
    """Whom a field is credited to, by all that is known; of these, those are shown who are shown with the change."""
    whole = blamed.change
    if whole is None:
        return Credited(blamed)
    found, change = credit(whole), narrowed_change(whole, scope)
    shown = found if scope.everything or is_theirs_alone(whole.entry, scope) else _shown(found, change, scope)
    return Credited(replace(blamed, change=change), shown, withheld=shown != found)


def _shown(found: Credit, change: RouteChange, scope: Scope) -> Credit:
    """Without commits that only others may see, and without how many these are."""
    touches = set(_touches(change))
    candidates = tuple(one for one in found.candidates if one.commit in touches)
    theirs = not found.document or scope.sees(of_resource(found.document))
    return replace(
        found,
        exact=found.exact if found.exact in candidates else None,
        candidates=candidates,
        place=found.place if theirs else None,
        omitted=0,
        document=found.document if theirs else "",
    )


def _touches(change: RouteChange) -> Iterator[str]:
    """The commits, and versions of objects, at which something stands that is shown."""
    facts = (
        fact
        for record in change.entry.records
        for name in ("routes", "documents")
        for fact in listed(record.body, "change", name)
    )
    sides = (side for fact in facts for side in (fact.get("before"), fact.get("after")))
    for place in (change.before, change.after, *sides):
        if isinstance(place, dict):
            yield from _touch(place)


def _touch(place: dict[str, Json]) -> Iterator[str]:
    found = place.get("object")
    touch = found.get("resource_version") if isinstance(found, dict) else place.get("commit")
    if isinstance(touch, str):
        yield touch
