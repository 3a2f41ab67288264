"""Entries of the log as those see them who may see some namespaces. Pure."""

from dataclasses import replace

from reconciler.model.entry import UNKNOWN, Answer, Entry
from reconciler.model.provenance import namespace_of as namespace_of_path
from reconciler.model.question import RouteChange
from reconciler.model.telling import applied_change
from reconciler.web.access import Scope
from reconciler.web.narrow.facts import Facts, is_seen, listed, narrowed_body, withheld


def narrowed_entry(entry: Entry, scope: Scope) -> Entry | None:
    """The entry, with what it says about others left out; None where nothing is left.

    Of an entry whose contents were taken out nobody can tell whom it was about.
    """
    if scope.everything:
        return entry
    about = subjects(entry)
    if not any(is_seen(fact, scope) for fact in about):
        return None
    return _kept(entry, scope, alone=_alone(entry, about, scope))


def narrowed_change(change: RouteChange, scope: Scope) -> RouteChange:
    """What was done to a route that may be seen, with as much of the entry as may be."""
    if scope.everything:
        return change
    entry = narrowed_entry(change.entry, scope) or _kept(change.entry, scope, alone=False)
    return replace(change, entry=entry)


def subjects(entry: Entry) -> list[Facts]:
    """Every fact of its records that is about one resource."""
    paths = (("change", "routes"), ("change", "documents"), ("quarantined",), ("checks",))
    return [fact for record in entry.records for path in paths for fact in listed(record.body, *path)]


def is_theirs_alone(entry: Entry, scope: Scope) -> bool:
    """Whether all of it is about what may be seen, so that who wrote it is shown."""
    about = subjects(entry)
    return any(is_seen(fact, scope) for fact in about) and _alone(entry, about, scope)


def _alone(entry: Entry, about: list[Facts], scope: Scope) -> bool:
    """Whether an entry is about nobody else, so that what people wrote about all of it is about these namespaces.

    Of several commits the others may be anybody's, even where they change no route.
    """
    bodies = [record.body for record in entry.records]
    around = [fact for body in bodies for part in ("hosts", "edge") for fact in listed(body, "change", part)]
    commits = max(len(listed(body, "source", "commits")) for body in bodies)
    objects = [str(fact.get("object", "")) for body in bodies for fact in listed(body, "source", "objects")]
    return (
        not around
        and commits <= 1
        and all(scope.sees(namespace_of_path(path) or "") for path in objects)
        and all(is_seen(fact, scope) for fact in about)
    )


def _kept(entry: Entry, scope: Scope, *, alone: bool) -> Entry:
    records = tuple(replace(one, body=narrowed_body(one.body, scope, alone=alone)) for one in entry.records)
    routes = listed({"change": applied_change(records[0].body, records[-1].body)}, "change", "routes")
    hidden = [withheld(whole.body, left.body) for whole, left in zip(entry.records, records, strict=True)]
    return replace(
        entry if alone else _without_people(entry),
        message="",
        repository="",
        commits=(entry.commit,) if entry.commit else (),
        actor="",
        creates=_many(routes, "create"),
        updates=_many(routes, "update"),
        deletes=_many(routes, "delete"),
        quarantined=len(listed(records[-1].body, "quarantined")),
        records=records,
        withheld=tuple(sorted(set[str]().union(*hidden))),
    )


def _without_people(entry: Entry) -> Entry:
    """Without what tells of those behind a change, as where nobody asked; `Entry.withheld` says that it is there."""
    return replace(
        entry,
        subject="",
        author="",
        committer="",
        pull_request=UNKNOWN,
        approvers=None,
        signed=Answer.UNKNOWN,
        claimed="",
        self_approved=False,
    )


def _many(routes: list[Facts], op: str) -> int:
    return sum(route.get("op") == op for route in routes)
