"""Whether two versions of the files mean the same to Envoy; where they do not, at which resource and field."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.compile import Options, compile_routes, load_source
from reconciler.envoy import snapshot_json
from reconciler.model.digest import Json
from reconciler.model.match import MatchKind, StringMatch
from reconciler.model.problem import Problem, Severity
from reconciler.model.resource import MappingResource, Resource
from reconciler.model.source import SourceSnapshot

# What the language has always made of ``true`` for a header: any value. (Presence and this pattern differ only for
# a header that is no UTF-8.)
_ANY_VALUE = ".*"
_PRESENT = StringMatch(MatchKind.PRESENT)
_UNTOLD = frozenset({"metadata"})  # of a route: which file and commit it comes from


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one version of the files comes to.

    Attributes:
        envoy: the resources Envoy gets, without where they come from.
    """

    resources: tuple[Resource, ...]
    problems: tuple[Problem, ...]
    envoy: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What would not be as before.

    Attributes:
        path: the file of the resource; empty when no resource can be named.
        what: a sentence.
    """

    path: str
    resource: str
    field: str
    what: str


def meaning(source: SourceSnapshot, options: Options) -> Meaning:
    """Compile the files as one instance reads them."""
    loaded = load_source(source, options)
    compiled = compile_routes(source, loaded, options)
    envoy = json.dumps(_routing(snapshot_json(compiled.snapshot)), sort_keys=True)
    return Meaning(loaded.resources, compiled.problems, envoy)


def differences(before: Meaning, after: Meaning) -> list[Difference]:
    """What is not the same; nothing, when Envoy would notice no difference."""
    found = [*_resources_differ(before.resources, after.resources), *_new_errors(before, after)]
    if not found and before.envoy != after.envoy:
        found.append(Difference("", "", "", "Envoy would get another configuration"))
    return found


def _resources_differ(before: tuple[Resource, ...], after: tuple[Resource, ...]) -> Iterator[Difference]:
    if len(before) != len(after):
        yield Difference("", "", "", f"{len(before)} resources would become {len(after)}")
        return
    for old, new in zip(before, after, strict=True):
        path, name = old.origin.provenance.path, str(old.origin.id)
        if old.origin.id != new.origin.id:
            yield Difference(path, name, "metadata", f"it would become {new.origin.id}")
        elif field := _first_difference(_resolved(old, new), new):
            yield Difference(path, name, field, f"{field} would change")


def _resolved(old: Resource, new: Resource) -> Resource:
    """The old resource without what it named and the new one says itself: Envoy's configuration tells of those."""
    if not isinstance(old, MappingResource) or not isinstance(new, MappingResource):
        return old
    if old.circuit_breaker and not new.circuit_breaker:
        upstream = dataclasses.replace(old.upstream, circuit_breakers=new.upstream.circuit_breakers)
        old = dataclasses.replace(old, circuit_breaker="", upstream=upstream)
    if old.outlier_detection and not new.outlier_detection:
        upstream = dataclasses.replace(old.upstream, outliers=new.upstream.outliers)
        old = dataclasses.replace(old, outlier_detection="", upstream=upstream)
    labels = old.policy.labels
    if [one.domain for one in labels] == [""] and len(new.policy.labels) == 1:
        named = dataclasses.replace(labels[0], domain=new.policy.labels[0].domain)
        old = dataclasses.replace(old, policy=dataclasses.replace(old.policy, labels=(named,)))
    return old


def _new_errors(before: Meaning, after: Meaning) -> Iterator[Difference]:
    known = {(p.code, p.provenance.path, p.resource) for p in before.problems}
    for problem in after.problems:
        if problem.severity is Severity.ERROR:
            path = problem.provenance.path
            if (problem.code, path, problem.resource) not in known:
                yield Difference(path, problem.resource, problem.field, f"[{problem.code}] {problem.message}")


def _first_difference(old: object, new: object, at: str = "") -> str:
    """The dotted name of the first field in which two values differ; values are not shown, they may be secret."""
    if _told(old) == _told(new):
        return ""
    if type(old) is type(new) and dataclasses.is_dataclass(old) and not isinstance(old, StringMatch):
        for field in dataclasses.fields(old):
            if field.name != "origin":
                inner = _first_difference(getattr(old, field.name), getattr(new, field.name), f"{at}{field.name}.")
                if inner:
                    return inner
        return ""
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        inners = (_first_difference(a, b, at) for a, b in zip(old, new, strict=True))
        return next((inner for inner in inners if inner), "")
    return at.rstrip(".")


def _told(value: object) -> object:
    return _PRESENT if value == StringMatch(MatchKind.REGEX, _ANY_VALUE) else value


def _routing(value: Json) -> Json:
    """Envoy's resources without provenance, and with one spelling of presence."""
    match value:
        case {"name": name, "string_match": {"safe_regex": {"regex": ".*"}}}:
            return {"name": name, "present_match": True}
        case dict():
            return {key: _routing(item) for key, item in value.items() if key not in _UNTOLD}
        case list():
            return [_routing(item) for item in value]
    return value
