"""What a reconcile works with, and what it leaves for the next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from reconciler.apply import Target
from reconciler.audit import Clerk, Journal
from reconciler.compile import NOTHING, Compiled, Options, compile_routes
from reconciler.model.controller import NOBODY, Controller
from reconciler.model.digest import Digest
from reconciler.model.guards import unguarded
from reconciler.model.loaded import FilePart, Loaded
from reconciler.model.problem import Problem
from reconciler.model.resource import Origin, Resource, ResourceId
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot
from reconciler.model.source import Realm, Revision, SourceSnapshot
from reconciler.model.standing import Published, Standing
from reconciler.model.suspension import NOT_SUSPENDED, Suspension
from reconciler.model.table import EMPTY_TABLE
from reconciler.recompile import Memory
from reconciler.resources import LoadedFiles, ParsedOnce, load_origins
from reconciler.sources import Source


def forget(_files: LoadedFiles, _changed: tuple[str, ...] | None) -> None:
    """Keeps nothing of what files hold for the next run."""


def alone() -> bool:
    """The only replica leads."""
    return True


def unheard() -> Published:
    """Nobody else has published anything."""
    return None


def unsaid(_standing: Standing) -> None:
    """Tells nobody."""


def not_suspended() -> Suspension:
    """Nobody can wish for it."""
    return NOT_SUSPENDED


def unasked(_snapshot: Digest) -> bool:
    """Envoy's own check is asked about nothing."""
    return False


@dataclass(frozen=True, slots=True)
class Edges:
    """The outside world, each part behind its door.

    Attributes:
        journal: read.
        clerk: writes it.
        complain: Envoy's check: its words, empty if it accepts.
        parsed: values of the documents that the source has digested a moment ago; None where it does not say.
        keep: keeps what files hold for the next run; told which paths differ from what was kept before, or None.
        leads: whether this replica may write what all replicas share.
        published: what the leader said that others need to serve the same; None where this replica leads. Quick.
        publish: tells the others; does nothing where this replica follows. Quick.
        suspended: whether somebody wants nothing to be applied. Quick.
        validated: whether Envoy's own check was asked last about this snapshot.
        controller: who we are, for records.
    """

    source: Source
    targets: tuple[Target, ...]
    journal: Journal
    clerk: Clerk
    complain: Callable[[Snapshot], str]
    clock: Callable[[], datetime]
    keep: Callable[[LoadedFiles, tuple[str, ...] | None], None] = forget
    parsed: ParsedOnce | None = None
    leads: Callable[[], bool] = alone
    published: Callable[[], Published] = unheard
    publish: Callable[[Standing], None] = unsaid
    suspended: Callable[[], Suspension] = not_suspended
    validated: Callable[[Digest], bool] = unasked
    controller: Controller = NOBODY

    def writable(self) -> "Edges":
        """The same with those targets only that this replica may write now."""
        if all(not target.exclusive for target in self.targets) or self.leads():
            return self
        return replace(self, targets=tuple(target for target in self.targets if not target.exclusive))


@dataclass(frozen=True, slots=True)
class State:
    """What one reconcile leaves for the next.

    Attributes:
        applied: what is served.
        revision: the revision of ``applied``.
        attempted: the last revision tried.
        held: resources Envoy rejected, by identity and digest of the document it rejected.
        unguarded: a guard of every request that is served can't be read as it could when it came to be: other settings,
            or a stricter version. Then ``applied`` has the other resources, and no table: without the guard it must
            neither be served again, nor be what others are compared with.
        memory: what the last compile left, so that the next one costs what changes.
        kept: what files held in an earlier run, by path; the first compile of this one looks there.
        good: what stood in for what is quarantined when ``attempted`` was compiled.
        dark: the realms of which nothing was known at the last attempt.
        followed: digest of what the leader had published when ``attempted`` was last tried; empty for nothing.
        obeyed: ``attempted`` was refused for the only reason that the leader refuses it.
        recorded: digest of what the journal says was rendered from the documents behind ``applied``, where that was
            something else: by other settings, or by another version of the program. None where it is the same.
    """

    applied: Compiled = NOTHING
    revision: Revision | None = None
    attempted: Revision | None = None
    held: Mapping[tuple[ResourceId, Digest], Problem] = field(default_factory=dict)
    unguarded: bool = False
    memory: Memory | None = field(default=None, compare=False, repr=False)
    kept: Mapping[str, FilePart] = field(default_factory=dict, compare=False, repr=False)
    good: Sequence[Resource] = field(default=(), compare=False, repr=False)
    dark: frozenset[Realm] = frozenset()
    followed: str = ""
    obeyed: bool = False
    recorded: Digest | None = None

    def holdings(self) -> dict[str, int]:
        """How many things of each kind are held in memory until the next reconcile; it grows with the revision only."""
        resources = [one for held in self.applied.snapshot.sets.values() for one in held.resources.values()]
        return {
            "files": len(self.memory.files.parts) if self.memory else 0,
            "mappings": len(self.memory.standing.mappings) if self.memory else 0,
            "xds_resources": len(resources),
            "xds_bytes": sum(len(resource.body) for resource in resources),
        }


def restore(journal: Journal, options: Options, kept: Mapping[str, FilePart] = MappingProxyType({})) -> State:
    """What the journal says is served, compiled again from the documents it kept: no Git is needed.

    Args:
        journal: the journal.
        options: see `Options`.
        kept: what files held in an earlier run; a document that was read then is not read again.

    Raises:
        Transient: the journal can't be read.
    """
    served = journal.served()
    if not served.origins:
        return State(revision=served.revision)
    compiled, unguarded = recompiled(served.origins, options, kept)
    recorded = served.digest if served.digest != compiled.snapshot.digest and not unguarded else None
    return State(applied=compiled, revision=served.revision, unguarded=unguarded, recorded=recorded)


def recompiled(
    origins: Sequence[Origin], options: Options, kept: Mapping[str, FilePart] = MappingProxyType({})
) -> tuple[Compiled, bool]:
    """What documents that were served mean today, and whether a guard among them can't be read any more.

    Args:
        origins: all that was served at one time.
        options: see `Options`; other settings than those of that time may make something else of them.
        kept: see `restore`.

    Returns:
        Without table and snapshot where a guard can't be read: see `State.unguarded`.
    """
    read = {resource.origin: resource for part in kept.values() for resource in part.loaded.resources}
    unread = [origin for origin in origins if origin not in read]
    loaded = load_origins(unread, limits=options.limits, ambassador_id=options.ambassador_id)
    known = tuple(read[origin] for origin in origins if origin in read)
    loaded = replace(loaded, resources=(*known, *loaded.resources))
    compiled = compile_routes(SourceSnapshot(None, None, ()), loaded, options)
    if compiled.unguarded or _lacking(compiled, loaded):
        return replace(compiled, table=EMPTY_TABLE, snapshot=EMPTY_SNAPSHOT), True
    return replace(compiled, rendering=None), False


def _lacking(compiled: Compiled, loaded: Loaded) -> bool:
    """Whether a guard can't be read that is served, whoever wrote it: also one of a guest guards what the guest has."""
    absent = {name for name, older in compiled.quarantined if not older}
    absent.update(one.id for one in loaded.rejected if one.id is not None)
    return bool(unguarded(compiled.resources, loaded.resources, loaded.rejected, absent))


def goes_on(source: SourceSnapshot, state: State) -> bool | None:
    """False when the history was rewritten; None where there is nothing to compare.

    Only the same branch or tag can say so: another one is another history.
    """
    same_pointer = source.revision and state.revision and source.revision.pointer == state.revision.pointer
    return source.fast_forward if same_pointer else None
