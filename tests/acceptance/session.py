"""One run: peers up, cases compiled, Envoys up, all requests out, everything noted; nothing is judged before that."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from reconciler.apply.envoy_binary import EnvoyProcess, validate
from reconciler.model.errors import Stalled
from tests.acceptance import peers, special
from tests.acceptance.aftermath import Aftermath
from tests.acceptance.batch import Batch, Failed, Port, Ready, batches, compiled
from tests.acceptance.case import Case, Places, Query
from tests.acceptance.certificates import issue
from tests.acceptance.clients import CLIENTS, Answer, Call
from tests.acceptance.result import Asked, Result, Run
from tests.acceptance.special import Special
from tests.support.envoys import envoy_path

QUERIES = "queries.log"
_AT_ONCE = 64  # queries under way at once


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
                await _serve(_Serving(envoy, batch, home, certificates, servers), done)
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
        envoy = EnvoyProcess(envoy_path(), batch.bootstrap(home / QUERIES), home, options=("--log-level", "warning"))
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
    why = validate(envoy_path(), Batch(cases).bootstrap(home / QUERIES))
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
    servers: Mapping[str, Special]

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
    aftermath = Aftermath(serving.envoy, serving.batch.cases, serving.home / QUERIES, serving.servers, done)
    await asyncio.to_thread(aftermath.gather)


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
