"""How replicas come to serve the same. Pure.

What is served is a function of the revision, but for what depends on what was served before: a broken document's last
good version, and who was first in a conflict. The leader publishes the documents that its compile took for that
(`standing_of`); others compile with these instead of their own (`last_good`), once for each time they change
(`agrees`). What it took, not what it made of it: a function gives the same for the same input, and for nothing else.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter

from reconciler.compile import Options
from reconciler.model.limits import Limits
from reconciler.model.loaded import FilePart
from reconciler.model.resource import Kind, Origin, Resource, ResourceId
from reconciler.model.source import Realm, Revision, SourceSnapshot, realm_of
from reconciler.model.standing import Published, RefusedRevision, Standing
from reconciler.model.text import plural
from reconciler.plan import is_allowed
from reconciler.resources import LoadedFiles, load_origins
from reconciler.state import State

_ID = attrgetter("origin.id")
_PORTS = frozenset({Kind.LISTENER, Kind.TCP_MAPPING})


def standing_of(state: State) -> Published:
    """What others need to make the same of the revision that is served; None where that is not the last one tried.

    Mappings that compete with one that there is something to say about are told by identity. Of other kinds, where they
    are few, all are told as soon as there is something to say about one.
    """
    if state.revision is None or state.attempted != state.revision or state.unguarded:
        return None
    ids = state.applied.unsettled | (state.memory.unsettled.ids if state.memory else frozenset())
    routes = len(state.applied.table.routes)
    if not ids:
        return Standing(state.revision, routes=routes)
    kinds = {name.kind for name in ids} - {Kind.MAPPING}
    if kinds & _PORTS:
        kinds |= _PORTS
    taken = (resource.origin for resource in state.good)
    return Standing(state.revision, tuple(o for o in taken if o.id in ids or o.id.kind in kinds), routes)


def agrees(state: State, published: Published) -> bool:
    """Whether there is nothing to learn from what the leader published."""
    if state.obeyed:
        return published is not None and published.refused is not None and published.refused.revision == state.attempted
    if published is None or published.revision != state.attempted or published.digest == state.followed:
        return True
    own = standing_of(state)
    return own is not None and own.digest == published.digest


def last_good(
    state: State, published: Published, source: SourceSnapshot, files: LoadedFiles, options: Options
) -> Sequence[Resource]:
    """What stands in for what is quarantined of a revision.

    Of this revision the leader has the last word, on what our own reading leaves open (see `_is_open`). Of another one
    it only knows more than a replica that is new.

    Args:
        state: what the last reconcile left.
        published: the leader's word.
        source: the revision.
        files: what it holds by our own reading.
        options: see `Options`.
    """
    own = state.applied.resources
    if published is None:
        return own
    loaded = _loaded(published, options.limits, options.ambassador_id)
    told = [one for one in loaded if _is_open(one.origin, source, files, options.limits)]
    if published.revision == source.revision:
        return tuple(told)
    known = {resource.origin.id for resource in own}
    unknown = [resource for resource in told if resource.origin.id not in known]
    return tuple(sorted((*own, *unknown), key=_ID)) if unknown else own


def refused_before_us(
    state: State, published: Published, revision: Revision | None, options: Options
) -> RefusedRevision | None:
    """What the leader refuses and we, who serve nothing to compare it with, would apply; None where that is not so."""
    if published is None or (refused := published.refused) is None:
        return None
    if state.revision is not None or refused.revision != revision:
        return None
    if is_allowed(options.allow_plan, refused.plan):
        return None
    return replace(refused, message=f"it serves {plural(published.routes, 'route')}. {refused.message}")


@lru_cache(maxsize=2)
def _loaded(published: Standing, limits: Limits, ambassador_id: str) -> tuple[Resource, ...]:
    """The documents read anew, by our own settings; kept, as the same word is heard at every reconcile."""
    told = {origin.id: origin for origin in published.origins}
    loaded = load_origins(published.origins, limits=limits, ambassador_id=ambassador_id, asked=False)
    return tuple(sorted((one for one in loaded.resources if told.get(one.origin.id) == one.origin), key=_ID))


def _is_open(origin: Origin, source: SourceSnapshot, files: LoadedFiles, limits: Limits) -> bool:
    """Whether our own reading has such an identity at that place, good or broken, or can't tell what is there.

    Elsewhere too, as a document that moved is told of where it was, but only where no right hangs on a place.
    """
    path = origin.provenance.path
    if (
        path in source.unreadable
        or realm_of(path) in source.dark
        or _has(files.parts.get(path), origin.id, unsure=True)
    ):
        return True
    if limits.platform_paths or origin.id.kind is Kind.OWNERSHIP or realm_of(path) is Realm.CLUSTER:
        return False
    moved = [part for at, part in files.parts.items() if realm_of(at) is Realm.GIT and _has(part, origin.id)]
    return bool(moved) and not any(map(_gives_rights, files.parts.values()))


def _has(part: FilePart | None, name: ResourceId, *, unsure: bool = False) -> bool:
    if part is None:
        return False
    broken = any(document.id == name or (unsure and document.id is None) for document in part.loaded.rejected)
    return broken or any(resource.origin.id == name for resource in part.loaded.resources)


def _gives_rights(part: FilePart) -> bool:
    """Whether a file holds an Ownership, good or broken."""
    names = (document.id for document in part.loaded.rejected)
    return any(one is not None and one.kind is Kind.OWNERSHIP for one in names) or any(
        resource.origin.id.kind is Kind.OWNERSHIP for resource in part.loaded.resources
    )
