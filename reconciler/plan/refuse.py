"""Which plans are too dangerous to apply unasked, and the digest by which a person may ask for one."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.plan import Change, FieldChange, HostChange, Op, Refusal, RefusalReason

SHOWN_DIGITS = 12
_ALLOWED = re.compile(rf"(?:sha256:)?([0-9a-f]{{{SHOWN_DIGITS},64}})")


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """How much one plan may take away.

    Attributes:
        max_delete_share: share of the routes, 0..1, that may be deleted at once. A deployment rarely removes a third
            of what is served; a wrong folder or a bad merge does.
        min_routes: routes there must be before the share counts; below it one deletion is already a large share.
    """

    max_delete_share: float = 0.30
    min_routes: int = 10


@dataclass(frozen=True, slots=True)
class Reach:
    """The facts of a plan that decide whether it is safe.

    Attributes:
        routes_after: those that answer somewhere.
        deletes: routes deleted, and routes that stay but no longer answer on any virtual host.
        unguarded: broken documents that were to guard every request, and nothing of their kind is served.
    """

    routes_before: int
    routes_after: int
    deletes: int
    fast_forward: bool | None
    unguarded: tuple[str, ...] = ()


def reasons(reach: Reach, radius: BlastRadius) -> tuple[RefusalReason, ...]:
    """Why a plan of this reach is refused, in the order they are shown; empty when it is safe."""
    found: list[RefusalReason] = []
    if not reach.routes_after:
        found.append(RefusalReason.EMPTY_TABLE)
    elif reach.routes_before >= radius.min_routes and reach.deletes > radius.max_delete_share * reach.routes_before:
        found.append(RefusalReason.TOO_MANY_DELETES)
    if reach.fast_forward is False:
        found.append(RefusalReason.HISTORY_REWRITTEN)
    if reach.unguarded:
        found.append(RefusalReason.UNGUARDED)
    return tuple(found)


def explain(reason: RefusalReason, reach: Reach, radius: BlastRadius, digest: Digest) -> Refusal:
    """The refusal with its sentence: what was found, what the limit is, and the flag that overrides it."""
    override = f"If that is intended: --allow-plan {short(digest)}"
    before = reach.routes_before
    match reason:
        case RefusalReason.EMPTY_TABLE if before:
            said = f"all routes ({before}) would be gone: none is left that answers. Check --path and --ref."
        case RefusalReason.EMPTY_TABLE:
            said = "no Mapping found, and nothing is served yet. Check --path and --ref."
        case RefusalReason.TOO_MANY_DELETES:
            said = (
                f"{reach.deletes} of {before} routes would be gone ({reach.deletes / before:.0%}); "
                f"at most {radius.max_delete_share:.0%} may be, once there are {radius.min_routes}."
            )
        case RefusalReason.HISTORY_REWRITTEN:
            said = "the last applied commit is not an ancestor of this one: history was rewritten."
        case RefusalReason.UNGUARDED:
            said = (
                f"a document that guards requests is broken and nothing of it is served "
                f"({', '.join(reach.unguarded)}): requests would pass without it. Correct it."
            )
    return Refusal(reason, f"{said} {override}")


def plan_digest(
    before: Digest,
    after: Digest,
    changes: Iterable[Change],
    hosts: Iterable[HostChange],
    refused: Iterable[RefusalReason],
    unguarded: Sequence[str] = (),
) -> Digest:
    """The digest that names a plan: equal content, equal digest, on every machine.

    Provenance is not in it, since the snapshots carry file and commit in their metadata; nor is the wording of a
    refusal.
    """
    named: list[Json] = [str(reason) for reason in refused]
    content: dict[str, Json] = {
        "before": before,
        "after": after,
        "changes": [[str(c.op), str(c.id), _fields(c.fields)] for c in changes],
        "hosts": [[str(h.op), h.listener, h.host, _fields(h.fields), list(h.gained), list(h.lost)] for h in hosts],
        "refused": named,
    }
    if unguarded:
        content["unguarded"] = list(unguarded)
    # Canonical already: nothing but strings under ASCII keys, which RFC 8785 writes the same, many times slower.
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest_bytes(text.encode("utf-8", "backslashreplace"))


def is_allowed(allowed: str, digest: Digest) -> bool:
    """Whether ``allowed`` names this plan: its digest, or at least the first 12 hex digits of it."""
    named = _ALLOWED.fullmatch(allowed.strip().lower())
    return named is not None and digest.removeprefix("sha256:").startswith(named[1])


def short(digest: Digest) -> str:
    """The digits of a plan's digest that ``--allow-plan`` needs."""
    return digest.removeprefix("sha256:")[:SHOWN_DIGITS]


def deletes(changes: Iterable[Change]) -> int:
    """How many routes go away."""
    return sum(change.op is Op.DELETE for change in changes)


def _fields(fields: Iterable[FieldChange]) -> Json:
    return [[field.field, field.before, field.after] for field in fields]
