"""How older spellings are said now, for every kind; ``mapping_rules`` has those of the Mapping.

Every rule is a function of one document and gives the changes it asks for. No two rules ask for the same field.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from reconciler.migrate.changes import Change, Insert, Remove, Rename, Rewriting, Set
from reconciler.migrate.mapping_rules import MAPPING_RULES
from reconciler.migrate.subject import Subject
from reconciler.model.digest import Json
from reconciler.resources.edge.tls_settings import CAMEL
from reconciler.resources.services.auth_service import V0_HEADERS

Rule: TypeAlias = Callable[[Subject], Iterator[Rewriting]]

# The upstream of a kind, where it is not called service.
_SERVICE = {"AuthService": "auth_service"}
_RENAMED_EVERYWHERE = {"ambassadorId": "ambassador_id", "v3StatsName": "stats_name"}
_RENAMED = {
    "Host": {"selector": "mappingSelector"},
    "Mapping": {"v3health_checks": "health_checks"},
    "TLSContext": {"v3CRLSecret": "crl_secret"},
}
_LISTS = ("ambassador_id", "ambassadorId", "remove_request_headers", "remove_response_headers")
_SHOWN_BODY = 4096  # bytes, https://www.getambassador.io/docs/emissary/latest/topics/running/services/auth-service


def rewritings(subject: Subject) -> list[Rewriting]:
    """All that is to change of a document, its envelope aside."""
    return [rewriting for rule in _rules(subject.kind) for rewriting in rule(subject)]


def _rules(kind: str) -> tuple[Rule, ...]:
    match kind:
        case "Mapping":
            return (*_EVERYWHERE, *MAPPING_RULES)
        case "AuthService":
            return (*_EVERYWHERE, _allowed_headers, _allow_request_body)
        case "TracingService":
            return (*_EVERYWHERE, _tag_headers)
        case "Module":
            return _renamed, _lists  # the rest is free-form, and read as it always was
    return _EVERYWHERE


def _renamed(subject: Subject) -> Iterator[Rewriting]:
    for old, new in (_RENAMED_EVERYWHERE | _RENAMED.get(subject.kind, {})).items():
        if old in subject.spec and new not in subject.spec:
            yield Rewriting((Rename(subject.at(old), new),), f"{old} is {new} now")
    tls = subject.spec.get("tls")
    if subject.kind == "Host" and isinstance(tls, dict):
        given = {old: new for old, new in CAMEL.items() if old in tls and new not in tls}
        for old, new in given.items():
            if list(given.values()).count(new) == 1:
                yield Rewriting((Rename(subject.at("tls", old), new),), f"tls.{old} is {new} now")


def _lists(subject: Subject) -> Iterator[Rewriting]:
    for name in _LISTS:
        value = subject.spec.get(name)
        if isinstance(value, str):
            yield Rewriting((Set(subject.at(name), [value]),), f"{name} is a list")


def _tls(subject: Subject) -> Iterator[Rewriting]:
    """``true`` became a scheme; what never had an effect goes."""
    if subject.kind == "Host" or "tls" not in subject.spec:
        return
    tls, field = subject.spec["tls"], _SERVICE.get(subject.kind, "service")
    service = subject.spec.get(field)
    if tls is True and isinstance(service, str):
        scheme, mark, rest = service.partition("://")
        changes = (Remove(subject.at("tls")), Set(subject.at(field), f"https://{rest if mark else scheme}"))
        yield Rewriting(changes, f"tls: true is https:// before the {field} now")
    elif tls in (False, None, "") and subject.old:
        yield Rewriting((Remove(subject.at("tls")),), "tls without a name had no effect")


def _allowed_headers(subject: Subject) -> Iterator[Rewriting]:
    """One list became two; v0 had some headers in it that nobody wrote."""
    both = subject.spec.get("allowed_headers", [])
    implied = subject.version == "v0" and subject.spec.get("proto", "http") == "http"
    if not isinstance(both, list) or not (both or implied):
        return
    names = sorted({*(V0_HEADERS if implied else ()), *map(str, both)})
    changes: list[Change] = []
    for field in ("allowed_request_headers", "allowed_authorization_headers"):
        own = subject.spec.get(field)
        if isinstance(own, list):
            changes.append(Set(subject.at(field), sorted({*names, *map(str, own)})))
        else:
            changes.append(Insert(subject.at("auth_service"), field, list(names)))
    if "allowed_headers" in subject.spec:
        changes.append(Remove(subject.at("allowed_headers")))
    yield Rewriting(tuple(changes), "allowed_headers is a list for each direction now")


def _allow_request_body(subject: Subject) -> Iterator[Rewriting]:
    at, value = subject.at("allow_request_body"), subject.spec.get("allow_request_body")
    if value is True and "include_body" not in subject.spec:
        body: Json = {"max_bytes": _SHOWN_BODY, "allow_partial": True}
        yield Rewriting((Set(at, body), Rename(at, "include_body")), "allow_request_body is include_body now")
    elif value is False:
        yield Rewriting((Remove(at),), "allow_request_body: false is the default of include_body")


def _tag_headers(subject: Subject) -> Iterator[Rewriting]:
    at, names = subject.at("tag_headers"), subject.spec.get("tag_headers")
    if isinstance(names, list) and names and "custom_tags" not in subject.spec:
        lower = sorted({str(name).lower() for name in names})  # as Envoy called them
        tags: list[Json] = [{"tag": name, "request_header": {"name": name}} for name in lower]
        yield Rewriting((Set(at, tags), Rename(at, "custom_tags")), "tag_headers is custom_tags now")


_EVERYWHERE: tuple[Rule, ...] = (_renamed, _lists, _tls)
