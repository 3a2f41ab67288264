"""What the Module has done to every request: compression, gRPC bridges, scripts, buffers, who is served at all."""

import ipaddress
from collections.abc import Mapping
from types import MappingProxyType

from reconciler.model.digest import Json
from reconciler.model.edge import Filters, GrpcStats, Gzip, GzipStrategy, IpRange, IpRules
from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.machine import check_script
from reconciler.resources.mapping.error_replies import read_error_replies

_LEVELS: Mapping[str, int] = MappingProxyType(
    {
        "DEFAULT": 0,
        "DEFAULT_COMPRESSION": 0,
        "SPEED": 1,
        "BEST_SPEED": 1,
        "BEST": 9,
        "BEST_COMPRESSION": 9,
        **{f"COMPRESSION_LEVEL_{level}": level for level in range(1, 10)},
    }
)
_OLD_STRATEGIES: Mapping[str, str] = MappingProxyType({"DEFAULT": "DEFAULT_STRATEGY", "HUFFMAN": "HUFFMAN_ONLY"})
_CIDR = "an address, or a range like 10.0.0.0/8"


def read_filters(config: Fields) -> Filters:
    """The filters of a config."""
    buffer = config.inside("buffer")
    if "max_request_time" in buffer.values:
        buffer.ignored("max_request_time", "Envoy has no such limit any more", hint="set listener_idle_timeout_ms")
    check_script(config, "lua_scripts")
    return Filters(
        grpc_bridge=config.flag("enable_grpc_http11_bridge"),
        grpc_web=config.flag("enable_grpc_web"),
        grpc_stats=_grpc_stats(config),
        lua=config.text("lua_scripts") or "",
        gzip=_gzip(config.inside("gzip")) if "gzip" in config.values else None,
        buffer_bytes=buffer.integer("max_request_bytes"),
        ip_rules=_ip_rules(config),
        errors=read_error_replies(config),
    )


def _gzip(fields: Fields) -> Gzip:
    level, strategy = fields.values.get("compression_level"), fields.text("compression_strategy")
    return Gzip(
        min_content_length=fields.integer("min_content_length"),
        level=_LEVELS[level] if isinstance(level, str) else fields.integer("compression_level"),
        strategy=None if strategy is None else GzipStrategy(_OLD_STRATEGIES.get(strategy, strategy)),
        window_bits=fields.integer("window_bits"),
        memory_level=fields.integer("memory_level"),
        content_types=texts(fields.values.get("content_type")),
        skip_etag=fields.flag("disable_on_etag_header"),
        hide_accept_encoding=fields.flag("remove_accept_encoding_header"),
    )


def _grpc_stats(config: Fields) -> GrpcStats | None:
    if "grpc_stats" not in config.values:
        return None
    fields = config.inside("grpc_stats")
    listed = fields.values.get("services")
    services = [
        (name, texts(service.get("method_names")))
        for service in (listed if isinstance(listed, list) else [])
        if isinstance(service, dict) and isinstance(name := service.get("name"), str)
    ]
    if services and fields.flag("all_methods"):
        fields.ignored("all_methods", "services is stronger", hint="remove one of the two")
    return GrpcStats(fields.flag("all_methods") and not services, tuple(services), fields.flag("upstream_stats"))


def _ip_rules(config: Fields) -> IpRules | None:
    if config.given("ip_allow") and config.given("ip_deny"):
        config.report(Code.FIELDS_CONTRADICT, "ip_allow and ip_deny exclude each other", "ip_deny")
        return None
    for name in ("ip_allow", "ip_deny"):
        given = config.values.get(name)
        if isinstance(given, list):
            ranges = [found for at, one in enumerate(given) if (found := _range(config, name, at, one))]
            if not given:
                expected = "at least one range"
                config.report(Code.INVALID_VALUE, "no range at all is no rule", name, expected=expected, got="[]")
            return IpRules(name == "ip_allow", tuple(sorted(ranges)))
    return None


def _range(config: Fields, name: str, at: int, given: Json) -> IpRange | None:
    pairs = list(given.items()) if isinstance(given, dict) else []
    if len(pairs) != 1:
        message = "a range is either peer or remote"
        config.report(Code.FIELDS_CONTRADICT, message, name, at, expected="peer: or remote:, one per item")
        return None
    ((kind, text),) = pairs
    try:
        network = ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        config.report(Code.INVALID_VALUE, "not an address", name, at, kind, expected=_CIDR, got=shown(text))
        return None
    return IpRange(str(network.network_address), network.prefixlen, kind == "peer")


def texts(value: Json) -> tuple[str, ...]:
    """The strings of a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
