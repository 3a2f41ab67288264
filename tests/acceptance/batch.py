"""Cases compiled each on its own, and put together into few Envoys."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from reconciler.cli.stages import stage_options
from reconciler.compile import NOTHING, Compiled, Options, compile_routes, load_source
from reconciler.envoy import static_bootstrap
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.settings import load
from tests.acceptance.case import Case, Places

_FILE = "documents.yaml"
# Before a peer in ``services``: Envoy has to look its name up.
_BY_NAME = "dns:"
# Where a cluster is named: by references, by itself, and in a list of weighted ones.
_NAMES_A_CLUSTER = frozenset({"cluster", "cluster_name", "collector_cluster", "clusters.name"})


@dataclass(frozen=True, slots=True)
class Port:
    """A port as the documents name it, of either transport."""

    number: int
    udp: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A case that compiled: its part of a bootstrap, and the listener of each of its ports."""

    case: Case
    compiled: Compiled
    bootstrap: dict[str, Any]
    listeners: dict[Port, str]
    access_log: Path


@dataclass(frozen=True, slots=True)
class Failed:
    """A case that does not get as far as an Envoy, and why."""

    case: Case
    why: str


class Addresses(Mapping[str, str]):
    """Where a service is: what the case says, else the peer its first label names, else nobody."""

    def __init__(self, case: Case, places: Places) -> None:
        self._services = case.services
        self._peers = places.addresses

    def __getitem__(self, key: str) -> str:
        host = key.partition(":")[0]
        if key == "*":
            return self._peers["nobody"]
        label = host.partition(".")[0]
        peer = self._services.get(key) or self._services.get(host) or self._services.get(label) or label
        if peer.startswith(_BY_NAME):
            return self._peers[peer.removeprefix(_BY_NAME)].replace("127.0.0.1", "localhost")
        return self._peers[peer]

    def __iter__(self) -> Iterator[str]:
        yield from (*self._services, *self._peers, "*")

    def __len__(self) -> int:
        return len(self._services) + len(self._peers) + 1


def compiled(case: Case, places: Places, folder: Path) -> Ready | Failed:
    """One case as the product compiles it."""
    try:
        options = _options(case, places, folder)
        before = _compile(places.fill(case.before), options, NOTHING) if case.before else NOTHING
        if before.problems:
            return Failed(case, "what was served before has problems:\n" + _worded(before))
        found = _compile(places.fill(case.documents, case=case.name), options, before)
    except Exception as error:  # noqa: BLE001 - one case must not take down the others
        return Failed(case, f"{type(error).__name__}: {error}")
    codes = sorted(problem.code.value for problem in found.problems)
    if codes != sorted(case.problems):
        return Failed(case, f"expected the problems {sorted(case.problems)}, got {codes}:\n{_worded(found)}")
    bootstrap = json.loads(static_bootstrap(found.snapshot, options.render))
    access_log = Path(options.render.access_log_path)
    return Ready(case, found, _own(case.name, bootstrap), _listeners(case.name, found, bootstrap), access_log)


def _options(case: Case, places: Places, folder: Path) -> Options:
    """What the settings of a case mean, in this place."""
    written = folder / f"{case.name}.settings.yaml"
    written.write_text(yaml.safe_dump(case.settings))
    options = stage_options(load({}, {}, written))
    # Whatever its format, it is written; where no case reads it, to nowhere.
    access_log = str(folder / f"{case.name}.access.log") if case.access_log else "/dev/null"
    render = replace(
        options.render,
        service_addresses=Addresses(case, places),
        upstream_ca_file=str(places.files / "ca.crt"),
        secrets_path=str(places.files / "secrets"),
        access_log_path=access_log,
    )
    access = options.limits.machine
    files = str(places.files)
    machine = replace(access, tls_files=(*access.tls_files, files), body_files=(*access.body_files, files))
    return replace(options, render=render, limits=replace(options.limits, machine=machine))


def _compile(text: str, options: Options, before: Compiled) -> Compiled:
    source = SourceSnapshot(None, None, (SourceFile(_FILE, "", text.encode()),))
    return compile_routes(source, load_source(source, options), options, before.resources)


def _worded(found: Compiled) -> str:
    return "\n".join(map(str, found.problems)) or "no problems"


def _own(case: str, bootstrap: dict[str, Any]) -> dict[str, Any]:
    """The bootstrap with listeners, clusters and route configurations under names of this case, on free ports."""
    resources = bootstrap.setdefault("static_resources", {})
    clusters = {cluster["name"] for cluster in resources.get("clusters", ())}
    renamed: dict[str, Any] = _renamed(bootstrap, clusters, f"{case}/")
    for listener in renamed["static_resources"].get("listeners", ()):
        listener["name"] = f"{case}/{listener['name']}"
        for address in (listener["address"], *(one["address"] for one in listener.get("additional_addresses", ()))):
            address["socket_address"] |= {"address": "127.0.0.1", "port_value": 0}
        for manager in _managers(listener):
            manager["access_log"] = [*manager.get("access_log", ()), _query_log()]
    return renamed


def _renamed(value: Any, clusters: set[str], prefix: str, key: str = "") -> Any:
    """The value with a prefix before every cluster it names."""
    match value:
        case dict():
            return {k: _renamed(v, clusters, prefix, f"{key}.{k}" if k == "name" else k) for k, v in value.items()}
        case list():
            return [_renamed(item, clusters, prefix, key) for item in value]
        case str() if value in clusters and key in _NAMES_A_CLUSTER:
            return f"{prefix}{value}"
    return value


def _managers(listener: dict[str, Any]) -> Iterator[dict[str, Any]]:
    chains = [*listener.get("filter_chains", ()), *filter(None, [listener.get("default_filter_chain")])]
    for chain in chains:
        for each in chain.get("filters", ()):
            if each["typed_config"]["@type"].endswith(".HttpConnectionManager"):
                yield each["typed_config"]


def _query_log() -> dict[str, Any]:
    """A line for every request that reached Envoy: how it ended."""
    line = {"query": "%REQ(X-QUERY)%", "flags": "%RESPONSE_FLAGS%", "details": "%RESPONSE_CODE_DETAILS%"}
    logger = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
    config = {"@type": logger, "path": QUERY_LOG, "log_format": {"json_format": line}}
    return {"name": "envoy.access_loggers.file", "typed_config": config}


# Stands for the file of the Envoy that a case comes into.
QUERY_LOG = "@query-log@"


def _listeners(case: str, found: Compiled, bootstrap: dict[str, Any]) -> dict[Port, str]:
    named: dict[Port, str] = {}
    for listener in bootstrap["static_resources"].get("listeners", ()):
        socket = listener["address"]["socket_address"]
        named.setdefault(Port(socket["port_value"], socket.get("protocol") == "UDP"), f"{case}/{listener['name']}")
    return named


@dataclass(slots=True)
class Batch:
    """Cases that share an Envoy, since outside listeners, clusters and secrets they say the same."""

    cases: list[Ready] = field(default_factory=list)

    def bootstrap(self, query_log: Path) -> bytes:
        """The configuration of that Envoy."""
        whole: dict[str, Any] = json.loads(json.dumps(self.cases[0].bootstrap))
        for case in self.cases[1:]:
            for kind, resources in case.bootstrap["static_resources"].items():
                of_all = whole["static_resources"].setdefault(kind, [])
                of_all.extend(one for one in resources if kind != "secrets" or one not in of_all)
        return json.dumps(whole).replace(QUERY_LOG, str(query_log)).encode()


def batches(ready: Sequence[Ready]) -> list[Batch]:
    """As few Envoys as will do."""
    found: dict[str, Batch] = {}
    for one in ready:
        around = {key: value for key, value in one.bootstrap.items() if key != "static_resources"}
        key = one.case.name if one.case.isolated else json.dumps(around, sort_keys=True)
        found.setdefault(key, Batch()).cases.append(one)
    return list(found.values())
