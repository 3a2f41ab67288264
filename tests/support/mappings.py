"""Typed resources for tests, made with few words, and hypothesis strategies for them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from hypothesis import strategies as st

from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import (
    ANY_HOST,
    HostMatch,
    HostResource,
    InsecureAction,
    Kind,
    LabelSelector,
    ListenerResource,
    MappingResource,
    MatchKind,
    NamedMatch,
    Origin,
    PathMatch,
    Redirect,
    RegexRewrite,
    ResourceId,
    SecurityModel,
    ServiceAddress,
    StringMatch,
)

# Name → value; `~` in front of a value makes it a regex, None asks for presence.
Conditions: TypeAlias = Mapping[str, str | None]

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


def mapping_id(name: str) -> ResourceId:
    """The identity of the Mapping ``default/name``."""
    return ResourceId(Kind.MAPPING, "default", name)


def provenance(name: str, day: int | None = 1, path: str = "") -> Provenance:
    """A file of its own, last touched on a day of January 2024; None: no commit."""
    touch = None if day is None else Touch(f"{day:040x}", "Ann", EPOCH + timedelta(days=day))
    return Provenance(path or f"routes/{name}.yaml", 1, touch)


def host_match(text: str) -> HostMatch:
    """``*``, ``*.x``, ``x.*``, ``~regex`` or a name."""
    if text == "*":
        return ANY_HOST
    if text.startswith("~"):
        return HostMatch(MatchKind.REGEX, text[1:])
    if text.startswith("*"):
        return HostMatch(MatchKind.SUFFIX, text[1:])
    if text.endswith("*"):
        return HostMatch(MatchKind.PREFIX, text[:-1])
    return HostMatch(MatchKind.EXACT, text)


def mapping(
    name: str,
    prefix: str = "/x/",
    *,
    host: str | None = "*",
    kind: MatchKind = MatchKind.PREFIX,
    case_sensitive: bool = True,
    method: str | None = None,
    headers: Conditions | None = None,
    query: Conditions | None = None,
    service: str = "",
    redirect: Redirect | None = None,
    rewrite: str | None = "/",
    regex_rewrite: RegexRewrite | None = None,
    host_rewrite: str | None = None,
    auto_host_rewrite: bool = False,
    precedence: int = 0,
    weight: int | None = None,
    shadow: bool = False,
    labels: dict[str, str] | None = None,
    day: int | None = 1,
    path: str = "",
    version: int = 0,
) -> MappingResource:
    """A Mapping in the namespace default; ``version`` changes its document and nothing else."""
    address = None if redirect else ServiceAddress(service or f"{name}.default", 80)
    conditions = (prefix, host, kind, case_sensitive, method, headers, query, precedence, labels)
    actions = (service, redirect, rewrite, regex_rewrite, host_rewrite, auto_host_rewrite, weight, shadow, version)
    return MappingResource(
        origin=Origin(mapping_id(name), provenance(name, day, path), repr((conditions, actions)).encode()),
        labels=tuple(sorted((labels or {}).items())),
        host=None if host is None else host_match(host),
        path=PathMatch(kind, prefix, case_sensitive),
        method=None if method is None else StringMatch(MatchKind.EXACT, method),
        headers=_named(headers),
        query=_named(query),
        service=address,
        redirect=redirect,
        rewrite=rewrite,
        regex_rewrite=regex_rewrite,
        host_rewrite=host_rewrite,
        auto_host_rewrite=auto_host_rewrite,
        timeout_ms=3000,
        precedence=precedence,
        weight=weight,
        shadow=shadow,
    )


def host(
    name: str,
    hostname: str,
    *,
    selector: dict[str, str] | None = None,
    insecure: InsecureAction = InsecureAction.ROUTE,
    labels: dict[str, str] | None = None,
    namespace: str = "default",
    day: int | None = 1,
) -> HostResource:
    """A Host."""
    document = repr((hostname, selector, insecure, labels)).encode()
    return HostResource(
        origin=Origin(ResourceId(Kind.HOST, namespace, name), provenance(name, day), document),
        labels=tuple(sorted((labels or {}).items())),
        hostname=host_match(hostname),
        mapping_selector=_selector(selector),
        insecure_action=insecure,
    )


def listener(
    name: str,
    port: int,
    *,
    security: SecurityModel = SecurityModel.XFP,
    namespaces: tuple[str, ...] | None = None,
    selector: dict[str, str] | None = None,
    day: int | None = 1,
) -> ListenerResource:
    """A Listener."""
    document = repr((port, security, namespaces, selector)).encode()
    return ListenerResource(
        origin=Origin(ResourceId(Kind.LISTENER, "default", name), provenance(name, day), document),
        port=port,
        security_model=security,
        host_namespaces=namespaces,
        host_selector=_selector(selector),
    )


def _selector(labels: dict[str, str] | None) -> LabelSelector | None:
    return None if labels is None else LabelSelector(tuple(sorted(labels.items())))


def _named(conditions: Conditions | None) -> tuple[NamedMatch, ...]:
    return tuple(sorted(NamedMatch(name, _string(value)) for name, value in (conditions or {}).items()))


def _string(value: str | None) -> StringMatch:
    if value is None:
        return StringMatch(MatchKind.PRESENT)
    return StringMatch(MatchKind.REGEX, value[1:]) if value.startswith("~") else StringMatch(MatchKind.EXACT, value)


HOSTS = ("*", "a.test", "b.test", "*.test", "*.a.test", "a.*", "~[ab]\\.test")
NAMES = tuple("abcdef")


@st.composite
def mappings(draw: st.DrawFn, names: tuple[str, ...] = NAMES, hosts: tuple[str | None, ...] = HOSTS) -> MappingResource:
    """A Mapping out of few values, so that two of them often want the same."""
    kind = draw(st.sampled_from([MatchKind.PREFIX] * 4 + [MatchKind.EXACT, MatchKind.REGEX]))
    return mapping(
        draw(st.sampled_from(names)),
        draw(st.sampled_from(["/", "/x", "/x/", "/x/y"])) + (".*" if kind is MatchKind.REGEX else ""),
        host=draw(st.sampled_from(hosts)),
        kind=kind,
        case_sensitive=draw(st.sampled_from([True, True, False])),
        method=draw(st.sampled_from([None, None, "GET", "POST"])),
        headers=draw(st.sampled_from([None, None, {"h": "1"}, {"h": "~[12]"}, {"h": None}])),
        query=draw(st.sampled_from([None, None, {"q": "1"}])),
        precedence=draw(st.sampled_from([0, 0, 0, 1, -1])),
        weight=draw(st.sampled_from([None, None, None, 0, 30, 70, 100])),
        shadow=draw(st.sampled_from([False, False, False, True])),
        day=draw(st.sampled_from([None, 1, 2, 3])),
        path=draw(st.sampled_from(["", "", "shared.yaml"])),
        labels=draw(st.sampled_from([None, {"l": "1"}])),
    )
