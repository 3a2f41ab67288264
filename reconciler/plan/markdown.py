"""A plan for a pull request comment.

Everything that comes from a file stands inside a fenced block, on lines that begin with our own symbol: there Markdown,
HTML and mentions mean nothing, and no line can close the fence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from reconciler.model.plan import Change, EdgeChange, FieldChange, HostChange, Op, Plan
from reconciler.model.problem import Problem
from reconciler.model.text import plural, printable
from reconciler.plan.words import moved, place, policies, resources, subject, summary, value

# GitHub refuses a comment of more than 65,536 characters; the frame around the changes needs some of them.
_MOST_CHARACTERS = 56_000
_MOST_VALUE = 300
_UNFOLDED = 12
_MOST_PROBLEMS = 10

# The `diff` highlighter colours lines by their first character: green, orange, red.
_MARKS: Mapping[Op, str] = MappingProxyType({Op.CREATE: "+", Op.UPDATE: "!", Op.DELETE: "-"})


def as_markdown(plan: Plan, problems: Sequence[Problem] = ()) -> str:
    """The plan as Markdown of at most 65,536 characters: refusals and summary first, long parts folded.

    Args:
        plan: the plan.
        problems: the findings of the revision, best first; the first few are shown.
    """
    parts = ["### Routing plan", f"**{summary(plan)}**"]
    parts += [f"> **Refused ({refusal.reason}):** {_plain(refusal.message)}" for refusal in plan.refusals]
    if problems:
        lines = "\n".join(f"! {_short(printable(str(problem)))}" for problem in problems[:_MOST_PROBLEMS])
        more = f"\n# and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        parts.append(f"**{plural(len(problems), 'problem')}**\n\n```diff\n{lines}{more}\n```")
    blocks = [list(_edge(change)) for change in plan.edge]
    blocks += [list(_change(change)) for change in plan.changes] + [list(_host(change)) for change in plan.hosts]
    if blocks:
        shown, left_out = _within(blocks)
        fenced = "```diff\n" + "\n".join(line for block in shown for line in block) + "\n```"
        more = f"\n\n{left_out} more changes are not shown here; `--output json` has all." if left_out else ""
        parts.append(_folded(f"{len(blocks)} changes", fenced + more) if len(blocks) > _UNFOLDED else fenced)
    tail = f"Plan digest `{plan.digest}`"
    if plan.resources:
        tail = f"Envoy resources: {resources(plan)}.\n\n{tail}"
    parts.append(_folded("Details", tail))
    return "\n\n".join(parts) + "\n"


def _change(change: Change) -> Iterator[str]:
    mark = _MARKS[change.op]
    yield f"{mark} {change.op} {_short(printable(str(change.id)))}"
    yield f"# {_short(place(change))}"
    yield from (f"# {_short(policy)}" for policy in policies(change))
    yield from _fields(change.op, change.fields)


def _edge(change: EdgeChange) -> Iterator[str]:
    yield f"{_MARKS[change.op]} {change.op} {_short(printable(change.subject))}"
    if change.sentence:
        yield f"{_MARKS[change.op]}   {change.sentence}"
    yield from _fields(change.op, change.fields)


def _host(change: HostChange) -> Iterator[str]:
    yield f"{_MARKS[change.op]} {change.op} {_short(subject(change))}"
    yield from _fields(change.op, change.fields)
    yield from (f"#   {sentence}" for sentence in moved(change))


def _fields(op: Op, fields: Iterable[FieldChange]) -> Iterator[str]:
    for field in fields:
        if op is not Op.CREATE:
            yield f"-   {field.field}: {_short(value(field, field.before))}"
        if op is not Op.DELETE:
            yield f"+   {field.field}: {_short(value(field, field.after))}"


def _within(blocks: list[list[str]]) -> tuple[list[list[str]], int]:
    """As many whole blocks as fit, and how many do not."""
    room = _MOST_CHARACTERS
    for count, block in enumerate(blocks):
        room -= sum(len(line) + 1 for line in block)
        if room < 0:
            return blocks[:count], len(blocks) - count
    return blocks, 0


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _short(text: str) -> str:
    return text if len(text) <= _MOST_VALUE else f"{text[: _MOST_VALUE - 1]}…"


def _plain(text: str) -> str:
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace("`", "'")
