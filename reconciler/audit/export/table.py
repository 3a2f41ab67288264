"""CSV, as RFC 4180 has it: one row for each change of each route, for those who draw samples of all changes. Pure.

A cell is never a formula (what could be taken for one, also behind a semicolon, begins with an apostrophe), and never
more than one line: characters that move, hide or reorder are shown as escapes.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator

from reconciler.audit.export.credits import Credits, Held
from reconciler.audit.export.facts import Acked, Changed, acks, approvals, change, changes, served, text
from reconciler.audit.record.groups import stamp
from reconciler.model.credit import Credit
from reconciler.model.entry import UNKNOWN, Entry
from reconciler.model.happening import Happening
from reconciler.model.retention import Erased
from reconciler.model.text import plural, printable

# With these a program for tables takes a cell for a formula; the wide ones where Japanese is written.
_FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
# Where commas stand in numbers, such a program may be told that semicolons separate: what follows one begins a cell.
_WITHIN = re.compile(rf"(;[\s\"]*)(?=[{''.join(map(re.escape, _FORMULAS))}])")

_Cell = str | int | None
_Column = Callable[[Entry, Changed], _Cell]
_MOST = 10  # of those of whom one did it, in a cell


class _Lines:
    """Gives back each line that the writer makes, where a file would take it in."""

    def write(self, line: str) -> str:
        return line


def rows(entries: Iterable[Entry], erased: Erased | None = None) -> Iterator[str]:
    """The lines of the table, with their ends.

    An entry that changed what is served, but no route and nothing around it (where they are written, for one), has one
    row about all of it; one that was to change nothing has none. The first row tells what retention deleted, if it did.

    Args:
        entries: which, oldest first.
        erased: what retention deleted of their time.
    """
    writer = csv.writer(_Lines(), lineterminator="\r\n")
    # writerow returns what the file's write did: here, the line.
    yield _line(writer.writerow(list(COLUMNS)))
    if erased:
        told = _erased(erased)
        yield _line(writer.writerow([cell(told.get(column)) for column in COLUMNS]))
    held = Held()
    for entry in entries:
        credits_, found = Credits.of(entry), changes(entry) or _whole(entry)
        for each in found:
            touched = _touched(each, credits_.credit(each, held=each.identity in held))
            cells = (touched[name] if name in touched else column(entry, each) for name, column in COLUMNS.items())
            yield _line(writer.writerow(list(map(cell, cells))))
        held.past(entry, found)


def cell(value: _Cell) -> str:
    """A value as what stands in a cell; a tab in it is shown as what it is, so it separates nothing."""
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    shown = _WITHIN.sub(r"\1'", printable(value))
    return f"'{shown}" if shown.lstrip().startswith(_FORMULAS) else shown


def _line(line: object) -> str:
    return str(line)


def _whole(entry: Entry) -> tuple[Changed, ...]:
    """Stands for an entry that changed something served that it does not list."""
    told = change(entry)
    if told.get("snapshot_before") == told.get("snapshot_after"):
        return ()
    return (Changed("Snapshot", "", "", "update", (), None, None, (), served(entry)),)


def _erased(erased: Erased) -> dict[str, _Cell]:
    """In the place of all that the records told."""
    return {
        "entry": erased.by[-1],
        "happened": str(Happening.RETENTION_DELETE),
        "reason": str(erased),
        "applied": UNKNOWN,
        "op": "erased",
        "kind": "Record",
        "name": f"{erased.first} to {erased.last}",
        "record": erased.by[-1],
    }


def _fields(found: Changed) -> str:
    return "; ".join(f"{each.field}: {each.before or '-'} → {each.after or '-'}" for each in found.fields)


def _acks(found: Iterable[Acked]) -> str:
    return "; ".join(f"{each.node} {each.type.rpartition('.')[2]} {each.state}" for each in found)


def _touched(found: Changed, by: Credit | None) -> dict[str, _Cell]:
    """The cells on who did it: what the commits of the entry and the documents with a say in it leave possible."""
    if by is None:
        place = found.place
        return _last_touched((place.commit or place.written) if place else "", place.author if place else "")
    listed = "; ".join(one.commit for one in by.candidates[:_MOST])
    more = "; …" if len(by.candidates) > _MOST else ""
    many = f"one of {len(by.candidates) + by.omitted}: "
    commits = f"{'' if by.exact else many}{listed}{more}" if by.candidates else UNKNOWN
    where = f", by {by.document}" if by.elsewhere and by.document else ", not in this document" if by.elsewhere else ""
    authors = list(dict.fromkeys(one.author for one in by.candidates))
    others = f"; and {plural(len(authors) - _MOST, 'other')}" if len(authors) > _MOST else ""
    named = "; ".join(authors[:_MOST]) or UNKNOWN
    return _last_touched(f"{commits}{' or before' if by.or_before else ''}{where}", f"{named}{others}")


def _last_touched(by: str, author: str) -> dict[str, _Cell]:
    return {"last_touched_by": by, "last_touched_author": author}


def _known(names: tuple[str, ...] | None) -> str:
    return UNKNOWN if names is None else "; ".join(names)


COLUMNS: dict[str, _Column] = {
    "entry": lambda entry, _: entry.sequence,
    "time": lambda entry, _: stamp(entry.time),
    "finished_at": lambda entry, _: stamp(entry.finished_at) if entry.finished_at else None,
    "happened": lambda entry, _: "; ".join(entry.happened),
    "decision": lambda entry, _: str(entry.decision) if entry.decision else None,
    "reason": lambda entry, _: entry.reason,
    "applied": lambda _, found: str(found.applied),
    "op": lambda _, found: found.op,
    "kind": lambda _, found: found.kind,
    "namespace": lambda _, found: found.namespace,
    "name": lambda _, found: found.name,
    "fields": lambda _, found: _fields(found),
    "place_before": lambda _, found: str(found.before) if found.before else None,
    "place_after": lambda _, found: str(found.after) if found.after else None,
    # These two take more than a change by itself, see `_touched`.
    "last_touched_by": lambda *_: None,
    "last_touched_author": lambda *_: None,
    "risks": lambda _, found: "; ".join(found.risks),
    "repository": lambda entry, _: entry.repository,
    "revision": lambda entry, _: entry.revision,
    "commit": lambda entry, _: entry.commit,
    "subject": lambda entry, _: entry.subject,
    "author": lambda entry, _: entry.author,
    "committer": lambda entry, _: entry.committer,
    "commits": lambda entry, _: len(entry.commits),
    "pull_request": lambda entry, _: entry.pull_request or "none",
    "pull_request_claimed": lambda entry, _: entry.claimed,
    "approvers": lambda entry, _: _known(entry.approvers),
    "approvals": lambda entry, _: _known(approvals(entry)),
    "approved": lambda entry, _: str(entry.approved),
    "self_approved": lambda entry, _: str(entry.approved_alone),
    "signed": lambda entry, _: str(entry.signed),
    "actor": lambda entry, _: entry.actor,
    "acknowledged": lambda entry, _: str(entry.acknowledged),
    "acknowledgements": lambda entry, _: _acks(acks(entry)),
    "lead_time_ms": lambda entry, _: entry.lead_ms if entry.lead_ms is not None else UNKNOWN,
    "plan": lambda entry, _: text(change(entry).get("plan")),
    "record": lambda entry, _: entry.records[-1].sequence,
    "intact": lambda entry, _: "yes" if entry.intact else "no",
    "record_hash": lambda entry, _: entry.records[-1].hash,
}
