"""Who set a field of a route, in what a page shows of it. Pure."""

from dataclasses import dataclass

from reconciler.model.credit import Writer
from reconciler.web.narrow import Credited
from reconciler.web.pages.views.places import Place, place

_MOST = 5  # of those of whom one did it
_COMMIT = 40  # digits of a commit, at least; versions of objects have fewer


@dataclass(frozen=True, slots=True)
class Touch:
    """A commit, or the version of an object: then ``commit`` is empty."""

    commit: str
    version: str


@dataclass(frozen=True, slots=True)
class Setter:
    """Who set a field.

    Attributes:
        touches: those of which one did it, newest first, not more than a line names; the one alone where it is known.
        many: how many there are; 0 where that is not shown.
        exact: it is known which.
        authors: of all of them, not more than a line names; ``others``: how many more there are.
        before: or somebody before them.
        elsewhere: not in the route's own document, but in ``document`` at ``place``, as far as that is known.
        withheld: more is known, and not shown.
    """

    touches: tuple[Touch, ...]
    many: int
    exact: bool
    authors: tuple[str, ...]
    others: int
    before: bool
    elsewhere: bool
    document: str
    place: Place | None
    withheld: bool


def setter(credited: Credited) -> Setter | None:
    """Who set a field; None where that was before the journal begins."""
    found = credited.credit
    if found is None:
        return None
    authors = list(dict.fromkeys(one.author for one in found.candidates))
    return Setter(
        touches=tuple(_touch(one) for one in found.candidates[:_MOST]),
        many=0 if credited.withheld else len(found.candidates) + found.omitted,
        exact=found.exact is not None,
        authors=tuple(authors[:_MOST]),
        others=max(0, len(authors) - _MOST),
        before=found.or_before,
        elsewhere=found.elsewhere,
        document=found.document,
        place=place(found.place) if found.elsewhere else None,
        withheld=credited.withheld and found.exact is None,
    )


def _touch(one: Writer) -> Touch:
    is_commit = len(one.commit) >= _COMMIT and all(letter in "0123456789abcdef" for letter in one.commit)
    return Touch(one.commit, "") if is_commit else Touch("", one.commit)
