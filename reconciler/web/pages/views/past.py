"""What was served at another time, and how two times differ. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.differing import Differing
from reconciler.model.digest import Json
from reconciler.model.origin import Origin
from reconciler.model.question import ServedAt
from reconciler.web.pages.views import badges, facts, timeline
from reconciler.web.pages.views.badges import Badge
from reconciler.web.pages.views.diffs import FieldDiff, field_diff
from reconciler.web.pages.views.moments import Moment, moment
from reconciler.web.pages.views.places import Place, place_of

ROWS_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Document:
    """One document that was served; ``about`` is what it is for, in a line; ``text`` is all of it."""

    kind: str
    namespace: str
    name: str
    host: str
    path: str
    to: str
    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class PastPage:
    """What was served at a moment, a page of it.

    Attributes:
        nothing: nothing had been applied yet.
        proven: the documents are still those that the record of it names.
        deleted: the entry by which retention deleted them; None where it did not.
        unknown: why it can't be said what was served then; empty where it can.
    """

    moment: Moment
    entry: timeline.Item | None
    since: Moment | None
    until: Moment | None
    under_way: int | None
    revision: str
    snapshot: str
    digest: str
    proven: bool
    deleted: int | None
    unknown: str
    version: str
    documents: tuple[Document, ...]
    found: int
    of: int
    page: int
    pages: int
    text: str

    @property
    def nothing(self) -> bool:
        """Whether nothing had been applied yet."""
        return self.since is None


def past_page(served: ServedAt, text: str, page: int, now: datetime) -> PastPage:
    """A moment as a page.

    Args:
        served: what was.
        text: only documents with this in their name, place or content.
        page: of them, from 1.
        now: for "3 min ago".
    """
    found = [one for one in served.origins if not text or text.lower() in _words(one)]
    pages = max(1, -(-len(found) // ROWS_PER_PAGE))
    page = min(page, pages)
    shown = found[(page - 1) * ROWS_PER_PAGE : page * ROWS_PER_PAGE]
    return PastPage(
        moment=moment(served.moment, now),
        entry=timeline.item(served.entry, now) if served.entry else None,
        since=moment(served.since, now) if served.since else None,
        until=moment(served.until, now) if served.until else None,
        under_way=served.under_way,
        revision=str(served.revision or ""),
        snapshot=str(served.snapshot or ""),
        digest=str(served.documents or ""),
        proven=served.proven,
        deleted=served.deleted,
        unknown=served.unknown,
        version=served.tool_version,
        documents=tuple(map(_document, shown)),
        found=len(found),
        of=len(served.origins),
        page=page,
        pages=pages,
        text=text,
    )


def _words(origin: Origin) -> str:
    return f"{origin.id} {origin.provenance} {origin.document.decode(errors='replace')}".lower()


def _document(origin: Origin) -> Document:
    try:
        body: Json = json.loads(origin.document)
    except ValueError:
        body = None
    spec = facts.group(body, "spec") or facts.group(body)
    prefix, host = facts.text(spec.get("prefix")), facts.text(spec.get("hostname")) or facts.text(spec.get("host"))
    return Document(
        str(origin.id.kind),
        origin.id.namespace,
        origin.id.name,
        host,
        prefix,
        facts.text(spec.get("service")),
        place_of(origin.provenance),
        json.dumps(body, indent=2, ensure_ascii=False),
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """One document that differs; ``more`` counts the fields beside those shown."""

    badge: Badge
    kind: str
    namespace: str
    name: str
    fields: tuple[FieldDiff, ...]
    before: Place | None
    after: Place | None
    more: int


def differences(found: Sequence[Differing]) -> tuple[Difference, ...]:
    """All that differs, for people."""
    return tuple(
        Difference(
            badges.of_op(one.op),
            str(one.id.kind),
            one.id.namespace,
            one.id.name,
            tuple(map(field_diff, one.fields)),
            place_of(one.before) if one.before else None,
            place_of(one.after) if one.after else None,
            one.more,
        )
        for one in found
    )
