"""Ten commits by three people, and what else an audit asks about: what guide and tests of the audit stand on.

Real git, a real Envoy over xDS, a real journal; where there is a Kubernetes API server, a real annotation, too. Only
the clock is moved, so that there is a Saturday night in it.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from reconciler.model.decision import Decision
from reconciler.model.outcome import Outcome
from tests.support.http import get
from tests.support.kubernetes import ApiServer, Document
from tests.support.pages_world import ANN, BOB, CHLOE, LARGE_PATTERN, World, commit_at, git, mapping, people, world
from tests.support.ports import reserve_port
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

ROUTES = Path(__file__).parents[2] / "routes"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SINCE, UNTIL = "2026-03-01", "2026-04-01"
_SHOP = {"host": "shop.example.com"}
_LEAD = timedelta(seconds=4)
_TIME = re.compile(r"^\[([^\]]+)\]")


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of that March."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@dataclass(slots=True)
class Scenario:
    """What was done, by name.

    Attributes:
        commits: ids of commits.
        entries: numbers of entries of the journal.
        outcomes: what the reconciles came to.
        plan: digest of the plan that was refused, and then allowed.
        url: of the pages, as long as they are served.
        settings: where requests come in and where services are.
        annotated: the object of the cluster; None where there is no API server here.
    """

    root: Path
    commits: dict[str, str] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    plan: str = ""
    url: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    annotated: Document | None = None

    @property
    def repository(self) -> Path:
        """The work tree."""
        return self.root / "repository"

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.root / "state"

    @property
    def backup(self) -> Path:
        """The state directory as it was after the first week."""
        return self.root / "backup"

    @property
    def log(self) -> Path:
        """The access log of Envoy, in the time of the clock that was moved."""
        return self.root / "access.log"

    @property
    def files(self) -> Path:
        """What the second target holds."""
        return self.root / "files"

    def see(self, w: World, name: str, expected: Decision) -> None:
        """One reconcile, which must come to this."""
        outcome = w.reconcile()
        found = f"{outcome.decision} {outcome.reason} {outcome.message} {outcome.problems}"
        assert outcome.decision is expected, f"{name}: {found}"
        assert outcome.sequence, f"{name} left no entry"
        self.outcomes[name], self.entries[name] = outcome, outcome.sequence

    def commit(
        self, w: World, name: str, at: datetime, author: str, subject: str, *how: str, to: Decision = Decision.APPLIED
    ) -> None:
        """Commits all there is, and lets the controller see it some seconds later."""
        self.commits[name] = commit_at(self.repository, at - _LEAD, subject, author, *how)
        self._look(w, name, at, to)

    def _look(self, w: World, name: str, at: datetime, to: Decision = Decision.APPLIED) -> None:
        w.clock.ahead = at - datetime.now(UTC)
        self.see(w, name, to)

    def edit(self, file: str, *changes: tuple[str, str]) -> None:
        """Changes a file of the work tree."""
        path = self.repository / file
        text = path.read_text()
        for old, new in changes:
            assert old in text, f"{file}: {old}"
            text = text.replace(old, new, 1)
        path.write_text(text)

    def ask(self, w: World, *paths: str) -> None:
        """Requests to Envoy, each path once; what it logs of them goes to `log`."""
        port = int(str(w.flags["listen"]).rpartition(":")[2])
        for path in paths:
            get(port, path, headers=_SHOP)
        wanted = [f'"GET {path} ' for path in paths]
        theirs = w.envoy.access_log_path

        def lines() -> list[str]:
            return [line for line in theirs.read_text().splitlines() if any(words in line for words in wanted)]

        eventually(lambda: len(lines()) == len(paths), what="lines of the log")
        with self.log.open("a") as log:
            log.writelines(_TIME.sub(partial(_moved, w.clock.ahead), line) + "\n" for line in lines())


def _moved(ahead: timedelta, found: re.Match[str]) -> str:
    time = datetime.fromisoformat(found[1]) + ahead
    return f"[{time.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}]"


@contextmanager
def scenario(root: Path, api: ApiServer | None = None, namespace: str = "") -> Iterator[Scenario]:
    """All of it; the pages are served until it is left.

    Args:
        root: where everything is.
        api: where the annotation is; without one there is none.
        namespace: of the annotation.
    """
    s = Scenario(root)
    shutil.copytree(ROUTES, s.repository)
    git(s.repository, "init", "--quiet", "--initial-branch=main")
    with Upstream("all") as upstream, ExitStack() as stack:
        # One port throughout: another would be part of the plan, and its digest.
        s.settings = {"service_address": (f"*={upstream.address}",), "listen": f"127.0.0.1:{reserve_port()}"}
        with _at_work(s, MONDAY) as w:
            _first_week(s, w)
        shutil.copytree(s.state, s.backup)
        with _at_work(s, moment(9, 10), allow_plan=s.plan, ack_timeout="3s") as w:
            _second_week(s, w)
        with _at_work(s, moment(12, 8), target=("xds", f"files:{s.files}")) as w:
            _by_hand(s, w)
        cluster = _cluster(s, api, namespace) if api else {}
        # Today, which is when the API server says that something was written.
        w = stack.enter_context(_at_work(s, datetime.now(UTC), **cluster))
        w.reconcile()  # what is served by now is read from the journal
        if api:
            _annotate(s, w, api, namespace)
        s.url = w.pages.url
        yield s


def _at_work(s: Scenario, since: datetime, **settings: object) -> AbstractContextManager[World]:
    """A controller that begins its work at a time."""
    return world(s.root, datetime.now(UTC) - since, access_log="/dev/stdout", **s.settings, **settings)


def _first_week(s: Scenario, w: World) -> None:
    s.commit(w, "start", MONDAY, ANN, "Serve what the sample routes say")
    s.edit("shop/catalog.yaml", ("service: catalog:8080", "service: catalog:8080\n  timeout_ms: 10000"))
    s.commit(w, "squashed", moment(3, 10, 15), BOB, "Give the catalog ten seconds (#12)")
    s.ask(w, "/catalog/1", "/hello/world")
    _merge(s, w)
    s.edit("hello.yaml", ("/hello/", "/greetings/"))
    reviewed = ("--trailer", f"Reviewed-by: {BOB}", "--trailer", f"Reviewed-by: {CHLOE}")
    s.commit(w, "reviewed", moment(5, 11), ANN, "Greet at /greetings/", *reviewed)
    s.ask(w, "/greetings/world")
    s.edit("shop/catalog.yaml", ("service: catalog:8080", "service: catalog-v2:8080"))
    s.commit(w, "signed", moment(6, 16), CHLOE, "The catalog moves to its second version", *_signing(s.root))
    s.edit("shop/catalog.yaml", ("timeout_ms: 10000", "timeout_ms: 2000"))
    s.commit(w, "at night", moment(7, 23, 40), BOB, "Hotfix: no request may hang")
    s.ask(w, "/catalog/2", "/nothing")
    for file in ("httpbin.yaml", "my-service.yaml", "models/tfserving.yaml", "shop/moved.yaml"):
        (s.repository / file).unlink()
    s.commit(w, "refused", moment(9, 9, 30), ANN, "Retire what nobody uses", to=Decision.REFUSED)
    plan = s.outcomes["refused"].plan
    assert plan is not None
    s.plan = plan.digest


def _merge(s: Scenario, w: World) -> None:
    """A pull request of one, merged by another."""
    at = moment(4, 14, 30)
    git(s.repository, "checkout", "--quiet", "-b", "canary")
    s.edit("shop/checkout.yaml", ("weight: 10", "weight: 25"))
    s.commits["in the branch"] = commit_at(s.repository, at - timedelta(hours=5), "A quarter of checkout is new", CHLOE)
    git(s.repository, "checkout", "--quiet", "main")
    words = "Merge pull request #13 from chloe/canary"
    git(s.repository, "merge", "--quiet", "--no-ff", "--message", words, "canary", **people(at - _LEAD, ANN))
    s.commits["merged"] = git(s.repository, "rev-parse", "HEAD")
    s._look(w, "merged", at)


def _signing(root: Path) -> tuple[str, ...]:
    """How git signs with a key for ssh."""
    key = root / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "chloe", "-f", str(key)], check=True)
    git(root / "repository", "config", "gpg.format", "ssh")
    return (f"--gpg-sign={key}",)


def _second_week(s: Scenario, w: World) -> None:
    """Started anew with the refused plan allowed."""
    s._look(w, "allowed", moment(9, 10, 5))
    (s.repository / "shop/archive.yaml").write_text(
        mapping("shop/archive", LARGE_PATTERN, "archive.shop", prefix_regex="true")
    )
    s.commit(w, "rejected", moment(10, 15), CHLOE, "Old links go to the archive", to=Decision.PARTIAL)
    at = moment(10, 15, 20)
    git(s.repository, "revert", "--no-edit", "HEAD", **people(at - _LEAD, CHLOE))
    s.commits["reverted"] = git(s.repository, "rev-parse", "HEAD")
    s._look(w, "reverted", at, Decision.UNCHANGED)
    (s.repository / "shop/search.yaml").write_text(mapping("shop/search", "/search/", "search.shop"))
    os.kill(w.envoy.pid, signal.SIGSTOP)
    try:
        s.commit(w, "unanswered", moment(11, 13), BOB, "Search the shop (#14)")
    finally:
        os.kill(w.envoy.pid, signal.SIGCONT)
    port = int(str(w.flags["listen"]).rpartition(":")[2])
    eventually(lambda: get(port, "/search/now", headers=_SHOP).status == 200, what="Envoy goes on")
    s.ask(w, "/search/")


def _by_hand(s: Scenario, w: World) -> None:
    """Somebody edits what a target holds."""
    w.reconcile()
    file = next(path for path in sorted(s.files.rglob("*")) if path.is_file() and not path.is_symlink())
    file.write_bytes(file.read_bytes() + b"# by hand\n")
    then = moment(12, 8, 50).timestamp()
    os.utime(file, (then, then))
    s._look(w, "drift", moment(12, 9))


def _cluster(s: Scenario, api: ApiServer, namespace: str) -> dict[str, object]:
    config = api.kubeconfig(s.root / "kubeconfig", namespace=namespace)
    return {"annotations": "true", "kubernetes": "kubeconfig", "kubeconfig": config, "namespaces": (namespace,)}


def _annotate(s: Scenario, w: World, api: ApiServer, namespace: str) -> None:
    """A team changes its annotation."""
    text = "---\napiVersion: ambassador/v0\nkind: Mapping\nname: reviews\nprefix: /reviews/\nservice: reviews\n"
    service: Document = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "reviews", "annotations": {"getambassador.io/config": text}},
        "spec": {"ports": [{"port": 80}]},
    }
    (s.annotated,) = api.admin.apply(service, namespace=namespace, manager="kubectl-edit")
    eventually(_applied(s, w), seconds=20, what="the annotation")


def _applied(s: Scenario, w: World) -> Callable[[], bool]:
    def applied() -> bool:
        outcome = w.reconcile()
        if outcome.decision is Decision.APPLIED and outcome.sequence:
            s.outcomes["annotated"], s.entries["annotated"] = outcome, outcome.sequence
        return "annotated" in s.entries

    return applied
