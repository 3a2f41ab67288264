"""A few changed Mappings compiled at the cost of the change: just what `compile_routes` gives, only sooner.

`Memory` is what one compile leaves for the next. `recompile` looks at the files that differ and says nothing where the
change concerns more than the Mappings in them and those that ask for the same requests: then everything is compiled.
That is so for all kinds but Mapping, for a document that can't be read, and wherever there is a finding to tell.
What was found before and stays as it was costs nothing.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TypeAlias

from reconciler.compile import Compiled, Held, Options, Since
from reconciler.envoy import Rendering
from reconciler.merge import is_undisputed
from reconciler.model.loaded import NOTHING_LOADED
from reconciler.model.problem import Problem, order
from reconciler.model.resource import Contest, MappingResource, Resource, ResourceId
from reconciler.model.source import SourceSnapshot
from reconciler.resources import Loaded, LoadedFiles
from reconciler.table import Rebuilt, Regrouping, Standing, rebuild

_IDENTITY = attrgetter("origin.id")
_Stood: TypeAlias = tuple[bytes, str]  # a document and the path of its file
_MOST = 256  # changed Mappings: each costs copies of the table's lists, so that many are compiled with all others


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What in a compile depends on what was served before, and so may come out otherwise next time.

    Attributes:
        ids: the identities.
        contests: what they compete for, at whichever version.
        served: the documents of these identities that were served when it was compiled, and where they stood: who
            serves an identity keeps it among several that are alike.
        paths: files that could not be read, or hold a document that could not.
    """

    ids: frozenset[ResourceId]
    contests: frozenset[Contest]
    served: Mapping[ResourceId, _Stood]
    paths: frozenset[str]


@dataclass(slots=True)
class Memory:
    """What one compile leaves for the next. It is kept up to date in place, so it has one owner.

    Attributes:
        source: what could not be read of the revision counts, too.
        held: resources that were left at their last good version.
    """

    source: SourceSnapshot
    files: LoadedFiles
    compiled: Compiled
    options: Options
    held: Held
    rendering: Rendering
    standing: Standing
    unsettled: Unsettled

    @classmethod
    def of(
        cls,
        source: SourceSnapshot,
        files: LoadedFiles,
        compiled: Compiled,
        options: Options,
        last_good: Sequence[Resource] = (),
        held: Held | None = None,
    ) -> "Memory | None":
        """What a compile leaves, from all that went into it; None where nothing was compiled."""
        around = compiled.around
        if around is None or compiled.rendering is None:
            return None
        mappings = [resource for resource in compiled.resources if isinstance(resource, MappingResource)]
        standing = Standing.of(mappings, around, compiled.table)
        unsettled = _unsettled(source, files, compiled, last_good, standing)
        return cls(source, files, compiled, options, held or {}, compiled.rendering, standing, unsettled)


def recompile(
    memory: Memory,
    source: SourceSnapshot,
    files: LoadedFiles,
    options: Options,
    last_good: Sequence[Resource] = (),
    held: Held | None = None,
) -> Compiled | None:
    """What `compile_routes` makes of a revision, or None where it takes more than the changed Mappings to tell.

    Args:
        memory: of the compile before; moves on to this one where there is a result, and is left alone otherwise.
        source: the revision.
        files: what its files hold, as far as they differ taken over from those of ``memory``.
        options: see `Options`.
        last_good: what is served now.
        held: resources to leave at their last good version, each with the reason.
    """
    if files.changed is None or not _same_circumstances(memory, source, options, last_good, held or {}):
        return None
    change = _regrouping(memory, files)
    if change is None or not _is_undisputed(change, memory, options):
        return None
    before = memory.compiled
    rebuilt = rebuild(before.table, memory.standing, change)
    if rebuilt is None:
        return None
    compiled = _compiled(memory, files, change, rebuilt)
    memory.standing.take(change, rebuilt.uses)
    memory.source, memory.files, memory.compiled = source, files, compiled
    return compiled


def _same_circumstances(
    memory: Memory, source: SourceSnapshot, options: Options, last_good: Sequence[Resource], held: Held
) -> bool:
    """Whether all that is not in the changed files is as it was, and so comes out as it did."""
    if options is not memory.options and options != memory.options:
        return False
    unread = _unread(source) != _unread(memory.source)
    if unread or held != memory.held:
        return False
    if memory.unsettled.paths and last_good is not memory.compiled.resources:
        return False
    return _documents(memory.unsettled.ids, last_good, memory.compiled) == memory.unsettled.served


def _unread(source: SourceSnapshot) -> tuple[object, ...]:
    return source.unreadable, source.problems, source.dark


def _documents(ids: Set[ResourceId], served: Sequence[Resource], compiled: Compiled) -> dict[ResourceId, _Stood]:
    """The documents of some identities among what is served, and where they stand."""
    if not ids:
        return {}
    if served is not compiled.resources:
        return {one.origin.id: _stood(one) for one in served if one.origin.id in ids}
    found = {}
    for name in ids:
        at = bisect_left(compiled.resources, name, key=_IDENTITY)
        if at < len(compiled.resources) and compiled.resources[at].origin.id == name:
            found[name] = _stood(compiled.resources[at])
    return found


def _stood(resource: Resource) -> _Stood:
    return resource.origin.document, resource.origin.provenance.path


def _regrouping(memory: Memory, files: LoadedFiles) -> Regrouping | None:
    """What differs, if it is Mappings that are read without a fault and defined once."""
    old: dict[ResourceId, Resource] = {}
    new: dict[ResourceId, Resource] = {}
    count = 0
    for path in files.changed or ():
        before, after = _part(memory.files, path), _part(files, path)
        if before.rejected or after.rejected:
            return None
        old.update((resource.origin.id, resource) for resource in before.resources)
        new.update((resource.origin.id, resource) for resource in after.resources)
        count += len(before.resources) + len(after.resources)
    if len(old) + len(new) != count:
        return None
    come = [resource for name, resource in new.items() if old.get(name) != resource]
    gone = [name for name in old if name not in new]
    mappings = [resource for resource in come if isinstance(resource, MappingResource)]
    if len(mappings) < len(come) or len(come) + len(gone) > _MOST:
        return None
    known, concerned = memory.standing.mappings, {*gone, *(mapping.origin.id for mapping in mappings)}
    if not memory.unsettled.ids.isdisjoint(concerned) or not all(name in known for name in concerned & old.keys()):
        return None
    if any(name in known for name in concerned - old.keys()):
        return None  # it is defined in another file, too
    return Regrouping.of(memory.standing, gone, mappings)


def _part(files: LoadedFiles, path: str) -> Loaded:
    part = files.parts.get(path)
    return part.loaded if part else NOTHING_LOADED


def _is_undisputed(change: Regrouping, memory: Memory, options: Options) -> bool:
    """Whether all Mappings of the groups are served as they stand, and the changed ones are their author's to write."""
    if not memory.unsettled.contests.isdisjoint(change.before):
        return False
    hosts, ownership = memory.standing.around.documents.hosts, memory.compiled.ownership
    if not all(ownership.is_silent(mapping, hosts) for mapping in change.come):
        return False
    return all(is_undisputed(group, options.conflicts) for group in change.after.values())


def _compiled(memory: Memory, files: LoadedFiles, change: Regrouping, rebuilt: Rebuilt) -> Compiled:
    before = memory.compiled
    resources = list(before.resources)
    for name in change.gone:
        del resources[bisect_left(resources, name, key=_IDENTITY)]
    for mapping in change.come:
        name = mapping.origin.id
        at = bisect_left(resources, name, key=_IDENTITY)
        known = name in memory.standing.mappings
        resources[at : at + known] = [mapping]
    problems = _problems(memory, files)
    touched = {member.origin.id for member in (*change.former, *change.members)}
    # Last, since it goes on in place.
    xds = memory.rendering.change(rebuilt.table, rebuilt.hosts, rebuilt.gone, rebuilt.come)
    return replace(
        before,
        resources=tuple(resources),
        problems=problems,
        table=rebuilt.table,
        snapshot=memory.rendering.snapshot,
        rendering=None,
        since=Since(before.token, tuple(sorted(touched)), tuple(rebuilt.hosts), xds),
        token=object(),
    )


def _problems(memory: Memory, files: LoadedFiles) -> tuple[Problem, ...]:
    """The findings, with those of the changed files in place of what was found there before."""
    changed = files.changed or ()
    gone = [problem for path in changed for problem in _part(memory.files, path).problems]
    come = [problem for path in changed for problem in _part(files, path).problems]
    if not gone and not come:
        return memory.compiled.problems
    left = list(memory.compiled.problems)
    for problem in gone:
        left.remove(problem)
    return tuple(sorted([*left, *come], key=order))


def _unsettled(
    source: SourceSnapshot, files: LoadedFiles, compiled: Compiled, last_good: Sequence[Resource], standing: Standing
) -> Unsettled:
    paths = set(source.unreadable) | {path for path, part in files.parts.items() if part.loaded.rejected}
    if not compiled.unsettled and not paths:
        return Unsettled(frozenset(), frozenset(), {}, frozenset())
    written = [resource for part in files.parts.values() for resource in part.loaded.resources]
    versions = [one for one in (*written, *last_good, *compiled.resources) if isinstance(one, MappingResource)]
    contests = {standing.contest(one) for one in versions if one.origin.id in compiled.unsettled}
    rivals = {one.origin.id for one in versions if standing.contest(one) in contests}
    ids = compiled.unsettled | rivals
    return Unsettled(ids, frozenset(contests), _documents(ids, last_good, compiled), frozenset(paths))
