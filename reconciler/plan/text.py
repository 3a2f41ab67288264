"""A plan for a terminal."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from reconciler.model.plan import Change, EdgeChange, FieldChange, HostChange, Op, Plan
from reconciler.model.text import printable
from reconciler.plan.words import SYMBOLS, moved, place, policies, resources, subject, summary, value

# ECMA-48 SGR codes.
_COLOURS: Mapping[Op, str] = MappingProxyType({Op.CREATE: "32", Op.UPDATE: "33", Op.DELETE: "31"})
_BOLD_RED = "1;31"
_FAINT = "2"


def as_text(plan: Plan, colour: bool) -> str:
    """The plan as lines of text: every change with its fields, then the summary and any refusal.

    Args:
        plan: the plan.
        colour: whether to use terminal colours; the symbols ``+ ~ -`` say the same without.
    """
    lines: list[str] = []
    for edge in plan.edge:
        lines += _edge(edge, colour)
    for change in plan.changes:
        lines += _change(change, colour)
    for host in plan.hosts:
        lines += _host(host, colour)
    if lines:
        lines.append("")
    lines.append(f"Plan: {summary(plan)}")
    if plan.resources:
        lines.append(f"Envoy resources: {resources(plan)}.")
    lines.append(f"Digest: {plan.digest}")
    lines += [
        _paint(f"Refused ({refusal.reason}): {printable(refusal.message)}", _BOLD_RED, colour)
        for refusal in plan.refusals
    ]
    return "\n".join(lines) + "\n"


def _change(change: Change, colour: bool) -> Iterator[str]:
    yield _headline(change.op, printable(str(change.id)), colour)
    yield _paint(f"    {place(change)}", _FAINT, colour)
    yield from (_paint(f"    {policy}", _FAINT, colour) for policy in policies(change))
    yield from _fields(change.op, change.fields)


def _edge(change: EdgeChange, colour: bool) -> Iterator[str]:
    yield _headline(change.op, printable(change.subject), colour)
    if change.sentence:
        yield _paint(f"    {change.sentence}", _BOLD_RED if change.op is Op.DELETE else _FAINT, colour)
    yield from _fields(change.op, change.fields)


def _host(change: HostChange, colour: bool) -> Iterator[str]:
    yield _headline(change.op, subject(change), colour)
    yield from _fields(change.op, change.fields)
    yield from (f"    {sentence}" for sentence in moved(change))


def _fields(op: Op, fields: Iterable[FieldChange]) -> Iterator[str]:
    for field in fields:
        match op:
            case Op.CREATE:
                shown = value(field, field.after)
            case Op.DELETE:
                shown = value(field, field.before)
            case Op.UPDATE:
                shown = f"{value(field, field.before)} → {value(field, field.after)}"
        yield f"    {field.field}: {shown}"


def _headline(op: Op, text: str, colour: bool) -> str:
    return _paint(f"{SYMBOLS[op]} {text}", _COLOURS[op], colour)


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
