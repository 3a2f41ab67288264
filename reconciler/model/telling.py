"""What a record tells, worked out from what else it holds. Pure.

Records since schema 3 hold it too (`happened`): it was worked out by these rules when they were written.
"""

from reconciler.model.audit import Event
from reconciler.model.decision import Decision, Trigger
from reconciler.model.digest import Json
from reconciler.model.happening import Happening

_Body = dict[str, Json]

_BY_DECISION = {
    Decision.APPLIED: Happening.APPLY,
    Decision.UNCHANGED: Happening.NO_OP,
    Decision.PARTIAL: Happening.PARTIAL,
    Decision.REFUSED: Happening.REJECT,
    Decision.ROLLED_BACK: Happening.ROLLBACK,
    Decision.DRY_RUN: Happening.PLAN,
    Decision.FAILED: Happening.FAIL,
}
_BY_REASON = {"Suspended": Happening.SUSPEND, "Resumed": Happening.RESUME}
_REJECTED = "EnvoyRejected"
_SERVED = (Decision.APPLIED, Decision.PARTIAL)
# Of a change: what a result does not tell again.
LISTS = ("routes", "hosts", "edge", "documents")


def happened(event: Event, body: _Body, intent: _Body | None = None) -> tuple[Happening, ...]:
    """What a record tells, sorted.

    Args:
        event: its event.
        body: its body; where that says it by itself, that holds.
        intent: of a result, the body of its intent.

    Raises:
        ValueError: it names something that is none.
    """
    said = body.get("happened")
    if isinstance(said, list):
        return tuple(sorted(Happening(str(one)) for one in said))
    return worked_out(event, body, intent)


def worked_out(event: Event, body: _Body, intent: _Body | None = None) -> tuple[Happening, ...]:
    """The same by the rules alone.

    Raises:
        ValueError: its decision is none.
    """
    match event:
        case Event.JOURNAL_STARTED:
            found = {Happening.AUDIT_START}
        case Event.INTERRUPTED:
            found = {Happening.INTERRUPTED}
        case Event.INTENT:
            found = _beforehand(body)
        case Event.RESULT:
            found = _in_the_end(body, healing=Happening.DRIFT_FOUND in _beforehand(intent or {}))
        case Event.DECISION:
            found = _beforehand(body) | _in_the_end(body, healing=False)
        case Event.NOTE:
            found = set()
    return tuple(sorted(found))


def applied_change(first_body: _Body, last_body: _Body) -> _Body:
    """The change of an entry as it was carried out, or would have been: digests, counts, routes, hosts, edge.

    A result tells each route only where another plan was carried out than was intended (after a quarantine or a
    rollback); otherwise the intent's lists hold.

    Args:
        first_body: of the intent, decision or note.
        last_body: of the record that ended it; the same one where there is only one, or it has not ended.
    """
    planned, ended = _change(first_body), _change(last_body)
    if ended.get("as_planned") is not True and "routes" in ended:
        return ended
    return {**planned, **ended, **{name: planned[name] for name in LISTS if name in planned}}


def brings_its_commit(source: _Body) -> bool:
    """Whether what an attempt applies was not served before; ``source`` is that group of its record.

    An older commit that a branch was set back to was served before, as far as anybody knows.
    """
    commit = source.get("commit")
    return bool(commit) and commit != source.get("previous_applied") and source.get("fast_forward") is not False


def _change(body: _Body) -> _Body:
    found = body.get("change")
    return found if isinstance(found, dict) else {}


def _beforehand(body: _Body) -> set[Happening]:
    """What is known before anything is touched."""
    found = set()
    if body.get("drift") or body.get("trigger") == Trigger.DRIFT:
        found.add(Happening.DRIFT_FOUND)
    if body.get("trigger") == Trigger.SETTINGS_CHANGED:
        found.add(Happening.SETTINGS_CHANGED)
    source = body.get("source")
    if isinstance(source, dict) and source.get("fast_forward") is False:
        found.add(Happening.HISTORY_REWRITTEN)
    if body.get("exceptions"):
        found.add(Happening.BREAK_GLASS)
    return found


def _in_the_end(body: _Body, *, healing: bool) -> set[Happening]:
    """How it ended; ``healing`` where a target that held something else was written."""
    decision, reason = Decision(str(body.get("decision"))), str(body.get("reason", ""))
    found = {_BY_REASON.get(reason, _BY_DECISION[decision])}
    if healing and decision in _SERVED:
        found.add(Happening.DRIFT_HEALED)
    if reason == _REJECTED or _rejections(body):
        found.add(Happening.VERIFY_FAIL)
    return found


def _rejections(body: _Body) -> bool:
    effect = body.get("effect")
    return isinstance(effect, dict) and bool(effect.get("rejections"))
