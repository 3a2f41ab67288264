"""What the Module says for all Mappings that do not say otherwise."""

from reconciler.model.digest import Json
from reconciler.model.module import MappingDefaults
from reconciler.model.policy import HeaderChanges, LimitEntry, RoutePolicy
from reconciler.model.upstream import Upstream
from reconciler.resources.fields import Fields
from reconciler.resources.mapping.cross_origin import read_cors
from reconciler.resources.mapping.header_changes import read_header_changes
from reconciler.resources.mapping.labels import read_specifiers
from reconciler.resources.mapping.retries import read_retry_policy
from reconciler.resources.upstream.circuit_breakers import read_circuit_breakers
from reconciler.resources.upstream.load_balancers import read_load_balancer
from reconciler.resources.upstream.upstreams import read_keepalive


def read_defaults(config: Fields) -> MappingDefaults:
    """The defaults of a config."""
    balancer = read_load_balancer(config)
    return MappingDefaults(
        timeout_ms=config.integer("cluster_request_timeout_ms"),
        resolver=config.text("resolver") or "",
        policy=RoutePolicy(
            request_headers=_headers(config.inside("defaults"), "request"),
            response_headers=_headers(config.inside("defaults"), "response"),
            retry=read_retry_policy(config),
            cors=read_cors(config),
            linkerd=_said(config, "add_linkerd_headers"),
            hash_key=balancer.key if balancer else None,
        ),
        upstream=Upstream(
            idle_timeout_ms=config.integer("cluster_idle_timeout_ms"),
            max_connection_ms=config.integer("cluster_max_connection_lifetime_ms"),
            circuit_breakers=read_circuit_breakers(config),
            keepalive=read_keepalive(config),
            balancing=balancer.policy if balancer else None,
            ipv4=_said(config, "enable_ipv4"),
            ipv6=_said(config, "enable_ipv6"),
            buffer_bytes=config.integer("buffer_limit_bytes"),
            proper_case=config.flag("proper_case") or None,
        ),
        label_domain=config.text("default_label_domain") or "",
        labels=_labels(config.inside("default_labels")),
    )


def _headers(defaults: Fields, which: str) -> HeaderChanges:
    """What is said under ``httpmapping`` is stronger than what is said beside it."""
    own, common = read_header_changes(defaults.inside("httpmapping"), which), read_header_changes(defaults, which)
    return HeaderChanges(own.add or common.add, own.remove or common.remove)


def _labels(domains: Fields) -> tuple[tuple[str, tuple[LimitEntry, ...]], ...]:
    found = []
    for domain in sorted(domains.values):
        fields = domains.inside(domain)
        if "label_prefix" in fields.values:
            fields.ignored("label_prefix", "no version reads it", hint="write it under defaults")
        given: Json = fields.values.get("defaults")
        if given:
            found.append((domain, read_specifiers(fields, given, "defaults")))
    return tuple(found)


def _said(config: Fields, name: str) -> bool | None:
    return config.flag(name) if name in config.values else None
