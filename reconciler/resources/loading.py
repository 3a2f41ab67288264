"""Files → resources, file by file, document by document."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TypeAlias

from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.model.loaded import Loaded, joined
from reconciler.model.machine import is_below
from reconciler.model.origin import PLATFORM_KINDS
from reconciler.model.ownership import OwnershipResource
from reconciler.model.platform import EVERY_NAMESPACE, is_guest
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import AnyTouch, Touch, is_cluster_path, namespace_of
from reconciler.model.resource import ANY_HOST, HostResource, Kind, Origin, Rejected, Resource, ResourceId
from reconciler.model.source import ClusterObject, Commit, SourceFile
from reconciler.resources.annotation import annotated_unit, is_list, is_parent, unpack_annotation, unpack_list
from reconciler.resources.bounded import worst
from reconciler.resources.chunks import ParsedOnce, chunks_of
from reconciler.resources.envelope import identify
from reconciler.resources.finding import Finding, Path, Place, shown, type_words
from reconciler.resources.guards import guard_meant
from reconciler.resources.ingress import is_ingress, unpack_ingress
from reconciler.resources.kinds import Document, classify, foreign, is_ours, likely_kind
from reconciler.resources.ownership import located
from reconciler.resources.readers import DEFAULT_AMBASSADOR_ID, is_addressed, read
from reconciler.resources.unit import Unit
from reconciler.resources.yaml.values import parse

_IDENTITY_FIELDS = frozenset({"kind", "metadata", "name", "namespace"})
# A document of these kinds never was a resource: nothing served can have come from it.
_NEVER_READ = frozenset({Code.UNSUPPORTED_KIND})

# What documents say of the commits they come from, by commit id.
Touches: TypeAlias = dict[str, Touch]


@dataclass(slots=True)
class _Gathering:
    """What has been loaded so far."""

    limits: Limits
    ambassador_id: str
    touches: Touches = field(default_factory=dict)
    parsed: ParsedOnce | None = None
    resources: list[Resource] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def loaded(self) -> Loaded:
        return Loaded(tuple(self.resources), tuple(self.rejected), tuple(self.problems))


def load(
    files: Sequence[SourceFile], *, limits: Limits = DEFAULT_LIMITS, ambassador_id: str = DEFAULT_AMBASSADOR_ID
) -> Loaded:
    """Read files; never raises on content.

    Args:
        files: Mapping files, and anything else that lies beside them.
        limits: bounds on what they may hold.
        ambassador_id: documents addressed to other instances are left out silently, as the language says.
    """
    touches: Touches = {}
    return joined(load_file(file, limits, ambassador_id, touches) for file in files)


def load_file(
    file: SourceFile, limits: Limits, ambassador_id: str, touches: Touches, parsed: ParsedOnce | None = None
) -> Loaded:
    """Read one file; never raises on content.

    Args:
        file: the file.
        limits: bounds on what it may hold.
        ambassador_id: documents addressed to other instances are left out.
        touches: by commit what documents say of it; filled, so that files of one commit share it.
        parsed: values of documents that were digested a moment ago.
    """
    gathering = _Gathering(limits, ambassador_id, touches, parsed)
    _load_file(file, gathering)
    gathering.problems = list(worst(gathering.problems, limits.max_file_findings))
    return gathering.loaded()


def load_origins(
    origins: Sequence[Origin],
    *,
    limits: Limits = DEFAULT_LIMITS,
    ambassador_id: str = DEFAULT_AMBASSADOR_ID,
    asked: bool = True,
) -> Loaded:
    """Rebuild resources from the documents kept of them: ``load`` gives the same from the files.

    Args:
        origins: as resources carry them.
        limits: bounds on what they may hold.
        ambassador_id: documents addressed to other instances are left out.
        asked: whether they may stand there was asked once: a guard must not be lost by a change of settings.
    """
    everywhere = replace(limits, platform_paths=(), platform_namespaces=(EVERY_NAMESPACE,))
    gathering = _Gathering(everywhere if asked else limits, ambassador_id)
    for origin in origins:
        at = origin.provenance
        place = Place(at.path, at.line, at.touch)
        document = _kept(origin)
        if document is None:
            found = Finding(Code.NOT_YAML, "the document kept of this resource cannot be read")
            _reject(Unit(None, place, (found,)), gathering, origin.id)
        else:
            _load_unit(Unit(document, place, simple=False), gathering)
    return gathering.loaded()


def _kept(origin: Origin) -> Document | None:
    try:
        value = json.loads(origin.document)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _load_file(file: SourceFile, gathering: _Gathering) -> None:
    limits = gathering.limits
    chunks = chunks_of(file.content, limits)
    touches = _touches(file, 1 if isinstance(chunks, Finding) else len(chunks), gathering.touches)
    if isinstance(chunks, Finding):
        unit = Unit(None, Place(file.path, chunks.line, touches[0] if touches else None), (chunks,))
        _reject(unit, gathering, None, file.content.decode(errors="replace"))
        return
    known = gathering.parsed.trees(file.content, limits) if gathering.parsed else ()
    for chunk, touch, tree in zip_longest(chunks, touches, known):
        tree = tree or parse(chunk.text, limits)  # noqa: PLW2901
        place = Place(file.path, tree.line + chunk.offset, touch, chunk.text, chunk.offset)
        unit = Unit(tree.value, place, tree.findings, tree.simple)
        for one in _unpack(unit, limits) if file.object is None else _of_object(unit, file.object):
            _load_unit(one, gathering)


def _touches(file: SourceFile, chunks: int, touches: Touches) -> Sequence[AnyTouch]:
    """What last changed each document, as far as it is known."""
    if file.object is not None:
        return (file.object.touch,) * chunks
    return [_touch(commit, touches) for commit in file.commits[:chunks]]


def _touch(commit: Commit, touches: Touches) -> Touch:
    known = touches.get(commit.sha)
    if known is None:
        known = touches[commit.sha] = Touch(commit.sha, str(commit.author), commit.committed_at)
    return known


def _unpack(unit: Unit, limits: Limits) -> Iterator[Unit]:
    """The documents a document holds; itself, if it holds none. Depth is bounded by the parse."""
    document = unit.value
    if unit.findings or not isinstance(document, dict) or _is_read(document):
        yield unit
    elif is_list(document):
        for item in unpack_list(unit, _lines(unit.place, limits)):
            yield from _unpack(item, limits)
    elif is_parent(document):
        yield from unpack_annotation(unit, _lines(unit.place, limits), limits)
    else:
        yield unit


def _of_object(unit: Unit, found: ClusterObject) -> Iterator[Unit]:
    """What an object of the cluster stands for: its annotation, the rules of an Ingress, or the document it is."""
    if found.annotated:
        yield annotated_unit(unit, found)
    elif is_ingress(unit.value):
        yield from unpack_ingress(unit)
    else:
        yield unit


def _is_read(document: Document) -> bool:
    """Whether a document is one to read: the common case, told first."""
    return is_ours(document) and not is_list(document)


def _lines(place: Place, limits: Limits) -> dict[Path, int]:
    """The lines of the paths of a place: parsed once more, now that something is to be said about them."""
    if place.lines is not None or not place.text:
        return place.lines or {}
    return parse(place.text, limits, with_lines=True).lines


def _load_unit(unit: Unit, gathering: _Gathering) -> None:
    document = unit.value
    if unit.findings:
        _reject(unit, gathering, _broken_identity(unit))
        return
    if not isinstance(document, dict):
        _reject(_with(unit, _not_a_mapping(unit)), gathering, None)
        return
    ours = classify(document)
    if isinstance(ours, Finding):
        _refuse(unit, document, ours, gathering)
        return
    if not is_addressed(document, gathering.ambassador_id):
        return
    if not _may_hold(unit.place.path, ours.kind, gathering.limits):
        finding = _elsewhere(ours.kind, unit.place.path, gathering.limits)
        _reject(_with(unit, finding), gathering, identify(document, ours.kind))
        return
    reading = read(document, ours, unit.place, gathering.limits, simple=unit.simple)
    root = ("spec",) if "spec" in document else ()
    if isinstance(reading.resource, OwnershipResource):
        lines = _lines(unit.place, gathering.limits)
        gathering.resources.append(located(reading.resource, root, unit.place, lines))
    elif _is_for_all_hosts(reading.resource) and is_guest(unit.place.path, gathering.limits.platform_namespaces):
        finding = _elsewhere("a Host of all hosts", unit.place.path, gathering.limits)
        _reject(_with(unit, replace(finding, path=(*root, "hostname")), *reading.findings), gathering, reading.id)
        return
    elif reading.resource is not None:
        gathering.resources.append(reading.resource)
    if reading.findings:
        _reject(_with(unit, *reading.findings), gathering, reading.id)


def _may_hold(path: str, kind: Kind | None, limits: Limits) -> bool:
    """Whether a file may hold documents of a kind."""
    if kind is Kind.OWNERSHIP and is_cluster_path(path):
        return False  # else whoever may annotate an object could say that everything is theirs
    if kind not in PLATFORM_KINDS:
        return True
    if is_cluster_path(path):
        return not is_guest(path, limits.platform_namespaces)
    return not limits.platform_paths or is_below(path, limits.platform_paths)


def _is_for_all_hosts(resource: Resource | None) -> bool:
    """Whether a resource is a Host that answers for all that no other one does."""
    return isinstance(resource, HostResource) and resource.hostname == ANY_HOST


def _elsewhere(what: str, path: str, limits: Limits) -> Finding:
    """Why a document may not stand where it does."""
    message = f"what {what} says concerns everybody, and it may not stand here"
    folders = f" in {' or '.join(limits.platform_paths)}" if limits.platform_paths else ""
    expected, hint = f"a file of the repository{folders}", ""
    if is_cluster_path(path) and what != Kind.OWNERSHIP:
        if limits.platform_namespaces:
            expected += f", or an object in the namespace {' or '.join(limits.platform_namespaces)}"
        hint = (
            f"Write it there, or set `platform_namespaces` to {namespace_of(path)}, too; "
            "where an Ownership has a `platform`, that has to name this namespace as well"
        )
    return Finding(Code.NOT_ALLOWED, message, path=("kind",), expected=expected, hint=hint)


def _broken_identity(unit: Unit) -> ResourceId | None:
    """Whose a document is that was read to its end in spite of its mistakes, if they leave no doubt about that."""
    certain = all(f.path and f.path[-1] not in _IDENTITY_FIELDS for f in unit.findings)
    if not certain or not isinstance(unit.value, dict):
        return None
    return identify(unit.value, likely_kind(unit.value))


def _refuse(unit: Unit, document: Document, finding: Finding, gathering: _Gathering) -> None:
    """Report a document that is not read. One of a kind that is never read leaves nothing behind to keep serving."""
    if is_ours(document) and not is_addressed(document, gathering.ambassador_id):
        return
    if finding.code is Code.FOREIGN_KIND and unit.annotated:
        message = "the annotation holds a document that is none of this language"
        finding = Finding(Code.ANNOTATION_INVALID, message, got=shown(document.get("kind")))
    kind = None if finding.code is Code.UNSUPPORTED_KIND else likely_kind(document)
    _reject(_with(unit, finding), gathering, identify(document, kind))


def _not_a_mapping(unit: Unit) -> Finding:
    value = unit.value
    items = value if isinstance(value, list) else []
    if isinstance(value, list) and not unit.annotated and not any(isinstance(i, dict) and is_ours(i) for i in items):
        return foreign(value)
    code = Code.ANNOTATION_INVALID if unit.annotated else Code.NOT_YAML
    hint = "separate documents by lines of ---" if items else ""
    return Finding(code, "not a document", expected="a mapping", got=type_words(value), hint=hint)


def _with(unit: Unit, *findings: Finding) -> Unit:
    return Unit(unit.value, unit.place, findings, unit.simple, unit.annotated)


def _reject(unit: Unit, gathering: _Gathering, identity: ResourceId | None, text: str = "") -> None:
    """Report what was found in a document; with an error among it, it gave no resource. ``text``: of a whole file."""
    limits, lines = gathering.limits, _lines(unit.place, gathering.limits)
    problems = unit.place.problems(unit.findings, lines, str(identity) if identity else "")
    gathering.problems += problems[: limits.max_findings]
    if len(problems) > limits.max_findings:
        last = problems[limits.max_findings]
        message = f"{last.message}; and more of the like: only {limits.max_findings} findings are reported"
        gathering.problems.append(replace(last, message=message))
    if any(f.severity is Severity.ERROR and f.code not in _NEVER_READ for f in unit.findings):
        guard = guard_meant(unit, identity, text)
        meant = guard if _may_hold(unit.place.path, guard, limits) else None
        gathering.rejected.append(Rejected(unit.place.path, identity, meant))
