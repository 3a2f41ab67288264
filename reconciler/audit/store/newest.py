"""What is served now, as the records say it: a row that somebody put beside them is never served."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from reconciler.audit.store.listing import damaged, parsed
from reconciler.audit.store.schema import records, served_states
from reconciler.audit.store.served import Kept, listed_digest
from reconciler.model.audit import Event
from reconciler.model.digest import Digest, Json, digest_bytes

_STATE = select(served_states).order_by(served_states.c.sequence.desc()).limit(1)
_RECORD = select(records.c.hash, records.c.body).where(records.c.sequence == bindparam("of_record"))
_TELLING = (Event.RESULT, Event.DECISION)
_SINCE = (
    select(records.c.sequence, records.c.body)
    .where(records.c.sequence > bindparam("of_record"), records.c.event.in_([*map(str, _TELLING)]))
    .order_by(records.c.sequence)
)
_SAYS = b'"served":{'  # as canonical JSON has it; in no text, where a quote has a backslash before it
_BUFFERED = 50  # rows, some of which are large


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest state of what is served.

    Attributes:
        sequence: of the record that says it.
        era: of its versions; None where they are not kept.
        schema: of the record: in the first one, the digest is over a list.
    """

    sequence: int
    era: int | None
    revision: str | None
    snapshot: Digest | None
    resources: int
    documents: Digest
    schema: Json

    def check(self, kept: Kept) -> None:
        """Sees to it that these documents are the ones that the record says.

        Raises:
            Stalled: they are others.
        """
        digest = listed_digest(kept) if self.schema == 1 else kept.tree.digest
        if (len(kept.origins), digest) != (self.resources, self.documents):
            raise damaged(f"the documents that are served are not those of record {self.sequence}")


def newest(connection: Connection) -> Newest | None:
    """The newest state, once it was held against its record, and none after it says another; None before the first.

    Raises:
        Stalled: the records say something else.
    """
    row = connection.execute(_STATE).first()
    number = int(row.sequence) if row is not None else 0
    streaming = {"stream_results": True, "max_row_buffer": _BUFFERED}
    with connection.execute(_SINCE, {"of_record": number}, execution_options=streaming) as since:
        for later in since:
            if later.body is not None and _SAYS in bytes(later.body) and _told(later.sequence, later.body):
                raise damaged(f"record {later.sequence} says what is served, and its documents are not there")
    if row is None:
        return None
    found = connection.execute(_RECORD, {"of_record": number}).first()
    body = parsed(number, bytes(found.body)) if found is not None and found.body is not None else {}
    told = body.get("served")
    said = {name: getattr(row, name) for name in ("revision", "snapshot", "resources", "documents")}
    if found is None or told != said or digest_bytes(bytes(found.body)) != found.hash:
        raise damaged(f"what is served is not what record {number} says")
    snapshot = Digest(row.snapshot) if row.snapshot else None
    return Newest(number, row.era, row.revision, snapshot, row.resources, Digest(row.documents), body.get("schema"))


def _told(sequence: int, content: bytes) -> bool:
    return isinstance(parsed(sequence, bytes(content)).get("served"), dict)
