"""One run: peers up, cases compiled, Envoys up, all requests out, everything noted; nothing is judged before that."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from reconciler.apply.envoy_binary import EnvoyProcess, validate
from reconciler.model.errors import Stalled
from tests.acceptance import peers, special
from tests.acceptance.batch import Batch, Failed, Port, Ready, batches, compiled
from tests.acceptance.case import Admin, Case, Places, Query
from tests.acceptance.certificates import issue
from tests.acceptance.clients import CLIENTS, Answer, Call
from tests.acceptance.judge import access_log_complaints, admin_complaints
from tests.acceptance.result import Asked, Result, Run
from tests.support.envoys import envoy_path

_PATIENCE_S = 20.0
_POLL_S = 0.05
_AT_ONCE = 64  # queries under way at once
# Envoy has nothing to do for anybody once these are 0.
_UNDER_WAY = "^(http|cluster|tcp)\\..*(downstream_rq_active|upstream_rq_active|upstream_rq_pending_active)$"


def run(cases: Sequence[Case], folder: Path) -> Run:
    """Runs cases with distinct names; logs, configurations and certificates are left in ``folder``."""
    return asyncio.run(_run(cases, folder))


async def _run(cases: Sequence[Case], folder: Path) -> Run:
    done = Run(results={case.name: Result(case) for case in cases})
    certificates = folder / "certificates"
    issue(certificates)
    async with AsyncExitStack() as stack:
        servers = stack.enter_context(special.serving())
        addresses = await stack.enter_async_context(peers.serving(done.board, certificates))
        places = Places(certificates, addresses | {name: server.address for name, server in servers.items()})
        (folder / "cases").mkdir()
        ready = _compiled(cases, places, folder / "cases", done)
        for number, batch in enumerate(batches(ready)):
            home = folder / f"envoy-{number}"
            envoy = await asyncio.to_thread(_started, batch, home, done)
            if envoy is not None:
                stack.callback(envoy.stop)
                await _serve(_Serving(envoy, batch, home, certificates), done)
        done.told = {name: list(server.seen) for name, server in servers.items()}
    return done


def _compiled(cases: Sequence[Case], places: Places, folder: Path, done: Run) -> list[Ready]:
    ready: list[Ready] = []
    for case in cases:
        match compiled(case, places, folder):
            case Ready() as one:
                ready.append(one)
            case Failed(why=why):
                done.results[case.name].why_not = why
    return ready


def _started(batch: Batch, home: Path, done: Run) -> EnvoyProcess | None:
    """An Envoy with all cases of a batch but those it refuses, which are told so."""
    home.mkdir()
    while batch.cases:
        envoy = EnvoyProcess(
            envoy_path(), batch.bootstrap(home / "queries.log"), home, options=("--log-level", "warning")
        )
        try:
            envoy.start()
        except Stalled as refused:
            guilty = _guilty(batch.cases, home)
            if not guilty:
                for one in batch.cases:
                    done.results[one.case.name].why_not = f"Envoy refuses the cases together, but none alone: {refused}"
                return None
            for one, why in guilty:
                done.results[one.case.name].why_not = f"Envoy refuses it: {why}"
                batch.cases.remove(one)
        else:
            return envoy
    return None


def _guilty(cases: list[Ready], home: Path) -> list[tuple[Ready, str]]:
    """Those cases that Envoy refuses by themselves, found by halving."""
    why = validate(envoy_path(), Batch(cases).bootstrap(home / "queries.log"))
    if why is None:
        return []
    if len(cases) == 1:
        return [(cases[0], why)]
    middle = len(cases) // 2
    return _guilty(cases[:middle], home) + _guilty(cases[middle:], home)


@dataclass(frozen=True, slots=True)
class _Serving:
    """A batch in its Envoy."""

    envoy: EnvoyProcess
    batch: Batch
    home: Path
    certificates: Path

    def ports(self) -> dict[str, int]:
        """Where each listener is bound."""
        listed = json.loads(self.envoy.admin("/listeners?format=json")).get("listener_statuses", [])
        return {one["name"]: int(one["local_address"]["socket_address"]["port_value"]) for one in listed}


async def _serve(serving: _Serving, done: Run) -> None:
    """Asks everything of one Envoy, and waits until all of it is over."""
    ports = await asyncio.to_thread(serving.ports)
    limit = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(
        *(_ask_all(one, serving, ports, limit, done.results[one.case.name]) for one in serving.batch.cases)
    )
    await asyncio.to_thread(_gather, serving, done)


async def _ask_all(
    ready: Ready, serving: _Serving, ports: dict[str, int], limit: asyncio.Semaphore, result: Result
) -> None:
    """All queries of a case, phase by phase."""
    result.asked = [[] for _ in ready.case.queries]

    async def ask(number: int, query: Query) -> None:
        request = query.request
        listener = ready.listeners.get(Port(request.port, udp=request.protocol == "http3"), "")
        ids = [f"{ready.case.name}.{number}.{sending}" for sending in range(request.times)]
        if listener not in ports:
            known = sorted(port.number for port in ready.listeners)
            answers = [Answer(error=f"NoListener: none on port {request.port}, only on {known}") for _ in ids]
        else:
            calls = [Call(one, request, ports[listener], serving.certificates) for one in ids]
            async with limit:
                answers = await CLIENTS[request.protocol](calls)
        result.asked[number] = [Asked(one, answer) for one, answer in zip(ids, answers, strict=True)]

    numbered = sorted(enumerate(ready.case.queries), key=lambda pair: pair[1].request.phase)
    for _, phase in groupby(numbered, key=lambda pair: pair[1].request.phase):
        await asyncio.gather(*(ask(number, query) for number, query in phase))


def _gather(serving: _Serving, done: Run) -> None:
    """What Envoy and the access logs say, once nothing is under way."""
    _until(lambda: not _under_way(serving.envoy))
    logged = serving.home / "queries.log"
    asked = {one.id for ready in serving.batch.cases for sent in done.results[ready.case.name].asked for one in sent}
    for one in serving.batch.cases:
        _gather_of_case(one, serving.envoy, done.results[one.case.name])
    _until(lambda: not _unlogged(serving, done, _flags(logged)))
    for query, flags in _flags(logged).items():
        if query in asked:
            done.flags[query] = flags
    done.deprecated += _deprecated(serving)


def _gather_of_case(ready: Ready, envoy: EnvoyProcess, result: Result) -> None:
    case = ready.case
    result.admin = [_admin(wanted, envoy, case) for wanted in case.admin]
    if case.access_log:
        _until(lambda: not access_log_complaints(case, _text(ready.access_log)))
        result.access_log = _text(ready.access_log)


def _admin(wanted: Admin, envoy: EnvoyProcess, case: Case) -> str:
    """What the admin interface says, as soon as it is what is wanted."""
    path = wanted.path.replace("@{case}", case.name)
    _until(lambda: not admin_complaints(wanted, envoy.admin(path), case))
    return envoy.admin(path)


def _under_way(envoy: EnvoyProcess) -> list[str]:
    stats = envoy.admin(f"/stats?filter={_UNDER_WAY}&usedonly")
    return [line for line in stats.splitlines() if not line.endswith(": 0") and not line.startswith("http.admin.")]


def _unlogged(serving: _Serving, done: Run, flags: dict[str, list[str]]) -> bool:
    """Whether a request whose flags a case looks at is not in the log yet."""
    return any(
        one.id not in flags
        for ready in serving.batch.cases
        for query, asked in zip(ready.case.queries, done.results[ready.case.name].asked, strict=True)
        if query.expect.flags is not None
        for one in asked
    )


def _flags(log: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _text(log).splitlines():
        entry = json.loads(line)
        found.setdefault(entry["query"] or "", []).append(entry["flags"])
    return found


def _deprecated(serving: _Serving) -> list[str]:
    """What Envoy finds deprecated, in its log and its statistics."""
    log = serving.envoy.log_path.read_text(errors="replace").splitlines()
    stats = serving.envoy.admin("/stats?filter=deprecated").splitlines()
    used = [line for line in stats if not line.endswith(": 0")]
    return [line for line in log if "deprecat" in line.lower()] + used


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _until(holds: Callable[[], bool]) -> None:
    """Waits until it holds; if it never does, the judge says so."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
