"""What those who may see some namespaces search the log for: never what is not shown to them. Pure.

The journal is asked by whole entries. A condition on what is left out of them would tell of it by what is found, and
by where the next page begins: so only those go there that are about what is shown; the rest is looked for in what is
left.
"""

from dataclasses import replace

from reconciler.model.entry import UNKNOWN, Answer, Entry
from reconciler.model.question import Lack, Query
from reconciler.web.access import Scope
from reconciler.web.narrow.entries import subjects
from reconciler.web.narrow.facts import Facts, namespace_of


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
    asked = replace(query, namespaces=chosen, mapping=mapping, author="", commit="", text="")
    return replace(asked, lacking=frozenset(), self_approved=False)


def agrees(entry: Entry, query: Query) -> bool:
    """Whether what is left of an entry is what was asked for."""
    author, text, commit = query.author.casefold(), query.text.lower(), query.commit.strip().lower()
    namespace, _, name = query.mapping.rpartition("/")
    return (
        author in entry.author.casefold()
        and (not text or any(text in words.lower() for words in (entry.subject, entry.reason, entry.message)))
        and (not commit or any(found.startswith(commit) for found in (entry.commit, *entry.commits)))
        and (not name or any(_is_named(fact, namespace, name) for fact in subjects(entry)))
        and (not query.self_approved or entry.self_approved)
        and (not query.lacking or _lacks(entry, query.lacking))
    )


def _is_named(fact: Facts, namespace: str, name: str) -> bool:
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
