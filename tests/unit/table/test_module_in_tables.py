"""What a Module makes of the table: defaults of Mappings, ports, checks, and what a request gets."""

from dataclasses import replace

import pytest

from reconciler.model.edge import DEFAULT_HTTP, LIVENESS, Connections, Paths
from reconciler.model.module import MappingDefaults, ModuleResource
from reconciler.model.policy import (
    Descriptor,
    HashKey,
    HashSource,
    HeaderChanges,
    HeaderValue,
    LimitEntry,
    LimitLabels,
    RoutePolicy,
)
from reconciler.model.problem import Code
from reconciler.model.resource import InsecureAction, Kind, MappingResource, Origin, ResourceId
from reconciler.model.table import Forward, Guard, Request
from reconciler.model.upstream import LoadBalancing, Upstream
from reconciler.table import Answered, BadRequest, build, explain
from reconciler.table.resolve.defaults import with_defaults
from tests.support.documents import load_text
from tests.support.mappings import host, listener, mapping, provenance


def _module(defaults: MappingDefaults | None = None, **more: object) -> ModuleResource:
    origin = Origin(ResourceId(Kind.MODULE, "edge", "ambassador"), provenance("module"), b"")
    module = ModuleResource(origin, defaults or MappingDefaults())
    return replace(module, **more)  # type: ignore[arg-type] # a test names fields it knows


def _filled(own: MappingResource, defaults: MappingDefaults) -> MappingResource:
    (filled,) = with_defaults([own], _module(defaults))
    return filled


def test_without_a_module_mappings_stay_the_same_objects() -> None:
    """Ten thousand Mappings are not copied for nothing."""
    own = mapping("a")
    assert with_defaults([own], None)[0] is own
    assert with_defaults([own], _module())[0] is own


def test_what_a_mapping_says_is_stronger() -> None:
    """Timeout and headers of the Mapping stay; what it leaves open comes from the Module."""
    default = HeaderChanges((HeaderValue("x-module", "1"),), ("x-gone",))
    defaults = MappingDefaults(timeout_ms=7, policy=RoutePolicy(request_headers=default))
    silent = _filled(replace(mapping("a"), timeout_ms=None), defaults)
    assert (silent.timeout_ms, silent.policy.request_headers) == (7, default)
    own = HeaderChanges((HeaderValue("x-own", "1"),))
    said = _filled(replace(mapping("a"), timeout_ms=0, policy=RoutePolicy(request_headers=own)), defaults)
    assert (said.timeout_ms, said.policy.request_headers) == (0, HeaderChanges(own.add, default.remove))


def test_what_a_mapping_empties_stays_empty() -> None:
    """`add_request_headers: {}` says that there are none."""
    default = HeaderChanges((HeaderValue("x-module", "1"),), ("x-gone",))
    own = replace(mapping("a"), emptied=("add_request_headers",))
    filled = _filled(own, MappingDefaults(policy=RoutePolicy(request_headers=default)))
    assert filled.policy.request_headers == HeaderChanges((), ("x-gone",))


def test_a_hash_key_belongs_to_its_policy() -> None:
    """A Mapping with a policy of its own is not hashed by the key of the Module."""
    key = HashKey(HashSource.SOURCE_IP)
    defaults = MappingDefaults(policy=RoutePolicy(hash_key=key), upstream=Upstream(balancing=LoadBalancing.MAGLEV))
    assert _filled(mapping("a"), defaults).policy.hash_key == key
    own = replace(mapping("a"), upstream=Upstream(balancing=LoadBalancing.ROUND_ROBIN))
    assert _filled(own, defaults).policy.hash_key is None


def test_labels_begin_with_those_of_the_module() -> None:
    """In the domain they are meant for, which the Module names where the spelling knows none."""
    first, own = LimitEntry(Descriptor.REMOTE_ADDRESS), LimitEntry(Descriptor.GENERIC_KEY, value="v")
    defaults = MappingDefaults(label_domain="ours", labels=(("ours", (first,)),))
    policy = RoutePolicy(labels=(LimitLabels("", (("g", (own,)),)), LimitLabels("other", (("g", (own,)),))))
    filled = _filled(replace(mapping("a"), policy=policy), defaults)
    assert filled.policy.labels == (
        LimitLabels("ours", (("g", (first, own)),)),
        LimitLabels("other", (("g", (own,)),)),
    )


@pytest.mark.parametrize(("service", "expected"), [("s", "s.edge"), ("s.own", "s.own"), ("s.a.b", "s.a.b")])
def test_unqualified_services_are_in_the_namespace_of_the_module(service: str, expected: str) -> None:
    """Only those: a namespace that was written stays, even the Mapping's own."""
    loaded = load_text(
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: a, namespace: own}\n"
        f"spec: {{hostname: '*', prefix: /a/, service: {service}}}\n"
    )
    own = [resource for resource in loaded.resources if isinstance(resource, MappingResource)]
    (filled,) = with_defaults(own, _module(own_namespace=True))
    assert filled.service is not None
    assert filled.service.host == expected


def test_the_module_says_the_port_where_no_listener_does() -> None:
    """And is told so where one does."""
    module = _module(port=4567, http=replace(DEFAULT_HTTP, connections=Connections(proxy_protocol=True)))
    (only,) = build([module, mapping("a")]).table.listeners
    assert (only.port, only.stack.proxy) == (4567, True)
    built = build([module, mapping("a"), listener("l", 80)])
    assert [one.port for one in built.table.listeners] == [80]
    assert [problem.code for problem in built.problems] == [Code.FIELD_IGNORED, Code.FIELD_IGNORED]


def test_clear_text_is_redirected_where_no_host_says_otherwise() -> None:
    """By the header, as the setting is called."""
    module = _module(http=replace(DEFAULT_HTTP, redirect_http=True))
    (only,) = build([module, mapping("a")]).table.listeners[0].virtual_hosts
    assert only.guard == Guard(InsecureAction.REDIRECT, by_header=True)
    built = build([module, mapping("a"), host("h", "*")])
    assert built.table.listeners[0].virtual_hosts[0].guard is None
    assert [problem.code for problem in built.problems] == [Code.FIELD_IGNORED]


def test_health_checks_are_answered_unless_a_rule_is_stronger() -> None:
    """A rule with the path of a check, or a longer one, was written on purpose."""
    table = build([mapping("root", "/")]).table
    assert isinstance(explain(table, Request("x", LIVENESS.prefix)).answer, Answered)
    table = build([mapping("own", LIVENESS.prefix)]).table
    assert explain(table, Request("x", LIVENESS.prefix)).route is not None


def test_paths_are_read_as_the_module_says() -> None:
    """Slashes are merged, escaped ones rejected."""
    module = _module(http=replace(DEFAULT_HTTP, paths=Paths(merge_slashes=True, reject_escaped_slashes=True)))
    table = build([module, mapping("a", "/a/b/")]).table
    assert explain(table, Request("x", "//a///b/c")).route is not None
    assert isinstance(explain(table, Request("x", "/a/b/%2Fc")).answer, BadRequest)


def test_timeouts_of_the_module_reach_the_route() -> None:
    """The whole way, through `build`."""
    built = build([_module(MappingDefaults(timeout_ms=9)), replace(mapping("a"), timeout_ms=None)])
    (route,) = built.table.routes
    assert isinstance(route.action, Forward)
    assert route.action.timeout_ms == 9
