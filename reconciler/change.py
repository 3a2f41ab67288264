"""What a revision changes: its files, compiled as far as they differ from those of the revision before."""

from collections.abc import Sequence
from functools import cache

from reconciler.compile import Compiled, Held, Options, compile_routes, load_source_files
from reconciler.model.guards import guard_of
from reconciler.model.platform import is_guest
from reconciler.model.problem import Problem
from reconciler.model.resource import Kind, Origin, Resource, ResourceId
from reconciler.model.source import SourceSnapshot
from reconciler.recompile import Memory, recompile
from reconciler.resources import Loaded, LoadedFiles, ParsedOnce
from reconciler.rollout import Attempted
from reconciler.state import State


def read(source: SourceSnapshot, options: Options, state: State, parsed: ParsedOnce | None) -> LoadedFiles:
    """What the files of a revision hold; only those that differ are read."""
    before = state.memory.files if state.memory else None
    return load_source_files(source, options, before, state.kept, parsed)


def compiled_change(
    source: SourceSnapshot, files: LoadedFiles, options: Options, state: State, good: Sequence[Resource]
) -> Attempted[Compiled]:
    """The whole change, less what is known to be bad, and what Envoy may still reject of it.

    What the last compile left makes it cost what has changed, where that is a few Mappings.

    Args:
        source: the revision.
        files: what it holds, from `read`.
        options: see `Options`.
        state: what the last reconcile left.
        good: what stands in for what is quarantined; what is served, unless a leader says otherwise.
    """
    loaded = cache(files.whole)
    held: dict[ResourceId, Problem] = {}
    if state.held:
        origins = {resource.origin.id: resource.origin for resource in loaded().resources}
        held = {o.id: problem for o in origins.values() if (problem := state.held.get((o.id, o.digest)))}

    def compile_with(held: Held) -> Compiled:
        return compile_routes(source, loaded(), options, good, held)

    short = recompile(state.memory, source, files, options, good, held) if state.memory else None
    return Attempted(
        short or compile_with(held), compile_with, cache(lambda: _suspects(loaded(), state, held, options)), held
    )


def memory_after(
    source: SourceSnapshot,
    files: LoadedFiles,
    change: Attempted[Compiled],
    options: Options,
    state: State,
    good: Sequence[Resource],
) -> Memory | None:
    """What this compile leaves for the next; the arguments are those of `compiled_change`."""
    if state.memory is not None and state.memory.compiled is change.whole:
        return state.memory
    return Memory.of(source, files, change.whole, options, good, change.held)


def newly_read(files: LoadedFiles, state: State) -> tuple[str, ...] | None:
    """The paths of which something else was kept before; None where nobody knows."""
    if files.changed is not None or not state.kept:
        return files.changed
    return tuple(sorted({*files.read, *(state.kept.keys() - files.parts.keys())}))


def _suspects(loaded: Loaded, state: State, held: Held, options: Options) -> dict[ResourceId, Origin]:
    """Every resource whose document is new.

    A new guard of every request is none of them: without it nothing else may be served, not even to find a culprit. One
    that only guards what a guest has is one: it is nobody else's wish. Nor is an Ownership, new or not: nothing of it
    is sent to Envoy, and without it somebody may get what is not theirs.
    """
    served = {resource.origin.id: resource.origin.document for resource in state.applied.resources}
    namespaces = options.limits.platform_namespaces
    wanted = [one.origin for one in loaded.resources if guard_of(one)]
    guards = {one.id for one in wanted if not is_guest(one.provenance.path, namespaces)} - served.keys()
    origins = {resource.origin.id: resource.origin for resource in loaded.resources}
    new = {o.id: o for o in origins.values() if o.id not in held and served.get(o.id) != o.document}
    return {name: origin for name, origin in new.items() if name not in guards and name.kind is not Kind.OWNERSHIP}
