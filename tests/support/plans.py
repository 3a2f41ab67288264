"""Routes, tables, snapshots and plans for tests, made by hand or by hypothesis."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from reconciler.model.digest import digest_bytes
from reconciler.model.plan import Plan
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import (
    HostMatch,
    InsecureAction,
    Kind,
    MatchKind,
    NamedMatch,
    PathMatch,
    Redirect,
    RedirectCode,
    RegexRewrite,
    ResourceId,
    SecurityModel,
    ServiceAddress,
    StringMatch,
)
from reconciler.model.snapshot import ResourceSet, Snapshot, TypeUrl, XdsResource
from reconciler.model.table import Cluster, Forward, Guard, Listener, Mirror, Route, RouteTable, VirtualHost
from reconciler.plan import BlastRadius, diff

WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
TOUCH = Touch("3f2a9c1" + "0" * 33, "Ann <ann@example.com>", WHEN)


def route(name: str, **changed: Any) -> Route:
    """A route from every host's ``/NAME/`` to the cluster ``httpbin``, with some fields changed."""
    plain = Route(
        name=f"default/{name}",
        id=ResourceId(Kind.MAPPING, "default", name),
        provenance=Provenance(f"routes/{name}.yaml", 1, TOUCH),
        host=HostMatch(MatchKind.ANY),
        path=PathMatch(MatchKind.PREFIX, f"/{name}/"),
        method=None,
        headers=(),
        query=(),
        precedence=0,
        threshold=None,
        action=Forward("httpbin", prefix_rewrite="/"),
    )
    return replace(plain, **changed)


CLUSTERS = (
    Cluster("httpbin", ServiceAddress("httpbin.org", 80)),
    Cluster("v6", ServiceAddress("::1", 8443, tls=True)),
)


def table(routes: Sequence[Route], **listener: Any) -> RouteTable:
    """A table of these routes behind one listener with one virtual host."""
    host = VirtualHost(HostMatch(MatchKind.ANY), tuple(routes))
    plain = Listener("listener-8080", "0.0.0.0", 8080, SecurityModel.XFP, (host,))
    return RouteTable((replace(plain, **listener),) if routes else (), tuple(routes), CLUSTERS)


def snapshot(of: RouteTable) -> Snapshot:
    """A stand-in for rendering: one resource per route, whose bytes are all of it, metadata included."""
    around = digest_bytes(repr(of.listeners).encode())
    resources = [XdsResource.of(route.name, f"{route} {around}".encode()) for route in of.routes]
    return Snapshot.of({TypeUrl.ROUTE: ResourceSet.of(resources)})


def compare(before: RouteTable, after: RouteTable, **options: Any) -> Plan:
    """`diff` of two tables with their stand-in snapshots; deletions unlimited unless said otherwise."""
    given = {"fast_forward": True, "blast_radius": BlastRadius(max_delete_share=1.0), **options}
    return diff(before, after, snapshot(before), snapshot(after), **given)


_TEXT = st.text(st.sampled_from('/a1*~ ,"\\\n\u00e9'), max_size=4) | st.sampled_from(["", "a | b", "is x"])
_STRING_MATCH = st.builds(StringMatch, st.sampled_from([k for k in MatchKind if k is not MatchKind.ANY]), _TEXT).map(
    lambda m: StringMatch(m.kind) if m.kind is MatchKind.PRESENT else m
)
_NAMED = st.lists(st.builds(NamedMatch, _TEXT, _STRING_MATCH), max_size=2).map(lambda found: tuple(sorted(set(found))))
_REGEX = st.builds(RegexRewrite, _TEXT, _TEXT)


@st.composite
def _forwards(draw: st.DrawFn) -> Forward:
    regex = draw(st.none() | _REGEX)
    return Forward(
        cluster=draw(st.sampled_from([cluster.name for cluster in CLUSTERS])),
        prefix_rewrite=None if regex else draw(st.none() | _TEXT),
        regex_rewrite=regex,
        host_rewrite=draw(st.none() | _TEXT),
        auto_host_rewrite=draw(st.booleans()),
        timeout_ms=draw(st.integers(0, 5)),
        mirrors=draw(st.just(()) | st.just((Mirror("v6", 10),))),
    )


_REDIRECTS = st.builds(
    Redirect, _TEXT, st.none() | _TEXT, st.none() | _TEXT, st.none() | _REGEX, st.sampled_from(RedirectCode)
)


def routes(name: str) -> st.SearchStrategy[Route]:
    """Any route of this name, without a weight."""
    return st.builds(
        route,
        st.just(name),
        host=st.sampled_from([HostMatch(MatchKind.ANY), HostMatch(MatchKind.SUFFIX, ".example.com")]),
        path=st.builds(
            PathMatch,
            st.sampled_from([MatchKind.EXACT, MatchKind.PREFIX, MatchKind.REGEX]),
            _TEXT,
            st.booleans(),
        ),
        method=st.none() | _STRING_MATCH,
        headers=_NAMED,
        query=_NAMED,
        precedence=st.integers(-2, 2),
        action=_forwards() | _REDIRECTS,
    )


@st.composite
def tables(draw: st.DrawFn) -> RouteTable:
    """Any small table: routes of few names, spread over listeners and virtual hosts."""
    names = draw(st.sets(st.sampled_from("abcde"), max_size=4))
    found = [draw(routes(name)) for name in sorted(names)]
    listeners = [
        Listener(
            f"listener-{port}",
            "0.0.0.0",
            port,
            draw(st.sampled_from(SecurityModel)),
            tuple(
                VirtualHost(host, tuple(r for r in found if draw(st.booleans())), draw(st.sampled_from(_GUARDS)))
                for host in (HostMatch(MatchKind.ANY), HostMatch(MatchKind.EXACT, "example.com"))
                if draw(st.booleans())
            ),
        )
        for port in (8080, 8443)
        if draw(st.booleans())
    ]
    return RouteTable(tuple(listeners), tuple(found), CLUSTERS)


_GUARDS = (None, Guard(InsecureAction.REDIRECT, by_header=True), Guard(InsecureAction.REJECT, by_header=False))
