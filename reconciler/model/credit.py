"""Whom what became of a route is credited to: the commit that did it, or those of which one did. Pure.

An entry may bring many commits, and a record tells of a route what stood before all of them and what stands after. So
one of them is named only where no other can have been it.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN
from reconciler.model.origin import Kind
from reconciler.model.plan import Op
from reconciler.model.question import RouteChange
from reconciler.model.telling import applied_change

_Facts = dict[str, Json]

_ROUTES = (Kind.MAPPING, Kind.TCP_MAPPING)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote something when; what is not known is ``unknown``.

    Attributes:
        commit: of git, or the version of the object in the cluster.
        author: or the field manager of that write.
        date: RFC 3339.
    """

    commit: str
    author: str
    date: str


@dataclass(frozen=True, slots=True)
class Credit:
    """Who did it.

    Attributes:
        exact: who; None where that is not known.
        candidates: of whom one did it, newest first; the one alone where it is known.
        place: where it is written; None where that is not known.
        elsewhere: the route's own document did not change.
        or_before: it may have been somebody before ``exact``, of whom the record does not tell.
        omitted: how many more commits the entry brought than its record lists; any of them may have been it.
        document: the other one that has a say in it and changed: ``MappingPolicy shop/limits``; empty where there is
            none, and where there are several.
    """

    exact: Writer | None
    candidates: tuple[Writer, ...]
    place: Json
    elsewhere: bool = False
    or_before: bool = False
    omitted: int = 0
    document: str = ""


def same_touch(before: Json, after: Json) -> bool:
    """Whether two places of a record have the same last touch, so that the document did not change in between."""
    touch = _touch(before)
    return touch is not None and touch == _touch(after)


def credit(change: RouteChange) -> Credit:
    """Who did what an entry did to a route."""
    found = _credit(change)
    # Commits of entries before it are not in its record.
    return replace(found, or_before=True) if change.held else found


def _credit(change: RouteChange) -> Credit:
    place = change.before if change.op is Op.DELETE else change.after
    if not isinstance(place, dict):
        return _elsewhere(change, None)
    if change.op is Op.DELETE:
        return _deleted(change, place)
    if same_touch(change.before, change.after):
        return _elsewhere(change, place)
    writer = _of_place(place)
    return _brought(change, place, writer) if _text(place.get("commit")) else Credit(writer, (writer,), place)


def _brought(change: RouteChange, place: _Facts, writer: Writer) -> Credit:
    """The document changed: by its last touch, unless another commit of the range touched it before."""
    commits = _commits(change)
    if writer.commit not in {_text(each.get("commit")) for each in commits}:
        return Credit(writer, (writer,), place, or_before=True)
    line = _line(writer.commit, commits)
    own = _paths((change.before, change.after))
    policies = _policies(change)
    with_a_say = _paths(_sides(each for each in _documents(change) if _has_a_say(each, change, policies)))
    found = [
        each
        for each in commits
        if (_text(each.get("commit")) in line and _changed(each, own)) or (with_a_say and _changed(each, with_a_say))
    ]
    candidates = tuple(map(_of_commit, found)) or (writer,)
    exact = candidates[0] if len(candidates) == 1 and not _omitted(change) else None
    return Credit(exact, candidates, place, omitted=_omitted(change))


def _deleted(change: RouteChange, place: _Facts) -> Credit:
    """Whoever changed the file in which it stood."""
    if not _text(place.get("commit")):
        return Credit(None, (), place)
    found = tuple(_of_commit(each) for each in _commits(change) if _changed(each, _paths((place,))))
    if not found:
        return _elsewhere(change, place)
    return Credit(
        found[0] if len(found) == 1 and not _omitted(change) else None, found, place, omitted=_omitted(change)
    )


def _elsewhere(change: RouteChange, own: Json) -> Credit:
    """The document is as it was: another one, which has a say in it, or the settings."""
    others = [each for each in _documents(change) if _text(each.get("kind")) not in _ROUTES]
    policies = _policies(change)
    others = [each for each in others if _is_attached(each, change, policies)] or others
    places = [each.get("before") if each.get("op") == Op.DELETE else each.get("after") for each in others]
    place = places[0] if len(places) == 1 else None
    objects = [each for each in places if isinstance(each, dict) and isinstance(each.get("object"), dict)]
    commits = _commits(change)
    found = [each for each in commits if _changed(each, _paths(_sides(others)))] or ([] if objects else commits)
    candidates = (*map(_of_commit, found), *map(_of_place, objects))
    exact = candidates[0] if len(candidates) == 1 and not _omitted(change) else None
    named = _named(others[0]) if len(others) == 1 else ""
    return Credit(exact, candidates, place, elsewhere=own is not None, omitted=_omitted(change), document=named)


def _named(document: _Facts) -> str:
    kind, namespace, name = (_text(document.get(part)) for part in ("kind", "namespace", "name"))
    return f"{kind} {namespace}/{name}"


def _has_a_say(document: _Facts, change: RouteChange, policies: Collection[str]) -> bool:
    """Whether it may have set any field of the route besides the route's own document."""
    return _text(document.get("kind")) == Kind.MODULE or _is_attached(document, change, policies)


def _is_attached(document: _Facts, change: RouteChange, policies: Collection[str]) -> bool:
    """Whether it is a policy of the route; of one that is gone only its namespace tells."""
    if _text(document.get("kind")) != Kind.MAPPING_POLICY:
        return False
    named = f"{_text(document.get('namespace'))}/{_text(document.get('name'))}"
    gone = document.get("op") == Op.DELETE and _text(document.get("namespace")) == change.id.namespace
    return gone or named in policies


def _policies(change: RouteChange) -> set[str]:
    """The names of the policies that the route has."""
    return {_text(each.get("name")) for each in _dicts(_route(change).get("policies"))}


def _route(change: RouteChange) -> _Facts:
    wanted = {"kind": str(change.id.kind), "namespace": change.id.namespace, "name": change.id.name}
    routes = _dicts(_change(change).get("routes"))
    return next((each for each in routes if wanted.items() <= each.items()), {})


def _documents(change: RouteChange) -> list[_Facts]:
    return _dicts(_change(change).get("documents"))


def _change(change: RouteChange) -> _Facts:
    records = change.entry.records
    return applied_change(records[0].body, records[-1].body) if records else {}


def _commits(change: RouteChange) -> list[_Facts]:
    return _dicts(_source(change).get("commits"))


def _omitted(change: RouteChange) -> int:
    found = _source(change).get("commits_omitted")
    return found if isinstance(found, int) else 0


def _source(change: RouteChange) -> _Facts:
    found = change.entry.records[0].body.get("source") if change.entry.records else None
    return found if isinstance(found, dict) else {}


def _line(commit: str, commits: Iterable[_Facts]) -> set[str]:
    """A commit and those of the range that it came of."""
    parents = {_text(each.get("commit")): each.get("parents") for each in commits}
    found, left = set[str](), [commit]
    while left:
        at = left.pop()
        if at in parents and at not in found:
            found.add(at)
            known = parents[at]
            left.extend(each for each in (known if isinstance(known, list) else ()) if isinstance(each, str))
    return found


def _changed(commit: _Facts, paths: Collection[str]) -> bool:
    """Whether a commit changed one of the files; one of which that is not known may have."""
    told = commit.get("paths")
    return any(path in paths for path in told) if isinstance(told, list) else True


def _sides(documents: Iterable[_Facts]) -> Iterator[Json]:
    for each in documents:
        yield from (each.get("before"), each.get("after"))


def _paths(places: Iterable[Json]) -> set[str]:
    return {_text(each.get("path")) for each in places if isinstance(each, dict)} - {""}


def _touch(place: Json) -> tuple[str, str] | None:
    if not isinstance(place, dict):
        return None
    found = place.get("object")
    if isinstance(found, dict):
        return _text(found.get("uid")), _text(found.get("resource_version"))
    commit = _text(place.get("commit"))
    return (commit, "") if commit else None


def _of_place(place: _Facts) -> Writer:
    found = place.get("object")
    told = (
        [found.get(name) for name in ("resource_version", "manager", "changed_at")]
        if isinstance(found, dict)
        else [place.get(name) for name in ("commit", "author", "committed_at")]
    )
    return Writer(*(_text(each) or UNKNOWN for each in told))


def _of_commit(commit: _Facts) -> Writer:
    author = commit.get("author")
    name, email = (_text(author.get(part)) if isinstance(author, dict) else "" for part in ("name", "email"))
    told = f"{name} <{email}>" if name or email else UNKNOWN
    return Writer(_text(commit.get("commit")) or UNKNOWN, told, _text(commit.get("committed_at")) or UNKNOWN)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _dicts(value: Json) -> list[_Facts]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
