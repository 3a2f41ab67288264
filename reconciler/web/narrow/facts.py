"""The facts of a record that are about some namespaces. Pure; a fact that is not named here is not shown."""

from reconciler.model.digest import Json
from reconciler.web.access import Scope

Facts = dict[str, Json]

_RECORD = ("sequence", "time", "event", "schema", "intent", "trigger", "decision", "reason", "happened")
_SOURCE = ("ref", "commit", "committed_at", "fetched_at", "fast_forward")
_ABOUT_ALL = ("subject", "tree", "parents", "previous_applied")
_PEOPLE = ("author", "committer", "pull_request", "approvers", "approved_by_another")
_SIGNATURE = ("method", "result")
_CHECK = ("code", "severity", "resource", "field", "got")
_OPS = ("create", "update", "delete")


def narrowed_body(body: Facts, scope: Scope, *, alone: bool) -> Facts:
    """What a record says about routes of these namespaces.

    Args:
        body: the record.
        scope: whose routes.
        alone: the entry is about nobody else, so that what people wrote about all of it is about them.
    """
    kept: Facts = {name: body[name] for name in (*_RECORD, "finished_at") if name in body}
    source, people = _group(body, "source"), _group(body, "people")
    if source:
        kept["source"] = _some(source, _SOURCE + (_ABOUT_ALL if alone else ()))
    if alone and people:
        kept["people"] = _some(people, _PEOPLE)
    if alone and "verification" in body:
        signature = _group(body, "verification")
        kept["verification"] = _some(signature, _SIGNATURE) if signature else body["verification"]
    if "change" in body:
        kept["change"] = _change(body, scope)
    for name, chosen in (("quarantined", None), ("checks", _CHECK)):
        found = [fact for fact in listed(body, name) if is_seen(fact, scope)]
        if name in body:
            kept[name] = [_some(fact, chosen) if chosen else fact for fact in found]
    return kept


def withheld(body: Facts, kept: Facts) -> set[str]:
    """The names of what a record tells and `narrowed_body` left out of it; of source and people each by itself."""
    names = {name for name in body if name not in kept}
    for group in ("source", "people", "change"):
        if group in kept:
            left = _group(kept, group)
            names |= {f"{group}.{name}" for name in _group(body, group) if name not in left}
    return names - _FRAME


def listed(body: Facts, *path: str) -> list[Facts]:
    """A list of groups of facts; empty where there is none."""
    found: Json = body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return [fact for fact in found if isinstance(fact, dict)] if isinstance(found, list) else []


def is_seen(fact: Facts, scope: Scope) -> bool:
    """Whether a fact is about a resource of these namespaces."""
    namespace = namespace_of(fact)
    return bool(namespace) and scope.sees(namespace)


def namespace_of(fact: Facts) -> str:
    """The namespace of the resource that a fact is about; empty where it is about none."""
    named = fact.get("namespace")
    return named if isinstance(named, str) else of_resource(fact.get("resource"))


def of_resource(resource: Json) -> str:
    """The namespace in ``Mapping NAMESPACE/NAME``; empty where it is no such text."""
    if not isinstance(resource, str):
        return ""
    kind, space, qualified = resource.partition(" ")
    namespace, slash, name = qualified.partition("/")
    return namespace if kind and space and slash and name else ""


def _change(body: Facts, scope: Scope) -> Facts:
    """What changes of their routes; a result tells none of them where it was carried out as planned."""
    if _group(body, "change").get("as_planned") is True:
        return {"as_planned": True}
    routes = [_route(route, scope) for route in listed(body, "change", "routes") if is_seen(route, scope)]
    counts: Facts = {op: sum(route.get("op") == op for route in routes) for op in _OPS}
    kept: Facts = {"counts": counts, "routes": list(routes)}
    if "documents" in _group(body, "change"):
        kept["documents"] = [_route(one, scope) for one in listed(body, "change", "documents") if is_seen(one, scope)]
    return kept


def _route(route: Facts, scope: Scope) -> Facts:
    """A route's change, without the policies of others that have a say in it."""
    policies: list[Json] = [
        policy
        for policy in listed(route, "policies")
        if isinstance(name := policy.get("name"), str) and scope.sees(name.partition("/")[0])
    ]
    kept = {name: value for name, value in route.items() if name in _ROUTE}
    return {**kept, "policies": policies} if policies else kept


_ROUTE = ("op", "kind", "namespace", "name", "fields", "before", "after", "risks")
# What ties a record to the others, and says nothing of a change.
_FRAME = frozenset({"previous", "schema", "controller", "tool", "revisions", "served", "started_at"})


def _group(body: Facts, name: str) -> Facts:
    found = body.get(name)
    return found if isinstance(found, dict) else {}


def _some(group: Facts, names: tuple[str, ...]) -> Facts:
    return {name: group[name] for name in names if name in group}
