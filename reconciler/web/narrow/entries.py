"""Entries of the log as those see them who may see some namespaces. Pure."""

from dataclasses import replace

from reconciler.model.entry import UNKNOWN, Entry
from reconciler.model.question import Query, RouteChange
from reconciler.web.access import Scope
from reconciler.web.narrow.facts import Facts, is_seen, listed, namespace_of, narrowed_body


def narrowed_entry(entry: Entry, scope: Scope) -> Entry | None:
    """The entry, with what it says about others left out; None where nothing is left.

    Of an entry whose contents retention deleted nobody can tell whom it was about.
    """
    if scope.everything:
        return entry
    about = [fact for record in entry.records for fact in _subjects(record.body)]
    if not any(is_seen(fact, scope) for fact in about):
        return None
    return _kept(entry, scope, alone=_alone(entry, about, scope))


def narrowed_change(change: RouteChange, scope: Scope) -> RouteChange:
    """What was done to a route that may be seen, with as much of the entry as may be."""
    if scope.everything:
        return change
    entry = narrowed_entry(change.entry, scope) or _kept(change.entry, scope, alone=False)
    return replace(change, entry=entry)


def agrees(entry: Entry, query: Query) -> bool:
    """Whether what is left of an entry is what was asked for: what is not shown can't be searched either."""
    author, text, commit = query.author.lower(), query.text.lower(), query.commit.lower()
    namespace, _, name = query.mapping.rpartition("/")
    routes = [fact for record in entry.records for fact in _subjects(record.body)]
    return (
        author in entry.author.lower()
        and (not text or any(text in words.lower() for words in (entry.subject, entry.reason, entry.message)))
        and (not commit or any(found.startswith(commit) for found in (entry.commit, *entry.commits)))
        and (not name or any(_named(fact) in {(namespace, name)} | _anywhere(fact, namespace, name) for fact in routes))
    )


def _anywhere(fact: Facts, namespace: str, name: str) -> set[tuple[str, str]]:
    return set() if namespace else {(namespace_of(fact), name)}


def _named(fact: Facts) -> tuple[str, str]:
    name = fact.get("name")
    found = name if isinstance(name, str) else str(fact.get("resource", "")).rpartition("/")[2]
    return namespace_of(fact), found


def _subjects(body: Facts) -> list[Facts]:
    """Every fact of a record that is about one resource."""
    return [*listed(body, "change", "routes"), *listed(body, "quarantined"), *listed(body, "checks")]


def _alone(entry: Entry, about: list[Facts], scope: Scope) -> bool:
    """Whether an entry is about nobody else."""
    around = [host for record in entry.records for host in listed(record.body, "change", "hosts")]
    return not around and all(is_seen(fact, scope) for fact in about)


def _kept(entry: Entry, scope: Scope, *, alone: bool) -> Entry:
    records = tuple(replace(one, body=narrowed_body(one.body, scope, alone=alone)) for one in entry.records)
    routes = listed(records[-1].body, "change", "routes") or listed(records[0].body, "change", "routes")
    return replace(
        entry,
        message="",
        repository="",
        subject=entry.subject if alone else "",
        author=entry.author if alone else "",
        committer=entry.committer if alone else "",
        commits=(entry.commit,) if entry.commit else (),
        pull_request=entry.pull_request if alone else UNKNOWN,
        approvers=entry.approvers if alone else None,
        actor="",
        creates=sum(route.get("op") == "create" for route in routes),
        updates=sum(route.get("op") == "update" for route in routes),
        deletes=sum(route.get("op") == "delete" for route in routes),
        quarantined=len(listed(records[-1].body, "quarantined")),
        records=records,
    )
