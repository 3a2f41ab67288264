"""What each record holds: attempts and conclusions as JSON, group by group. Pure.

`intent`, `result`, `decision` and `interrupted` put the groups of facts together; `columns_of` reads a body back.
"""

from reconciler.audit.proof.chain import Columns
from reconciler.audit.record import groups
from reconciler.audit.record.clean import clean
from reconciler.audit.record.groups import UNKNOWN, Facts, stamp
from reconciler.model.audit import Attempt, Conclusion, Event
from reconciler.model.digest import Digest, Json
from reconciler.model.source import Revision
from reconciler.model.telling import worked_out


def started(tool_version: str, database: Json) -> Facts:
    """The first record of a journal; ``database`` fingerprints its layout."""
    return {"tool": {"name": "reconciler", "version": tool_version}, "database": database}


def intent(attempt: Attempt) -> Facts:
    """The facts known before anything is touched."""
    facts: Facts = {
        "tool": {"name": "reconciler", "version": attempt.tool_version, "config": attempt.config_digest},
        "trigger": str(attempt.trigger),
        "started_at": stamp(attempt.started_at),
        "source": groups.source(attempt),
        "people": groups.people(attempt.commit),
        "verification": UNKNOWN,
        "change": groups.change(attempt.plan),
        "revisions": groups.revisions(attempt.revision, attempt.previous),
        **groups.drift(attempt.drift),
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
        change = {**{key: value for key, value in change.items() if key not in ("routes", "hosts")}, "as_planned": True}
    facts: Facts = {
        "intent": sequence,
        **groups.ending(conclusion, source.get("committed_at"), source.get("fetched_at")),
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
    source = _group(facts, "source")
    ending = groups.ending(conclusion, source.get("committed_at"), source.get("fetched_at"))
    revisions = groups.revisions(attempt.revision, conclusion.served)
    told: Facts = {} if served is None else {"served": served}
    return _telling(Event.DECISION, {**facts, **ending, **told, "revisions": revisions})


def interrupted(sequence: int, intent_body: Facts) -> Facts:
    """Closes an intent whose process died: what it touched is not known."""
    facts: Facts = {"intent": sequence, "revisions": intent_body.get("revisions"), "effect": UNKNOWN}
    return _telling(Event.INTERRUPTED, facts)


def columns_of(body: Facts) -> Columns:
    """What the database repeats of a body.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the body is not a record's.
    """
    commit, author = None, None
    if "source" in body:
        found = _group(body, "source").get("commit")
        commit = found if isinstance(found, str) else None
        person = _group(body, "people")["author"]
        author = f"{person['name']} <{person['email']}>" if isinstance(person, dict) else None
    intended = body.get("intent")
    return Columns(
        time=str(body["time"]),
        event=str(body["event"]),
        intent=intended if isinstance(intended, int) else None,
        commit_sha=commit,
        author=author,
        touched=_touched(body),
    )


def _touched(body: Facts) -> tuple[tuple[str, str, str], ...]:
    found: set[tuple[str, str, str]] = set()
    for listed in (_group(body, "change").get("routes"), body.get("quarantined")):
        for item in listed if isinstance(listed, list) else ():
            if isinstance(item, dict):
                found.add((str(item["kind"]), str(item["namespace"]), str(item["name"])))
    return tuple(sorted(found))


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
