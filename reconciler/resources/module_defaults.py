"""What the Module says for all Mappings that do not say otherwise."""

from reconciler.model.module import MappingDefaults
from reconciler.model.policy import RoutePolicy
from reconciler.model.upstream import Upstream
from reconciler.resources.fields import Fields


def read_defaults(config: Fields) -> MappingDefaults:
    """The defaults of a config."""
    return MappingDefaults(
        timeout_ms=config.integer("cluster_request_timeout_ms"),
        resolver=config.text("resolver") or "",
        policy=RoutePolicy(
            linkerd=config.values["add_linkerd_headers"] is True if "add_linkerd_headers" in config.values else None
        ),
        upstream=Upstream(
            idle_timeout_ms=config.integer("cluster_idle_timeout_ms"),
            max_connection_ms=config.integer("cluster_max_connection_lifetime_ms"),
        ),
        ipv4=_said(config, "enable_ipv4"),
        ipv6=_said(config, "enable_ipv6"),
        label_domain=config.text("default_label_domain") or "",
    )


def _said(config: Fields, name: str) -> bool | None:
    return config.flag(name) if name in config.values else None
