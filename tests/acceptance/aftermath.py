"""What there is to read once all requests are answered: logs, statistics, and what special servers were told."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.apply.envoy_process import EnvoyProcess
from tests.acceptance.batch import Ready
from tests.acceptance.case import Admin, Case, Query
from tests.acceptance.judge import access_log_complaints, admin_complaints, told_complaints
from tests.acceptance.result import Asked, Result, Run
from tests.acceptance.special import Special

_PATIENCE_S = 10.0
_POLL_S = 0.1
# A request that waits for a connection, and one that is not answered yet.
_WAITING = "(upstream_rq_pending_active|downstream_rq_active)$"


@dataclass(slots=True)
class Aftermath:
    """One Envoy, its cases, and what came of them.

    Attributes:
        query_log: the file that has a line for every request.
        servers: those that are no upstreams.
        done: what is filled in.
    """

    envoy: EnvoyProcess
    cases: list[Ready]
    query_log: Path
    servers: Mapping[str, Special]
    done: Run
    _pages: dict[str, str] = field(default_factory=dict)

    def gather(self) -> None:
        """Reads everything, as soon as it is what the cases wait for; if it never is, the judge says so."""
        _until(lambda: not self._under_way())
        waited = [check for ready in self.cases for check in self._checks(ready)]

        def all_hold() -> bool:
            self._pages.clear()
            self._read()
            waited[:] = [check for check in waited if not check()]
            return not waited

        _until(all_hold)
        self.done.deprecated += self._deprecated()

    def _read(self) -> None:
        """What lies in files and in other servers."""
        for line in _text(self.query_log).splitlines():
            entry = json.loads(line)
            self.done.flags.setdefault(entry["query"] or "", set()).add(entry["flags"])
        for name, server in self.servers.items():
            self.done.told[name] = list(server.seen)

    def _checks(self, ready: Ready) -> list[Callable[[], bool]]:
        """What a case waits for: each reads it, and says whether it is as wanted."""
        case, result = ready.case, self.done.results[ready.case.name]
        result.admin = [""] * len(case.admin)
        checks = [self._admin_check(case, result, number, wanted) for number, wanted in enumerate(case.admin)]
        if case.access_log:
            checks.append(lambda: _access_log(ready, result))
        for query, asked in zip(case.queries, result.asked, strict=True):
            checks += [self._query_check(query, one) for one in asked if query.expect.told or query.expect.flags]
        return checks

    def _admin_check(self, case: Case, result: Result, number: int, wanted: Admin) -> Callable[[], bool]:
        path = wanted.path.replace("@{case}", case.name)

        def check() -> bool:
            if path not in self._pages:
                self._pages[path] = self.envoy.admin(path)
            result.admin[number] = self._pages[path]
            return not admin_complaints(wanted, result.admin[number], case)

        return check

    def _query_check(self, query: Query, asked: Asked) -> Callable[[], bool]:
        def check() -> bool:
            logged = asked.id in self.done.flags or query.expect.flags is None
            return logged and not list(told_complaints(self.done, asked, query.expect.told))

        return check

    def _under_way(self) -> bool:
        """Whether an upstream still has a request; streams to other servers stay open."""
        others = {server.address for server in self.servers.values()}
        for line in self.envoy.admin("/clusters").splitlines():
            parts = line.split("::")
            if parts[-2:-1] == ["rq_active"] and parts[-1] != "0" and parts[-3] not in others:
                return True
        waiting = self.envoy.admin(f"/stats?filter={_WAITING}&usedonly").splitlines()
        return any(not line.endswith(": 0") for line in waiting if not line.startswith("http.admin."))

    def _deprecated(self) -> list[str]:
        """What Envoy finds deprecated, in its log and its statistics."""
        log = self.envoy.log_path.read_text(errors="replace").splitlines()
        told = [line for line in log if "deprecat" in line.lower()]
        stats = self.envoy.admin("/stats?filter=deprecated").splitlines()
        return told + [line for line in stats if int(line.rpartition(": ")[2])]


def _access_log(ready: Ready, result: Result) -> bool:
    result.access_log = _text(ready.access_log)
    return not access_log_complaints(ready.case, result.access_log)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
