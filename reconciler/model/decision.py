"""What set a reconcile off, and how it ended."""

from dataclasses import dataclass
from enum import StrEnum


class Trigger(StrEnum):
    """Why this reconcile ran."""

    STARTUP = "Startup"
    NEW_REVISION = "NewRevision"
    ANNOTATION_CHANGED = "AnnotationChanged"
    DRIFT = "Drift"
    LATE_NACK = "LateNack"
    RETRY = "Retry"
    REQUESTED = "Requested"
    LEADING = "Leading"
    FOLLOWING = "Following"
    SETTINGS_CHANGED = "SettingsChanged"


class Decision(StrEnum):
    """How it ended."""

    APPLIED = "Applied"
    UNCHANGED = "Unchanged"
    PARTIAL = "Partial"
    REFUSED = "Refused"
    ROLLED_BACK = "RolledBack"
    DRY_RUN = "DryRun"
    FAILED = "Failed"


class ConditionType(StrEnum):
    """The kstatus conditions."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition with its CamelCase reason."""

    type: ConditionType
    status: bool
    reason: str
    message: str = ""
