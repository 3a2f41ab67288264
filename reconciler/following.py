"""How replicas come to serve the same. Pure.

What is served is a function of the revision, but for what depends on what was served before: a broken document's last
good version, and who was first in a conflict. The leader publishes the documents that its compile took for that
(`standing_of`); others compile with these instead of their own (`last_good`), once for each time they change
(`agrees`). What it took, not what it made of it: a function gives the same for the same input, and for nothing else.
"""

from collections.abc import Sequence
from operator import attrgetter

from reconciler.compile import Options
from reconciler.model.resource import Kind, Resource
from reconciler.model.source import Revision
from reconciler.model.standing import Published, Standing
from reconciler.resources import load_origins
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
    if not ids:
        return Standing(state.revision)
    kinds = {name.kind for name in ids} - {Kind.MAPPING}
    if kinds & _PORTS:
        kinds |= _PORTS
    taken = (resource.origin for resource in state.good)
    return Standing(state.revision, tuple(o for o in taken if o.id in ids or o.id.kind in kinds))


def agrees(state: State, published: Published) -> bool:
    """Whether there is nothing to learn from what the leader published."""
    if published is None or published.revision != state.attempted or published.digest == state.followed:
        return True
    own = standing_of(state)
    return own is not None and own.digest == published.digest


def last_good(state: State, published: Published, revision: Revision | None, options: Options) -> Sequence[Resource]:
    """What stands in for what is quarantined of a revision.

    Of this revision the leader has the last word. Of another one it only knows more than a replica that is new.
    """
    own = state.applied.resources
    if published is None:
        return own
    if published.revision == revision:
        return _loaded(published, options)
    known = {resource.origin.id for resource in own}
    unknown = [resource for resource in _loaded(published, options) if resource.origin.id not in known]
    return tuple(sorted((*own, *unknown), key=_ID)) if unknown else own


def _loaded(published: Standing, options: Options) -> tuple[Resource, ...]:
    loaded = load_origins(published.origins, limits=options.limits, ambassador_id=options.ambassador_id)
    return tuple(sorted(loaded.resources, key=_ID))
