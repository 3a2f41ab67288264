"""Files in, Envoy resources out: where the pure stages meet. `validate`, `plan`, `render` and `route` need no more."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.envoy import EndpointSource, Rendering, RenderOptions
from reconciler.merge import FREE, ConflictPolicy, Merged, Ownership, merge
from reconciler.model.digest import Digest, digest_json
from reconciler.model.guards import unguarded
from reconciler.model.happening import Actor
from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.model.loaded import FilePart
from reconciler.model.plan import Plan
from reconciler.model.platform import is_guest
from reconciler.model.problem import Problem, order
from reconciler.model.resource import HostMatch, Resource, ResourceId
from reconciler.model.snapshot import EMPTY_SNAPSHOT, Snapshot, TypeUrl
from reconciler.model.source import Realm, SourceSnapshot
from reconciler.model.table import EMPTY_TABLE, RouteTable
from reconciler.plan import BlastRadius, Touched, changed_documents, diff
from reconciler.resources import Loaded, LoadedFiles, ParsedOnce, load, load_files
from reconciler.table import Built, DefaultListener, Surroundings, build

# Resources left at their last good version, each with the reason.
Held = Mapping[ResourceId, Problem]

NO_CONFIGURATION = digest_json({})


@dataclass(frozen=True, slots=True)
class Options:
    """What the stages take from the settings; who set ``allow_plan`` is ``allowed_by``."""

    ambassador_id: str = "default"
    limits: Limits = DEFAULT_LIMITS
    conflicts: ConflictPolicy = ConflictPolicy.QUARANTINE
    precedence: Realm = Realm.GIT
    default_listener: DefaultListener = field(default_factory=DefaultListener)
    render: RenderOptions = field(default_factory=RenderOptions)
    blast_radius: BlastRadius = field(default_factory=BlastRadius)
    allow_plan: str = ""
    refuse_invalid: bool = False
    config_digest: Digest = NO_CONFIGURATION
    allowed_by: Actor | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """How a compile differs from another one, where it was made from that instead of anew.

    Attributes:
        base: the token of the other one.
        resources: identities of the documents that differ, those of their groups among them, sorted.
        hosts: the virtual hosts whose rules differ, each as listener and host, sorted.
        xds: the xDS resources that came, went or differ, sorted.
    """

    base: object
    resources: tuple[ResourceId, ...]
    hosts: tuple[tuple[str, HostMatch], ...]
    xds: tuple[tuple[TypeUrl, str], ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything the pure stages make of one revision.

    Attributes:
        resources: those that are served.
        quarantined: what is not served as the source has it, sorted; True: an older version still serves.
        unguarded: broken documents that were to guard every request, and nothing of their kind is served.
        unsettled: identities about which there is a finding, or of which what is served is not what is written.
        around: what the Mappings were placed in; None where nothing was compiled.
        ownership: who may claim what.
        rendering: what was rendered, for one who goes on from here; None where that is done.
        since: how it differs from the compile it was made from; None where it was made anew.
        token: tells this compile from all others of this process.
    """

    resources: tuple[Resource, ...]
    quarantined: tuple[tuple[ResourceId, bool], ...]
    problems: tuple[Problem, ...]
    table: RouteTable
    snapshot: Snapshot
    unguarded: tuple[str, ...] = ()
    unsettled: frozenset[ResourceId] = field(default=frozenset(), compare=False, repr=False)
    around: Surroundings | None = field(default=None, compare=False, repr=False)
    ownership: Ownership = field(default=FREE, compare=False, repr=False)
    rendering: Rendering | None = field(default=None, compare=False, repr=False)
    since: Since | None = field(default=None, compare=False)
    token: object = field(default_factory=object, compare=False, repr=False)


NOTHING = Compiled((), (), (), EMPTY_TABLE, EMPTY_SNAPSHOT)


def compile_routes(
    source: SourceSnapshot,
    loaded: Loaded,
    options: Options,
    last_good: Sequence[Resource] = (),
    held: Held | None = None,
) -> Compiled:
    """What a revision means to Envoy: merge, build, render. Pure; never raises on content.

    A new version of a Mapping that could reach nobody, for want of a host, is left at its last good one as well.

    Args:
        source: the revision; only what could not be read of it matters here.
        loaded: its resources, from `load`.
        options: see `Options`.
        last_good: what is served now; stands in for what is quarantined.
        held: resources to leave at their last good version, each with the reason.
    """
    merged_and_built = partial(_merged_and_built, source, loaded, options, last_good)
    held = held or {}
    merged, built = merged_and_built(held)
    strayed = _strayed(merged, built, last_good)
    if strayed:
        merged, built = merged_and_built({**held, **strayed})
    stranded = dict(built.stranded)
    told_before = [stranded[name] for name in strayed.keys() & stranded.keys()]
    found = [problem for problem in built.problems if problem not in told_before]
    served = tuple(resource for resource in merged.resources if resource.origin.id not in stranded)
    quarantined = {**dict(merged.quarantined), **dict.fromkeys(stranded, False)}
    absent = [name for name, older in quarantined.items() if not older]
    rendering = Rendering.of(built.table, options.render)
    return Compiled(
        resources=served,
        quarantined=tuple(sorted(quarantined.items())),
        problems=tuple(sorted((*source.problems, *loaded.problems, *merged.problems, *found), key=order)),
        table=built.table,
        snapshot=rendering.snapshot,
        unguarded=unguarded(served, _asked_for(loaded, merged, absent, last_good, options), merged.rejected, absent),
        unsettled=_unsettled(loaded, merged, built, quarantined.keys() | held.keys() | strayed.keys(), last_good),
        around=built.surroundings,
        ownership=merged.ownership,
        rendering=rendering,
    )


def _asked_for(
    loaded: Loaded, merged: Merged, absent: Sequence[ResourceId], last_good: Sequence[Resource], options: Options
) -> Sequence[Resource]:
    """The good documents of what is absent; of a guest that never served its guard, that is nobody else's wish."""
    gone = set(absent) - merged.strangers
    if not gone:
        return ()
    known = {resource.origin.id for resource in last_good}
    namespaces = options.limits.platform_namespaces
    return [
        one
        for one in loaded.resources
        if one.origin.id in gone and (one.origin.id in known or not is_guest(one.origin.provenance.path, namespaces))
    ]


def _unsettled(
    loaded: Loaded, merged: Merged, built: Built, known: Set[ResourceId], last_good: Sequence[Resource]
) -> frozenset[ResourceId]:
    """The identities that something is to be said about, or that may be served otherwise than they are written."""
    broken = {document.id for document in loaded.rejected if document.id is not None}
    named = {problem.resource for problem in (*merged.problems, *built.problems)}
    told = {r.origin.id for r in (*loaded.resources, *last_good) if str(r.origin.id) in named} if named else set()
    return frozenset(known | broken | told)


def _merged_and_built(
    source: SourceSnapshot, loaded: Loaded, options: Options, last_good: Sequence[Resource], held: Held
) -> tuple[Merged, Built]:
    merged = merge(
        loaded.resources,
        loaded.rejected,
        last_good=last_good,
        held=held,
        unreadable=source.unreadable,
        dark=source.dark,
        precedence=options.precedence,
        conflicts=options.conflicts,
        platform_namespaces=options.limits.platform_namespaces,
    )
    return merged, build(
        merged.resources,
        default_listener=options.default_listener,
        endpoints_watched=options.render.endpoints is EndpointSource.KUBERNETES,
        platform_namespaces=options.limits.platform_namespaces,
        lends=merged.ownership.lends,
    )


def _strayed(merged: Merged, built: Built, last_good: Sequence[Resource]) -> Held:
    """The stranded Mappings of which another version is served now, each with why it strands."""
    if not built.stranded:
        return {}
    now = {resource.origin.id: resource.origin.document for resource in merged.resources}
    good = {resource.origin.id: resource.origin.document for resource in last_good}
    return {name: problem for name, problem in built.stranded if good.get(name, now[name]) != now[name]}


def load_source(source: SourceSnapshot, options: Options) -> Loaded:
    """The typed resources of a revision's files."""
    return load(source.files, limits=options.limits, ambassador_id=options.ambassador_id)


def load_source_files(
    source: SourceSnapshot,
    options: Options,
    before: LoadedFiles | None,
    kept: Mapping[str, FilePart],
    parsed: ParsedOnce | None = None,
) -> LoadedFiles:
    """The same by file; what ``before`` or ``kept`` has is neither read nor parsed again. See `load_files`."""
    limits, id_ = options.limits, options.ambassador_id
    return load_files(source, before, limits=limits, ambassador_id=id_, kept=kept, parsed=parsed)


def plan_change(before: Compiled, after: Compiled, options: Options, fast_forward: bool | None) -> Plan:
    """The difference between two compiles, with the refusals of the settings."""
    since = after.since if after.since and after.since.base is before.token else None
    found = diff(
        before.table,
        after.table,
        before.snapshot,
        after.snapshot,
        fast_forward=fast_forward,
        blast_radius=options.blast_radius,
        allowed=options.allow_plan,
        unguarded=after.unguarded,
        touched=Touched(since.resources, since.hosts) if since else None,
    )
    told = {change.id for change in found.changes}
    differing = changed_documents(before.resources, after.resources, since.resources if since else None)
    return replace(found, documents=tuple(one for one in differing if one.id not in told))
