"""Whether what an entry tells of was applied, and in which words its changes are told then. Pure."""

from reconciler.model.audit import Event
from reconciler.model.decision import Decision
from reconciler.model.entry import Answer, Entry
from reconciler.model.text import plural
from reconciler.web.pages.views.badges import MINUS, Badge, Tone

_APPLIED = (Decision.APPLIED, Decision.PARTIAL)
_OPS = (("+", "created", Tone.GOOD), ("~", "updated", Tone.NOTICE), (MINUS, "deleted", Tone.BAD))


def applied(entry: Entry) -> Answer:
    """Whether its changes came to Envoys. Nobody knows while they are under way, nor where that was cut off."""
    if entry.decision in _APPLIED:
        return Answer.YES
    if entry.decision is not None:
        # What was begun and failed may have come to some.
        cut_off = entry.decision is Decision.FAILED and entry.records[0].event is Event.INTENT
        return Answer.UNKNOWN if cut_off else Answer.NO
    return Answer.UNKNOWN if entry.trigger is not None else Answer.NO


def counts(entry: Entry) -> tuple[Badge, ...]:
    """Routes created, updated and deleted, as far as there are any; what was not applied is told apart."""
    answer = applied(entry)
    many = (entry.creates, entry.updates, entry.deletes)
    return tuple(_count(each, answer, *words) for each, words in zip(many, _OPS, strict=True) if each)


def _count(many: int, answer: Answer, mark: str, word: str, tone: Tone) -> Badge:
    routes = plural(many, "route")
    match answer:
        case Answer.YES:
            return Badge(f"{mark}{many}", f"{routes} {word}", tone)
        case Answer.NO:
            return Badge(f"({mark}{many})", f"{routes} would have been {word}, not applied", Tone.QUIET)
        case Answer.UNKNOWN:
            return Badge(f"{mark}{many}?", f"{routes} perhaps {word}, not known", Tone.QUIET)
