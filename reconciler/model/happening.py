"""What a record of the journal tells, in the words an auditor asks with."""

from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.digest import Json


class Happening(StrEnum):
    """What happened. One record may tell several: an apply that put back what somebody changed, a rollback in part.

    Attributes:
        PLAN: what would change was worked out, and nothing was to be touched (no target).
        APPLY: all that the revision says is served.
        NO_OP: the revision changes nothing that is served.
        PARTIAL: served but for what is quarantined.
        REJECT: nothing was touched: the plan is refused.
        ROLLBACK: Envoy rejected it, and what was served before is back.
        FAIL: source, target or journal could not be used.
        DRIFT_FOUND, DRIFT_HEALED: a target held something else than was applied; it was put back.
        VERIFY_FAIL: the configuration failed a check before it was sent, or Envoy rejected it.
        SETTINGS_CHANGED: other settings, or another version of the program, render the same documents otherwise.
        SUSPEND, RESUME: somebody wants nothing to be applied, or again something.
        FREEZE_HIT: a change waits for the end of a freeze.
        BREAK_GLASS: a safeguard was overridden, by somebody and for a reason.
        SOURCE_STALE, SOURCE_BACK: a source was not heard of for too long; it is heard of again.
        HISTORY_REWRITTEN: the branch no longer contains what was applied.
        INTERRUPTED: the process died between intent and result.
        AUDIT_START, AUDIT_STOP: a process began or ceased to write the journal.
        AUDIT_GAP: something was done that could not be recorded when it was.
        MIGRATED: the journal's tables were brought to a newer layout.
        EXPORT: records were given out.
        RETENTION_DELETE: the contents of old records were deleted; their hashes stay.
        HOLD, HOLD_RELEASED: records must not be deleted for a legal reason, or may be again.
        KEY_CHANGED: another key signs the journal from now on; the one before says so.
        ANCHORED: a signed checkpoint was left where the journal's writer can't take it back.
        ANCHOR_FAILED: it could not be left there; told once, until it can again.
        ANCHOR_DIFFERS: what was left outside is not of this journal's past: one of the two was written anew.
    """

    PLAN = "plan"
    APPLY = "apply"
    NO_OP = "no-op"
    PARTIAL = "partial"
    REJECT = "reject"
    ROLLBACK = "rollback"
    FAIL = "fail"
    DRIFT_FOUND = "drift-found"
    DRIFT_HEALED = "drift-healed"
    VERIFY_FAIL = "verify-fail"
    SETTINGS_CHANGED = "settings-changed"
    SUSPEND = "suspend"
    RESUME = "resume"
    FREEZE_HIT = "freeze-hit"
    BREAK_GLASS = "break-glass"
    SOURCE_STALE = "source-stale"
    SOURCE_BACK = "source-back"
    HISTORY_REWRITTEN = "history-rewritten"
    INTERRUPTED = "interrupted"
    AUDIT_START = "audit-start"
    AUDIT_STOP = "audit-stop"
    AUDIT_GAP = "audit-gap"
    MIGRATED = "migrated"
    EXPORT = "export"
    RETENTION_DELETE = "retention-delete"
    HOLD = "hold"
    HOLD_RELEASED = "hold-released"
    KEY_CHANGED = "key-changed"
    ANCHORED = "anchored"
    ANCHOR_FAILED = "anchor-failed"
    ANCHOR_DIFFERS = "anchor-differs"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, if it was a person or another program that asked: as whoever let them in calls them.

    Attributes:
        name: user or service account; empty where nobody knows.
        through: how they asked (``kubectl``, ``command line on HOST``, ``setting allow_plan``).
    """

    name: str
    through: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened beside reconciles.

    Attributes:
        message: one sentence for people.
        facts: more, by name; names are ours, values are cleaned of secrets.
    """

    happening: Happening
    message: str
    actor: Actor | None = None
    facts: dict[str, Json] = field(default_factory=dict)
