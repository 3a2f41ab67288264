"""Settings of the Module ``ambassador`` that nothing here acts on, each with why: none is dropped in silence."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from reconciler.model.digest import Json
from reconciler.resources.fields import Fields

_Harmless: TypeAlias = Callable[[Json], bool]


def _never(_value: Json) -> bool:
    return False


def _off(value: Json) -> bool:
    return value is False or (isinstance(value, dict) and value.get("enabled") is False)


# Field → why it has no effect, what to do instead, and for which values there is nothing to say.
_IGNORED: Mapping[str, tuple[str, str, _Harmless]] = MappingProxyType({
    "admin_port": ("the admin interface is a matter of Envoy's bootstrap", "set it there", _never),
    "auth_enabled": ("no current version reads it", "remove it", _never),
    "debug_mode": ("it is about the other implementation itself", "remove it", _off),
    "diag_port": ("there is no diagnostics page", "ask `reconciler route` and `reconciler render`", _never),
    "diagnostics": ("there is no diagnostics page", "ask `reconciler route`, or say enabled: false", _off),
    "envoy_validation_timeout": ("the check before applying has a limit of its own", "remove it", _never),
    "header_case_overrides": (
        "Envoy has no rule for single names any more, and names of headers mean the same in any case",
        "set proper_case if clients need capitals", lambda value: not value,
    ),
    "prune_unreachable_routes": (
        "routes that no Host serves are always left out", "remove it", lambda value: value is True,
    ),
    "regex_max_size": ("the limit is that of Envoy's runtime", "remove it", _never),
    "regex_type": ("all patterns are RE2", "remove it", lambda value: value == "safe"),
    "runtime_flags": (
        "Envoy reads its runtime when it starts, and over xDS it has that of its bootstrap",
        "write them into layered_runtime of the bootstrap", lambda value: not value,
    ),
    "statsd": ("where Envoy sends statistics is a matter of its bootstrap", "write stats_sinks there", _off),
})  # fmt: skip


def report_ignored(config: Fields) -> None:
    """Warn of every such setting."""
    for name in sorted(_IGNORED.keys() & config.values.keys()):
        why, hint, harmless = _IGNORED[name]
        if not harmless(config.values[name]):
            config.ignored(name, why, hint=hint)
