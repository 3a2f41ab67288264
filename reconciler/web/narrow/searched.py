"""What those who may see some namespaces search the log for: never what is not shown to them. Pure.

The journal is asked by whole entries. A condition on what is left out of them would tell of it by what is found, and
by where the next page begins: so only those go there that are about what is shown; the rest is looked for in what is
left.
"""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.model.credit import same_touch
from reconciler.model.decision import Decision
from reconciler.model.entry import UNKNOWN, Answer, Entry
from reconciler.model.question import Lack, Query
from reconciler.web.access import Scope
from reconciler.web.narrow.entries import subjects
from reconciler.web.narrow.facts import Facts, listed, namespace_of


def askable(query: Query, scope: Scope) -> Query | None:
    """The question that may be put to whole entries, all of which concern what may be seen; None where none can.

    Args:
        query: what is asked.
        scope: what may be seen; not everything.
    """
    mine = scope.namespaces or frozenset[str]()
    chosen = mine if query.namespaces is None else query.namespaces & mine
    namespace, _, name = query.mapping.rpartition("/")
    if not chosen or (namespace and namespace not in mine):
        return None
    # A bare name may be that of a route of others, too.
    mapping = query.mapping if namespace else f"{next(iter(mine))}/{name}" if name and len(mine) == 1 else ""
    asked = replace(query, namespaces=chosen, mapping=mapping, author="", commit="", text="", kind="")
    # What was refused or failed is told of every entry; that another thing was served may be about others alone.
    return replace(asked, lacking=frozenset(), self_approved=False, applied=None if query.applied else query.applied)


def agrees(entry: Entry, query: Query) -> bool:
    """Whether what is left of an entry is what was asked for."""
    author, text, commit = query.author.casefold(), query.text.lower(), query.commit.strip().lower()
    namespace, _, name = query.mapping.rpartition("/")
    return (
        (not author or any(author in found.casefold() for found in _people(entry)))
        and (not text or any(text in words.lower() for words in (entry.subject, entry.reason, entry.message)))
        and (not commit or any(found.startswith(commit) for found in _commits(entry)))
        and (not name or any(_is_named(fact, namespace, name, query.kind) for fact in subjects(entry)))
        and (not query.kind or any(_kind_of(fact) == query.kind for fact in subjects(entry)))
        and (not query.applied or _is_served(entry))
        and (not query.self_approved or entry.self_approved)
        and (not query.lacking or _lacks(entry, query.lacking))
    )


def _people(entry: Entry) -> Iterator[str]:
    """Who wrote any of what is shown: as the journal has it of whole entries."""
    yield entry.author
    for place in _brought(entry):
        yield _text(place, "author")
        found = place.get("object")
        yield _text(found, "manager") if isinstance(found, dict) else ""


def _commits(entry: Entry) -> Iterator[str]:
    yield from (entry.commit, *entry.commits)
    yield from (_text(place, "commit") for place in _brought(entry))


def _brought(entry: Entry) -> Iterator[Facts]:
    """Where documents are written that it brought another touch of; an older touch is nothing of this entry."""
    paths = (("change", "routes"), ("change", "documents"))
    for fact in (fact for record in entry.records for path in paths for fact in listed(record.body, *path)):
        after = fact.get("after")
        if isinstance(after, dict) and not same_touch(fact.get("before"), after):
            yield after


def _text(facts: Facts, name: str) -> str:
    found = facts.get(name)
    return found if isinstance(found, str) else ""


def _kind_of(fact: Facts) -> str:
    return _text(fact, "kind") or _text(fact, "resource").partition(" ")[0]


def _is_served(entry: Entry) -> bool:
    """Whether something of theirs that it changed was served after it, or may have been."""
    changed = entry.creates + entry.updates + entry.deletes
    return bool(changed) and entry.decision in (None, Decision.APPLIED, Decision.PARTIAL)


def _is_named(fact: Facts, namespace: str, name: str, kind: str) -> bool:
    if kind and _kind_of(fact) != kind:
        return False
    told = fact.get("name")
    found = told if isinstance(told, str) else str(fact.get("resource", "")).rpartition("/")[2]
    return found == name and (not namespace or namespace_of(fact) == namespace)


def _lacks(entry: Entry, lacking: frozenset[Lack]) -> bool:
    """Whether a change of theirs lacks one of these; nobody can say so of what is not shown."""
    if not entry.creates + entry.updates + entry.deletes:
        return False
    told = {Lack.ACKNOWLEDGEMENT: entry.acknowledged is not Answer.YES}
    if "people" not in entry.withheld:
        told[Lack.PULL_REQUEST] = entry.pull_request in ("", UNKNOWN)
        told[Lack.APPROVAL] = entry.approved is not Answer.YES
        told[Lack.SIGNATURE] = entry.signed is not Answer.YES
    return any(told.get(lack, False) for lack in lacking)
