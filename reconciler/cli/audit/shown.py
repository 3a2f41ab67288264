"""How entries look on a terminal, and as JSON."""

from collections.abc import Iterable, Iterator, Sequence

import click

from reconciler.cli.audit.times import shown, stamped
from reconciler.model.decision import Decision
from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN, Answer, Entry
from reconciler.model.text import plural, printable

_COLOURS = {
    Decision.APPLIED: "green",
    Decision.UNCHANGED: "green",
    Decision.PARTIAL: "yellow",
    Decision.REFUSED: "red",
    Decision.ROLLED_BACK: "red",
    Decision.FAILED: "red",
}
_ACKS = {"Acked": "acknowledged", "Nacked": "rejected", "Pending": "silent", "Unknown": "written"}
_SHORT = 7  # git's own shortest abbreviation


def lines(entries: Sequence[Entry], *, review: bool = False) -> Iterator[str]:
    """Entries for people, one line each, aligned; below it what somebody else had changed.

    Args:
        entries: which.
        review: with a line that tells of pull request, approval, signature and acknowledgement.
    """
    numbers = max((len(str(entry.sequence)) for entry in entries), default=0)
    words = max((len(_word(entry)) for entry in entries), default=0)
    for entry in entries:
        yield line(entry, numbers, words)
        below = [*drifted(entry), *([reviewed(entry)] if review else [])]
        yield from (f"{'':{max(numbers, _NUMBERS)}}  {text}" for text in below)


_NUMBERS, _WORDS = 5, 11  # the least widths, so that pages of one log look alike


def damage(entries: Iterable[Entry]) -> Iterator[str]:
    """Of each record that is not as it was written, that it is none; it can be no evidence."""
    for record in (record for entry in entries for record in entry.records if not record.intact):
        words = "its content does not have its hash" if record.body else "its content was taken out, not by retention"
        sign = click.style("DAMAGED", fg="red", bold=True)
        yield f"{sign}: record {record.sequence} is not as it was written ({words}); see `reconciler audit verify`"


def line(entry: Entry, numbers: int = _NUMBERS, words: int = _WORDS) -> str:
    """An entry in one line for people; the widths are of its number and of what happened."""
    colour = _COLOURS.get(entry.decision, "yellow") if entry.decision else "yellow"
    counts = "".join(
        f" {sign}{many}" for sign, many in (("+", entry.creates), ("~", entry.updates), ("-", entry.deletes)) if many
    )
    acks = ", ".join(f"{many} {_ACKS.get(state, state)}" for state, many in entry.acks)
    parts = [
        f"{entry.sequence:>{max(numbers, _NUMBERS)}}",
        shown(entry.time),
        click.style(f"{_word(entry):<{max(words, _WORDS)}}", fg=colour),
        click.style(f"{entry.commit[:_SHORT] or '-':<{_SHORT}}", fg="cyan"),
        printable(_said(entry)),
        f"[{counts.strip()}]" if counts else "",
        f"({acks})" if acks else "",
        entry.reason if entry.trigger else "",
        "" if entry.intact else click.style("DAMAGED: not as it was written", fg="red", bold=True),
    ]
    return "  ".join(part for part in parts if part)


def drifted(entry: Entry) -> Iterator[str]:
    """What somebody else had changed in a target, as far as the target could tell."""
    told = entry.records[0].body.get("drift") if entry.records else None
    for one in told if isinstance(told, list) else ():
        if isinstance(one, dict):
            what, by, at = (one.get(name) or UNKNOWN for name in ("what", "by", "at"))
            yield printable(f"drift in {one.get('target')}: {what}, by {by}, at {at}")


def reviewed(entry: Entry) -> str:
    """Who let it through, as far as that is known."""
    match entry.pull_request:
        case "":
            request = "no pull request"
        case "unknown":
            request = f"pull request unknown{f' (the message names {entry.claimed})' if entry.claimed else ''}"
        case number:
            request = f"pull request {number}"
    match entry.approvers:
        case None:
            approval = f"approval {UNKNOWN}"
        case ():
            approval = "approved by nobody"
        case names:
            approval = f"approved by {', '.join(names)}{' alone, who wrote it' if entry.self_approved else ''}"
    signature = {Answer.YES: "signed", Answer.NO: "not signed by anybody trusted"}.get(
        entry.signed, f"signature {UNKNOWN}"
    )
    taken = {Answer.YES: "acknowledged", Answer.NO: "not acknowledged by every Envoy"}
    return printable(
        f"{request}; {approval}; {signature}; {taken.get(entry.acknowledged, f'acknowledgement {UNKNOWN}')}"
    )


def as_json(entry: Entry) -> dict[str, Json]:
    """An entry for programs, with stable keys: every fact is there, and what nobody asked for is ``unknown``."""
    return {
        "sequence": entry.sequence,
        "time": stamped(entry.time),
        "finished_at": stamped(entry.finished_at),
        "happened": [str(one) for one in entry.happened],
        "trigger": str(entry.trigger) if entry.trigger else None,
        "decision": str(entry.decision) if entry.decision else None,
        "interrupted": entry.interrupted,
        "reason": entry.reason,
        "message": entry.message,
        "repository": entry.repository,
        "revision": entry.revision,
        "commit": entry.commit,
        "commits": list(entry.commits),
        "commits_omitted": entry.commits_omitted,
        "authors": list(entry.authors),
        "subject": entry.subject,
        "author": entry.author,
        "committer": entry.committer,
        "actor": entry.actor,
        "pull_request": entry.pull_request,
        "approvers": UNKNOWN if entry.approvers is None else list(entry.approvers),
        "approved": str(entry.approved),
        "self_approved": str(entry.approved_alone),
        "signed": str(entry.signed),
        "acknowledged": str(entry.acknowledged),
        "acks": [[state, many] for state, many in entry.acks],
        "creates": entry.creates,
        "updates": entry.updates,
        "deletes": entry.deletes,
        "quarantined": entry.quarantined,
        "lead_ms": entry.lead_ms,
        "intact": entry.intact,
    }


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows of cells as aligned lines."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _word(entry: Entry) -> str:
    """How it ended, or what it tells of."""
    if entry.decision:
        return str(entry.decision)
    if entry.interrupted:
        return "Interrupted"
    return "under way" if entry.trigger else ", ".join(map(str, entry.happened))


def _said(entry: Entry) -> str:
    if entry.trigger or entry.commit:
        others = len({*entry.authors} - {entry.author, ""})
        more = len({*entry.commits} - {entry.commit}) + entry.commits_omitted
        who = " and ".join(filter(None, (entry.author or "-", plural(others, "other") if others else "")))
        brought = f" (+{plural(more, 'commit')})" if more else ""
        return f"{who}: {entry.subject or '-'}{brought}"
    return f"{entry.actor}: {entry.message}" if entry.actor else entry.message
