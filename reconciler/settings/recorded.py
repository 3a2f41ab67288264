"""Settings as a record of the journal has them, read back: to render again what another process has rendered."""

import dataclasses
from collections.abc import Mapping
from decimal import Decimal

from reconciler.model.digest import Json
from reconciler.model.errors import Stalled
from reconciler.settings.load import Loaded, shown_value
from reconciler.settings.parse import boolean, duration, retention
from reconciler.settings.settings import Settings, Spec, specs

_REASON = "UnknownSettings"
_WHERE = "the journal"


def recorded(shown: Mapping[str, Json]) -> Loaded:
    """The settings that `Loaded.shown` gave; secrets, which it does not give, are as by default.

    What is not among them is as by default, too: an older program had no such setting.

    Raises:
        Stalled: one of them is none of this program's, or has a value that this program does not take.
    """
    values: dict[str, object] = {}
    for name, value in shown.items():
        spec = specs().get(name)
        if spec is None:
            raise Stalled(_REASON, f"this program has no setting {name}, which was in force then", _HINT)
        if spec.secret or value == shown_value(getattr(Settings(), name)):
            continue
        try:
            values[name] = _parsed(spec, value)
        except (ValueError, ArithmeticError) as error:
            raise Stalled(
                _REASON, f"this program does not take what setting {name} was then: {error}", _HINT
            ) from error
    origins = {name: _WHERE if name in shown else "default" for name in specs()}
    return Loaded(dataclasses.replace(Settings(), **values), origins)  # type: ignore[arg-type] # each field's own parser made it


def as_recorded(settings: Loaded) -> dict[str, Json]:
    """What `Loaded.shown` gives, as a record can hold it: without fractions. `recorded` reads it, too."""
    return {name: _whole(specs()[name], value) for name, value in settings.shown().items()}


def _whole(spec: Spec, value: Json) -> Json:
    if not isinstance(value, float):
        return value
    return f"{Decimal(repr(value)):f}" + ("s" if spec.parse in (duration, retention) else "")


_HINT = "Use the version of the program that `reconciler audit at` names."


def _parsed(spec: Spec, value: Json) -> object:
    if spec.many:
        return tuple(spec.parse(str(one)) for one in (value if isinstance(value, list) else [value]))
    if spec.parse in (duration, retention) and isinstance(value, int | float):
        return spec.parse(f"{Decimal(repr(value)):f}s")
    if spec.parse is boolean:
        return spec.parse(str(value).lower())
    return spec.parse("" if value is None else str(value))
