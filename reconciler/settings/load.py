"""Reads the settings from flags, ``RECONCILER_*`` variables and a YAML file, and remembers where each came from."""

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from reconciler.model.digest import Digest, Json, digest_json
from reconciler.model.errors import Stalled
from reconciler.settings.parse import duration, retention
from reconciler.settings.settings import Secret, Settings, Spec, specs

PREFIX = "RECONCILER_"
_DAY = 86_400

# In front of the host of http(s) stands a token or a password; of ssh, a user name that is no secret.
_CREDENTIALS = re.compile(r"(?<=http)://[^/?#]*@|(?<=https)://[^/?#]*@")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective settings and, by name, where each value came from (``default`` where nothing was said)."""

    settings: Settings
    origins: Mapping[str, str]

    def shown(self) -> dict[str, Json]:
        """Every setting as people may see it: secrets redacted."""
        return {name: shown_value(getattr(self.settings, name)) for name in self.origins} | {"repo": self.repository}

    def typed(self) -> dict[str, str]:
        """Every setting as one would type it; empty where there is none."""
        return {name: _typed(specs()[name], value) for name, value in self.shown().items()}

    @property
    def repository(self) -> str:
        """The repository without credentials that somebody may have written into its URL."""
        return _CREDENTIALS.sub("://[redacted]@", self.settings.repo)

    @property
    def digest(self) -> Digest:
        """Digest of what is shown: tells two configurations apart without holding a secret."""
        return digest_json(self.shown())


def load(flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None) -> Loaded:
    """The settings: ``flags`` over ``environment`` over ``file`` over default.

    Args:
        flags: by setting name; None and the empty tuple mean not given. Values are texts as typed.
        environment: all variables of the process; only ``RECONCILER_*`` are looked at.
        file: a YAML mapping of setting names to values.

    Raises:
        Stalled: ``InvalidSettings``, naming the place, what was expected and what was found.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(specs(), "default")
    layers = (_from_file(file), _from_environment(environment), _from_flags(flags))
    for layer in layers:
        for name, (place, texts) in layer.items():
            values[name] = _parse(name, specs()[name], place, texts)
            origins[name] = place
    return Loaded(dataclasses.replace(Settings(), **values), origins)


_Layer: TypeAlias = dict[str, tuple[str, Sequence[str]]]


def _from_flags(flags: Mapping[str, object]) -> _Layer:
    layer: _Layer = {}
    for name, value in flags.items():
        if value is None or value == ():
            continue
        texts = [str(v) for v in value] if isinstance(value, tuple) else [str(value)]
        layer[name] = (f"flag --{name.replace('_', '-')}", texts)
    return layer


def _from_environment(environment: Mapping[str, str]) -> _Layer:
    layer: _Layer = {}
    for name, spec in specs().items():
        variable = PREFIX + name.upper()
        if variable in environment:
            text = environment[variable]
            layer[name] = (f"variable {variable}", text.split(",") if spec.many else [text])
    return layer


def _from_file(file: Path | None) -> _Layer:
    if file is None:
        return {}
    try:
        content = yaml.safe_load(file.read_text())
    except OSError as error:
        raise Stalled("InvalidSettings", f"{file}: {error.strerror}", "name a readable file with --config") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Stalled("InvalidSettings", f"{file}: not YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise Stalled("InvalidSettings", f"{file}: expected a mapping of settings, got {type(content).__name__}")
    return {_known(str(key), file): (f"file {file}", _texts(value)) for key, value in content.items()}


def _known(name: str, file: Path) -> str:
    if name in specs():
        return name
    near = difflib.get_close_matches(name, specs(), n=1)
    hint = f"did you mean {near[0]}?" if near else "`reconciler config` lists the settings"
    raise Stalled("InvalidSettings", f"{file}: no setting is called {name!r}", hint)


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    if isinstance(value, dict):
        return [f"{key}={item}" for key, item in value.items()]
    return ["" if value is None else str(value)]


def _parse(name: str, spec: Spec, place: str, texts: Sequence[str]) -> object:
    if len(texts) != 1 and not spec.many:
        raise Stalled("InvalidSettings", f"{place}: {name}: expected one value, got {len(texts)}", spec.help)
    try:
        values = tuple(spec.parse(text) for text in texts)
    except ValueError as error:
        said = "a secret that can't be used" if spec.secret else str(error)
        raise Stalled("InvalidSettings", f"{place}: {name}: {said}", f"it sets: {spec.help}") from error
    return values if spec.many else values[0]


def _typed(spec: Spec, value: Json) -> str:
    match value:
        case None | "[none]":
            return ""
        case bool():
            return str(value).lower()
        case list():
            return " ".join(map(str, value))
        case float() if spec.parse is retention and not value % _DAY:
            return f"{value / _DAY:.0f}d" if value else "0"
        case float() if spec.parse in (duration, retention):
            return f"{value:g}s"
    return str(value)


def shown_value(value: object) -> Json:
    """A value as people may see it."""
    match value:
        case Secret() | Path():
            return str(value)
        case tuple():
            return ["=".join(item) if isinstance(item, tuple) else str(item) for item in value]
        case None | bool() | int() | float() | str():
            return value
    return str(value)
