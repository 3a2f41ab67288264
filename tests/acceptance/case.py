"""Acceptance cases as data: what a user commits, what is asked of Envoy, and what must come of it."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeAlias

import jsonschema
import yaml

from reconciler.model.digest import Json

CASES = Path(__file__).parent / "cases"
_SCHEMA = Path(__file__).with_name("case.schema.json")
# Three times faster where libyaml is there.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLACE = re.compile(r"@\{([a-z0-9]+)(?::([^}]+))?\}")

# An exact number, or bounds.
Count: TypeAlias = int | dict[str, int]


@dataclass(frozen=True, slots=True)
class Tls:
    """How a client speaks TLS; without ``sni`` it names no server."""

    sni: str = ""
    client: str = ""
    verify: bool = True
    min: str = ""
    max: str = ""
    alpn: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One request; ``port`` is that of the documents, ``phase`` its turn within the case."""

    path: str = "/"
    method: str = "GET"
    host: str = "acceptance.test"
    headers: dict[str, str | list[str]] = field(default_factory=dict)
    port: int = 8080
    protocol: str = "http1"
    body: bytes = b""
    times: int = 1
    at_once: int = 8
    phase: int = 1
    client: str = ""
    tls: Tls | None = None

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Of its checked data."""
        data = dict(data)
        body = base64.b64decode(data.pop("body_base64", "")) or data.pop("body", "").encode()
        tls = data.pop("tls", None)
        if tls is not None:
            tls = Tls(**tls)
        return cls(**data | {"client": data.pop("from", "")} | {"body": body, "tls": tls})


@dataclass(frozen=True, slots=True)
class Statistic:
    """Shares of many requests; a correct Envoy fails with probability ``1 - confidence`` at most."""

    upstream: dict[str, float] = field(default_factory=dict)
    status: dict[str, float] = field(default_factory=dict)
    seen_by: dict[str, float] = field(default_factory=dict)
    confidence: float = 0.999999


@dataclass(frozen=True, slots=True)
class Expect:
    """What must come of a request; the README tells each key. What is None or empty is not looked at."""

    status: int | None = None
    upstream: str | None = None
    path: str | None = None
    method: str | None = None
    host: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    header_names: tuple[str, ...] = ()
    request_body: str | None = None
    upstream_protocol: str | None = None
    upstream_sni: str | None = None
    upstream_certificate: str | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    absent_response_headers: tuple[str, ...] = ()
    response_header_names: tuple[str, ...] = ()
    body: str | None = None
    location: str | None = None
    protocol: str | None = None
    certificate: str | None = None
    tls_version: str | None = None
    alpn: str | None = None
    grpc_status: str | None = None
    error: str | None = None
    flags: str | None = None
    attempts: Count | None = None
    seen_by: dict[str, Count] = field(default_factory=dict)
    took_at_least_ms: int | None = None
    told: dict[str, Json] = field(default_factory=dict)
    statistic: Statistic | None = None

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Of its checked data."""
        statistic = Statistic(**data["statistic"]) if "statistic" in data else None
        return cls(**{**data, "statistic": statistic})


@dataclass(frozen=True, slots=True)
class Query:
    """A request and what must come of it."""

    request: Request
    expect: Expect


@dataclass(frozen=True, slots=True)
class Admin:
    """What Envoy's admin interface must come to say."""

    path: str
    contains: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    json: Json = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case; see the README."""

    name: str
    title: str
    documents: str
    covers: tuple[str, ...] = ()
    before: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    isolated: bool = False
    queries: tuple[Query, ...] = ()
    admin: tuple[Admin, ...] = ()
    access_log: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Of its checked data."""
        queries = [Query(Request.of(q["request"]), Expect.of(q["expect"])) for q in data.get("queries", ())]
        admin = [Admin(**one) for one in data.get("admin", ())]
        return cls(**{**data, "queries": tuple(queries), "admin": tuple(admin)})


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What a file holds; ``errors`` say what is wrong with it, and then it holds no case."""

    path: Path
    cases: tuple[Case, ...] = ()
    errors: tuple[str, ...] = ()


@cache
def case_files() -> tuple[CaseFile, ...]:
    """All files of cases."""
    return tuple(read(path) for path in sorted(CASES.glob("*.yaml")))


def written_cases() -> Iterator[Case]:
    """The cases of all good files; of cases with one name the first."""
    found: dict[str, Case] = {}
    for file in case_files():
        for case in file.cases:
            found.setdefault(case.name, case)
    yield from found.values()


def read(path: Path) -> CaseFile:
    """The cases of a file, or what is wrong with it."""
    try:
        data = yaml.load(path.read_text(), Loader=_LOADER)  # noqa: S506 - it is a safe one
    except yaml.YAMLError as error:
        return CaseFile(path, errors=(f"{path.name}: not YAML: {error}",))
    validator = jsonschema.Draft202012Validator(json.loads(_SCHEMA.read_text()))
    wrong = sorted(validator.iter_errors(data), key=lambda error: list(map(str, error.absolute_path)))
    errors = tuple(f"{path.name}: {_place(data, list(error.absolute_path))}: {error.message}" for error in wrong)
    return CaseFile(path, errors=errors) if errors else CaseFile(path, tuple(Case.of(one) for one in data))


def _place(data: Any, path: list[str | int]) -> str:
    """Where an error is, beginning with the name of the case."""
    if not path:
        return "the file"
    case = data[path[0]]
    name = case.get("name", path[0]) if isinstance(case, dict) else path[0]
    return ".".join(map(str, (name, *path[1:])))


@dataclass(frozen=True, slots=True)
class Places:
    """What ``@{…}`` stands for.

    Attributes:
        files: the folder of the certificates.
        addresses: ``host:port`` of each peer.
    """

    files: Path
    addresses: dict[str, str]

    def fill(self, text: str, **more: str) -> str:
        """The text with its places filled in; those nobody knows stay.

        Raises:
            KeyError: no peer is called so.
            OSError: no file is called so.
        """

        def put(match: re.Match[str]) -> str:
            what, name = match.group(1), match.group(2)
            if what in more and name is None:
                return more[what]
            match what:
                case "path":
                    return str(self.files / name)
                case "base64":
                    return base64.b64encode((self.files / name).read_bytes()).decode()
                case "address":
                    return self.addresses[name]
            return match.group()

        return _PLACE.sub(put, text) if "@{" in text else text


def said(expect: Expect) -> Iterator[tuple[str, Any]]:
    """The expectations that are written down, by key."""
    for each in fields(expect):
        value = getattr(expect, each.name)
        if value is not None and value not in ({}, (), []):
            yield each.name, value
