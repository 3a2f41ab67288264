"""How decisions, happenings and acknowledgements are called and marked. Pure. No meaning hangs on colour alone."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.decision import Decision
from reconciler.model.effect import AckState
from reconciler.model.entry import Answer, Entry
from reconciler.model.happening import Happening
from reconciler.model.plan import Op
from reconciler.model.problem import Severity


class Tone(StrEnum):
    """Class of a badge in the style sheet."""

    GOOD = "good"
    QUIET = "quiet"
    NOTICE = "notice"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Badge:
    """A mark, a word and a tone."""

    mark: str
    word: str
    tone: Tone


MINUS = "\u2212"

_DECISIONS = {
    Decision.APPLIED: Badge("✓", "Applied", Tone.GOOD),
    Decision.UNCHANGED: Badge("=", "Unchanged", Tone.QUIET),
    Decision.PARTIAL: Badge("◐", "Partial", Tone.WARN),
    Decision.REFUSED: Badge("✕", "Refused", Tone.BAD),
    Decision.ROLLED_BACK: Badge("↩", "Rolled back", Tone.BAD),
    Decision.DRY_RUN: Badge("?", "Dry run", Tone.QUIET),
    Decision.FAILED: Badge("!", "Failed", Tone.BAD),
}

_NOTES = {
    Happening.SUSPEND: Badge("‖", "Suspended", Tone.WARN),
    Happening.RESUME: Badge("▸", "Resumed", Tone.NOTICE),
    Happening.FREEZE_HIT: Badge("‖", "Frozen", Tone.WARN),
    Happening.BREAK_GLASS: Badge("!", "Break glass", Tone.WARN),
    Happening.SOURCE_STALE: Badge("!", "Source stale", Tone.WARN),
    Happening.SOURCE_BACK: Badge("▸", "Source back", Tone.NOTICE),
    Happening.INTERRUPTED: Badge("!", "Interrupted", Tone.BAD),
    Happening.AUDIT_START: Badge("▸", "Started", Tone.QUIET),
    Happening.AUDIT_STOP: Badge("■", "Stopped", Tone.QUIET),
    Happening.AUDIT_GAP: Badge("!", "Gap", Tone.BAD),
    Happening.MIGRATED: Badge("▸", "Migrated", Tone.QUIET),
    Happening.EXPORT: Badge("↗", "Exported", Tone.NOTICE),
    Happening.RETENTION_DELETE: Badge(MINUS, "Retention", Tone.NOTICE),
    Happening.HOLD: Badge("■", "Legal hold", Tone.NOTICE),
    Happening.HOLD_RELEASED: Badge("▸", "Hold released", Tone.NOTICE),
    Happening.ANCHORED: Badge("⚓", "Anchored", Tone.NOTICE),
}

_ACKS = {
    AckState.ACKED: Badge("✓", "acknowledged", Tone.GOOD),
    AckState.NACKED: Badge("✕", "rejected", Tone.BAD),
    AckState.PENDING: Badge("…", "silent", Tone.WARN),
    AckState.UNKNOWN: Badge("?", "written, cannot say", Tone.QUIET),
}

_OPS = {
    Op.CREATE: Badge("+", "created", Tone.GOOD),
    Op.UPDATE: Badge("~", "updated", Tone.NOTICE),
    Op.DELETE: Badge(MINUS, "deleted", Tone.BAD),
}

_SEVERITIES = {
    Severity.ERROR: Badge("✕", "error", Tone.BAD),
    Severity.WARNING: Badge("!", "warning", Tone.WARN),
    Severity.INFO: Badge("i", "info", Tone.QUIET),
}

_DAMAGED = Badge("✕", "Damaged", Tone.BAD)
_UNDER_WAY = Badge("…", "Under way", Tone.NOTICE)
_NOTE = Badge("i", "Note", Tone.QUIET)


def of_entry(entry: Entry) -> Badge:
    """How a decision ended, or what a note tells."""
    if entry.reason == "Suspended":
        return _NOTES[Happening.SUSPEND]
    if entry.decision is not None:
        return _DECISIONS[entry.decision]
    if entry.interrupted:
        return _NOTES[Happening.INTERRUPTED]
    named = next((_NOTES[happening] for happening in entry.happened if happening in _NOTES), None)
    if named is not None:
        return named
    if entry.trigger is None:
        return _NOTE if entry.intact else _DAMAGED
    return _UNDER_WAY


def of_ack(state: str) -> Badge:
    """An Envoy's word."""
    return _ACKS[AckState(state)] if state in set(AckState) else Badge("?", state, Tone.QUIET)


def of_op(op: str) -> Badge:
    """What became of a route."""
    return _OPS[Op(op)] if op in set(Op) else Badge("?", op, Tone.QUIET)


def of_severity(severity: str) -> Badge:
    """How bad a problem is."""
    return _SEVERITIES[Severity(severity)] if severity in set(Severity) else Badge("?", severity, Tone.QUIET)


def of_answer(answer: Answer, yes: str, no: str, unknown: str) -> Badge:
    """Whether something an auditor asks for is there."""
    match answer:
        case Answer.YES:
            return Badge("✓", yes, Tone.GOOD)
        case Answer.NO:
            return Badge("✕", no, Tone.WARN)
        case Answer.UNKNOWN:
            return Badge("?", unknown, Tone.QUIET)


def happening_word(happening: Happening) -> str:
    """``drift found`` for ``drift-found``."""
    return str(happening).replace("-", " ")
