"""Which entries an export gives out, in words for the journal and for those who get it. Pure."""

from collections.abc import Iterator

from reconciler.audit.record.groups import stamp
from reconciler.model.question import Query, Window

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TEXTS = ("mapping", "kind", "author", "commit", "text")
_APPLIED: dict[bool | None, tuple[str, ...]] = {None: (), True: ("applied",), False: ("not applied",)}


def wanted(query: Query, entry: str) -> str:
    """The conditions in words; ``all`` where there is none.

    Args:
        query: what is asked for.
        entry: the one entry that is, by number or commit; empty for those of the query.
    """
    return "; ".join([f"entry {entry}"] if entry else (*_conditions(query), *_APPLIED[query.applied])) or "all"


def _conditions(query: Query) -> Iterator[str]:
    if query.since is not None:
        yield f"since {stamp(query.since)}"
    if query.until is not None:
        yield f"until {stamp(query.until)}"
    for name in _TEXTS:
        if value := getattr(query, name):
            yield f"{name} {value}"
    if query.namespaces is not None:
        yield f"namespace {', '.join(sorted(query.namespaces))}"
    if query.happened:
        yield f"happened {', '.join(sorted(map(str, query.happened)))}"
    if query.lacking:
        yield f"without {', '.join(sorted(map(str, query.lacking)))}"
    if query.self_approved:
        yield "self-approved"
    if query.outside is not None:
        yield f"outside {hours(query.outside)}"


def hours(window: Window) -> str:
    """Hours of the week as people type them."""
    days = ",".join(_DAYS[day] for day in sorted(window.days))
    return f"{days} {window.begin:%H:%M}-{window.end:%H:%M} {window.zone.key}"
