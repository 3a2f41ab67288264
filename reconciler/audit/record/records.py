"""What each record holds: attempts and conclusions as JSON, group by group. Pure.

`intent`, `result`, `decision`, `interrupted` and `note` put the groups of facts together; `columns_of` reads back.
"""

from reconciler.audit.proof.chain import Columns
from reconciler.audit.record import commit, groups
from reconciler.audit.record.clean import clean
from reconciler.audit.record.ending import ending
from reconciler.audit.record.groups import UNKNOWN, Facts, stamp
from reconciler.audit.record.projection import entry_number
from reconciler.model.audit import Attempt, Conclusion, Event
from reconciler.model.digest import Digest, Json
from reconciler.model.happening import Note
from reconciler.model.source import Revision
from reconciler.model.telling import LISTS, worked_out

NOT_WRITTEN = "result not written"


def started(tool_version: str, database: Json) -> Facts:
    """The first record of a journal; ``database`` fingerprints its layout."""
    return {"tool": {"name": "reconciler", "version": tool_version}, "database": database}


def intent(attempt: Attempt) -> Facts:
    """The facts known before anything is touched."""
    facts: Facts = {
        "tool": {"name": "reconciler", "version": attempt.tool_version, "config": attempt.config_digest},
        "controller": attempt.controller.as_json(),
        "trigger": str(attempt.trigger),
        "actor": groups.actor(attempt.actor),
        "started_at": stamp(attempt.started_at),
        "source": commit.source(attempt),
        "people": commit.people(attempt.commit, attempt.review),
        "verification": commit.verification(attempt.commit),
        "change": groups.change(attempt.plan),
        "revisions": groups.revisions(attempt.revision, attempt.previous),
        **groups.drift(attempt.drift),
        **groups.unrecorded(attempt.unrecorded),
        **groups.exceptions(attempt.plan, attempt.allowed_by),
    }
    return _telling(Event.INTENT, facts)


def result(sequence: int, intent_body: Facts, conclusion: Conclusion, served: Json) -> Facts:
    """The facts known after an apply.

    Args:
        sequence: of the intent.
        intent_body: its body.
        conclusion: how it ended.
        served: what is served from now on, from `served.summary`; None when that is unchanged.
    """
    planned = _group(intent_body, "change")
    source, revisions = _group(intent_body, "source"), _group(intent_body, "revisions")
    change = groups.change(conclusion.plan)
    if change["plan"] == planned.get("plan"):
        # The intent already tells every route; ten thousand of them are not written twice.
        told = {key: value for key, value in change.items() if key not in LISTS}
        change = {**told, "as_planned": True}
    facts: Facts = {
        "intent": sequence,
        **ending(conclusion, source, _merged_at(intent_body)),
        "change": change,
        "revisions": {
            "last_attempted": revisions.get("last_attempted"),
            "last_applied": groups.revision(conclusion.served),
        },
        "served": served,
    }
    return _telling(Event.RESULT, facts, intent_body)


def decision(attempt: Attempt, conclusion: Conclusion, served: Json) -> Facts:
    """The facts of a reconcile that touched nothing; ``served`` as in `result`."""
    facts = intent(attempt)
    ended = ending(conclusion, _group(facts, "source"), _merged_at(facts))
    revisions = groups.revisions(attempt.revision, conclusion.served)
    told: Facts = {} if served is None else {"served": served}
    return _telling(Event.DECISION, {**facts, **ended, **told, "revisions": revisions})


def interrupted(sequence: int, intent_body: Facts, cause: str = "") -> Facts:
    """Closes an intent that has no result: what it touched is not known.

    Args:
        sequence: of the intent.
        intent_body: its body.
        cause: why it has none, such as `NOT_WRITTEN`; empty where the process died.
    """
    facts: Facts = {"intent": sequence, "revisions": intent_body.get("revisions"), "effect": UNKNOWN}
    if cause == NOT_WRITTEN:
        message = "its result could not be written when it was due; what was served then is recorded later"
        facts = {**facts, "cause": cause, "message": message}
    return _telling(Event.INTERRUPTED, facts)


def note(told: Note) -> Facts:
    """The facts of something that happened beside reconciles."""
    facts: Facts = {**told.facts, "message": told.message, "actor": groups.actor(told.actor)}
    cleaned = clean(facts)
    if not isinstance(cleaned, dict):
        raise TypeError(Event.NOTE)
    return {**cleaned, "happened": [str(told.happening)]}


def columns_of(body: Facts) -> Columns:
    """What the database repeats of a body in its own row.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the body is not a record's.
    """
    sequence, event, intended = body["sequence"], str(body["event"]), body.get("intent")
    if type(sequence) is not int:
        raise TypeError("sequence")
    intent = intended if isinstance(intended, int) else None
    return Columns(str(body["time"]), event, entry_number(sequence, event, intent), intent)


def _merged_at(body: Facts) -> Json:
    merger = _group(body, "people").get("merger")
    return merger.get("time") if isinstance(merger, dict) else UNKNOWN


def _group(body: Facts, name: str) -> Facts:
    group = body.get(name, {})
    if not isinstance(group, dict):
        raise TypeError(name)
    return group


def _telling(event: Event, facts: Facts, intent_body: Facts | None = None) -> Facts:
    """The facts without secrets, and with what they tell."""
    cleaned = clean(facts)
    if not isinstance(cleaned, dict):
        raise TypeError(event)
    return {**cleaned, "happened": [*map(str, worked_out(event, cleaned, intent_body))]}


def served_summary(revision: Revision | None, snapshot: Digest | None, resources: int, documents: Digest) -> Json:
    """What a result says is served from now on; ``documents`` is the digest of every document and its provenance."""
    return {
        "revision": groups.revision(revision),
        "snapshot": snapshot,
        "resources": resources,
        "documents": documents,
    }
