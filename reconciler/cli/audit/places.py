"""Where a route was written and by whom, as records tell it, for people and programs."""

from reconciler.model.credit import Credit, Writer
from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN
from reconciler.model.text import plural

_SHORT = 7  # of a commit
_MOST = 5  # candidates that a line names
_ELSEWHERE = "not in this document"


def placed(place: Json) -> str:
    """``file:line``."""
    if not isinstance(place, dict):
        return UNKNOWN
    line = place.get("line")
    return f"{place.get('path', UNKNOWN)}:{line}" if line else str(place.get("path", UNKNOWN))


def short(commit: str) -> str:
    """The first digits of a commit; other words whole."""
    digits = all(letter in "0123456789abcdef" for letter in commit)
    return commit[:_SHORT] if digits and len(commit) > _SHORT else commit


def told(found: Credit) -> tuple[str, str, str, str]:
    """Commit, author, date and place in words."""
    place = placed(found.place) if found.place is not None else ""
    where = ", ".join(filter(None, (place, _ELSEWHERE if found.elsewhere else ""))) or UNKNOWN
    if found.exact is not None:
        one = found.exact
        return f"{short(one.commit)}{' or before' if found.or_before else ''}", one.author, one.date[:10], where
    if not found.candidates:
        return "no commit", "", "", where
    listed = found.candidates[:_MOST]
    more = ", …" if len(found.candidates) > _MOST else ""
    commits = f"one of {len(found.candidates) + found.omitted}: {', '.join(short(one.commit) for one in listed)}{more}"
    authors = list(dict.fromkeys(one.author for one in found.candidates))
    others = f" and {plural(len(authors) - _MOST, 'other')}" if len(authors) > _MOST else ""
    before = " or before" if found.or_before else ""
    return f"{commits}{before}", f"{', '.join(authors[:_MOST])}{others}", "", where


def as_facts(found: Credit) -> dict[str, Json]:
    """The same for programs: ``commit`` is null where it is one of the ``candidates``."""
    exact = found.exact
    return {
        "commit": exact.commit if exact else None,
        "author": exact.author if exact else None,
        "date": exact.date if exact else None,
        "place": placed(found.place) if found.place is not None else None,
        "or_before": found.or_before,
        "elsewhere": found.elsewhere,
        "candidates": [_facts(one) for one in found.candidates],
        "omitted": found.omitted,
    }


def _facts(one: Writer) -> Json:
    return {"commit": one.commit, "author": one.author, "date": one.date}
