"""What the Module says, in every Mapping that does not say otherwise.

A Mapping that is as it was written stays the same object: without a Module this costs nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.model.edge import PLAIN_EDGE, Edge
from reconciler.model.module import NO_DEFAULTS, MappingDefaults, ModuleResource
from reconciler.model.policy import NO_POLICY, HeaderChanges, LimitLabels, RoutePolicy
from reconciler.model.resource import MappingResource
from reconciler.model.upstream import ServiceAddress, Upstream

DEFAULT_DOMAIN = "ambassador"


def module_of(resources: Iterable[object]) -> ModuleResource | None:
    """The ``ambassador`` Module; merge has left at most one."""
    return next((resource for resource in resources if isinstance(resource, ModuleResource)), None)


def edge_of(module: ModuleResource | None) -> Edge:
    """What all listeners have in common."""
    return PLAIN_EDGE if module is None else Edge(module.http)


def with_defaults(mappings: Sequence[MappingResource], module: ModuleResource | None) -> list[MappingResource]:
    """The Mappings, what they leave open filled in; in the same order."""
    if module is None or (module.defaults == NO_DEFAULTS and not module.own_namespace):
        return list(mappings)
    return [_filled(mapping, module) for mapping in mappings]


def _filled(mapping: MappingResource, module: ModuleResource) -> MappingResource:
    defaults = module.defaults
    if mapping.redirect is not None:
        return replace(mapping, policy=_answers(mapping.policy, defaults.policy, mapping.emptied))
    return replace(
        mapping,
        service=_in_own_namespace(mapping, module) if module.own_namespace else mapping.service,
        timeout_ms=defaults.timeout_ms if mapping.timeout_ms is None else mapping.timeout_ms,
        resolver=mapping.resolver or defaults.resolver,
        policy=_policy(mapping.policy, defaults, mapping.emptied, hashed_by_default=mapping.upstream.balancing is None),
        upstream=_upstream(mapping.upstream, defaults, mapping.emptied),
    )


def _in_own_namespace(mapping: MappingResource, module: ModuleResource) -> ServiceAddress | None:
    """The service of a Mapping; one that names no namespace is looked up in that of the Module."""
    address, namespace = mapping.service, mapping.origin.id.namespace.lower()
    if address is None or not address.host.endswith(f".{namespace}"):
        return address
    document = json.loads(mapping.origin.document)
    fields = document.get("spec", document)
    if "." in str(fields.get("service")):
        return address  # the namespace was written
    return replace(address, host=f"{address.host.removesuffix(namespace)}{module.origin.id.namespace.lower()}")


def _answers(own: RoutePolicy, default: RoutePolicy, emptied: tuple[str, ...]) -> RoutePolicy:
    """What concerns answers: a redirect forwards nothing."""
    if default == NO_POLICY:
        return own
    headers = _headers(own.response_headers, default.response_headers, "response", emptied)
    return replace(own, response_headers=headers, cors=own.cors or default.cors)


def _policy(
    own: RoutePolicy, defaults: MappingDefaults, emptied: tuple[str, ...], *, hashed_by_default: bool = False
) -> RoutePolicy:
    default = defaults.policy
    if default == NO_POLICY and not own.labels:
        return own
    return replace(
        own,
        request_headers=_headers(own.request_headers, default.request_headers, "request", emptied),
        response_headers=_headers(own.response_headers, default.response_headers, "response", emptied),
        retry=own.retry or default.retry,
        cors=own.cors or default.cors,
        linkerd=default.linkerd if own.linkerd is None else own.linkerd,
        hash_key=default.hash_key if hashed_by_default else own.hash_key,
        labels=_labels(own.labels, defaults),
    )


def _headers(own: HeaderChanges, default: HeaderChanges, which: str, emptied: tuple[str, ...]) -> HeaderChanges:
    """What is added and what is removed are each the Mapping's or the Module's, as a whole."""
    if own.add and own.remove:
        return own
    add = own.add if own.add or f"add_{which}_headers" in emptied else default.add
    remove = own.remove if own.remove or f"remove_{which}_headers" in emptied else default.remove
    return HeaderChanges(add, remove)


def _upstream(own: Upstream, defaults: MappingDefaults, emptied: tuple[str, ...]) -> Upstream:
    weaker = defaults.upstream
    if "circuit_breakers" in emptied:
        weaker = replace(weaker, circuit_breakers=())
    return own.over(weaker)


def _labels(own: tuple[LimitLabels, ...], defaults: MappingDefaults) -> tuple[LimitLabels, ...]:
    """Labels in the domain they are meant for, every group beginning with what the Module says for it."""
    if not own:
        return own
    first = dict(defaults.labels)
    found = []
    for labels in own:
        domain = labels.domain or defaults.label_domain or DEFAULT_DOMAIN
        before = first.get(domain, ())
        found.append(LimitLabels(domain, tuple((name, (*before, *entries)) for name, entries in labels.groups)))
    return tuple(found)
