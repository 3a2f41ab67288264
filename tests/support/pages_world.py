"""A controller with a past: a repository of several people, a real Envoy, a journal of days, and the pages.

Only the clock is moved; whatever is recorded was really done.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

from reconciler.apply import XdsTarget
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.audit import Journal
from reconciler.cli import wiring
from reconciler.cli.pages import Pages, pages
from reconciler.cli.wiring import controller
from reconciler.envoy import xds_bootstrap
from reconciler.loop import Loop
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.outcome import Outcome
from reconciler.settings import load
from reconciler.web import StatusBoard
from tests.support.envoys import running_envoy
from tests.support.ports import reserve_port
from tests.support.waiting import eventually

ANN = "Ann Lindqvist <ann@example.com>"
BOB = "Bob Okafor <bob@example.com>"
CHLOE = "Chloé Duval <chloe@example.com>"
BOT = "renovate[bot] <bot@example.com>"

# This Envoy is told to take smaller ones only, as one that somebody else configured might be.
_LARGEST_PATTERN = 60
LARGE_PATTERN = "'/old/(alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda)/[a-z]{2,9}'"

HOSTILE_SUBJECT = (
    "</bdi><script>document.title='owned'</script><img src=x onerror=alert(1)> \u202egnp.exe\u2066 "
    + "a-very-long-word-" * 40
)
HOSTILE_AUTHOR = '"><b onmouseover=alert(1)>Mallory\u202e <mallory@example.com>'


@dataclass(slots=True)
class Clock:
    """The real clock, moved."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def mapping(name: str, prefix: str, service: str, **fields: object) -> str:
    """A Mapping of a namespace (``shop/cart``)."""
    namespace, _, short = name.partition("/")
    fields = {"hostname": "shop.example.com", **fields}
    spec = "".join(f"  {key}: {value}\n" for key, value in fields.items())
    return (
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\n"
        f"metadata:\n  name: {short}\n  namespace: {namespace}\n"
        f"spec:\n  prefix: {prefix}\n  service: {service}\n{spec}"
    )


@dataclass(slots=True)
class World:
    """All of it, step by step.

    Attributes:
        flags: the settings.
        envoy: the one that it serves.
        outcomes: what the reconciles came to.
    """

    root: Path
    loop: Loop
    board: StatusBoard
    clock: Clock
    flags: Mapping[str, object]
    envoy: EnvoyProcess
    pages: Pages = field(default_factory=Pages)
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def repository(self) -> Path:
        """The work tree."""
        return self.root / "repository"

    def commit(self, files: Mapping[str, str | None], subject: str, author: str, lead_s: float = 0.4) -> str:
        """Commits, and lets the controller see it so many seconds later; None removes a file."""
        for name, content in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if content is None else path.write_text(content)
        sha = commit_at(self.repository, self.clock() - timedelta(seconds=lead_s), subject, author)
        self.reconcile()
        return sha

    def reconcile(self) -> Outcome:
        """One reconcile, told to the pages."""
        outcome = self.loop.once()
        self.board.record(outcome)
        self.outcomes.append(outcome)
        self.pages.ring()
        return outcome

    @contextmanager
    def pages_for(self, token: str, *namespaces: str) -> Iterator[str]:
        """The same pages once more, for those who see these namespaces; yields where."""
        access = self.root / "access.yaml"
        digest = sha256(token.encode()).hexdigest()
        access.write_text(f"tokens:\n- {{sha256: {digest}, name: somebody, namespaces: [{', '.join(namespaces)}]}}\n")
        access.chmod(0o600)
        settings = load({**self.flags, "pages_access_file": access}, {}, None)
        with pages(settings, self.loop, self.board, lambda _access: None) as served:
            yield served.url

    def note(self, note: Note) -> None:
        """Something beside reconciles."""
        self.loop.edges.journal.note(note)
        self.pages.ring()


def git(repository: Path, *arguments: str, **environment: str) -> str:
    """Real git with nobody's configuration."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own = {"HOME": str(repository), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    command = ["git", "-c", "user.name=Cee", "-c", "user.email=cee@example.com", *arguments]
    done = subprocess.run(command, cwd=repository, env=clean | own | environment, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit_at(repository: Path, at: datetime, subject: str, author: str, *how: str) -> str:
    """A commit of all there is, as if made at a time.

    Args:
        repository: its work tree.
        at: when.
        subject: the first line.
        author: ``NAME <ADDRESS>``.
        how: further arguments of ``git commit``.
    """
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", subject, *how, **people(at, author))
    return git(repository, "rev-parse", "HEAD")


def people(at: datetime, author: str) -> dict[str, str]:
    """Who git takes for author and committer, and the time of both."""
    stamp = at.isoformat(timespec="seconds")
    name, _, address = author.rpartition(" <")
    return {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": address.rstrip(">"),
        "GIT_AUTHOR_DATE": stamp,
        "GIT_COMMITTER_NAME": "GitHub",
        "GIT_COMMITTER_EMAIL": "noreply@example.com",
        "GIT_COMMITTER_DATE": stamp,
    }


@contextmanager
def world(root: Path, past: timedelta = timedelta(days=6), **changed: object) -> Iterator[World]:
    """The controller, a real Envoy and the pages; its clock is ``past`` behind, for `live_through`.

    Where there was one before in ``root``, this one goes on from what that left.

    Args:
        root: where repository and state are.
        past: how far its clock is behind.
        changed: settings that differ from the usual ones.
    """
    clock = Clock(-past)
    repository = root / "repository"
    if not repository.exists():
        repository.mkdir(parents=True)
        git(repository, "init", "--quiet", "--initial-branch=main")
    flags: dict[str, object] = {
        "repo": str(repository),
        "allow_local": "true",
        "target": ("xds",),
        "state": root / "state",
        "xds_address": "127.0.0.1:0",
        "ack_timeout": "5s",
        "listen": f"127.0.0.1:{reserve_port()}",
        "service_address": ("*=127.0.0.1:1",),
        "access_log": "",
        "envoy": "off",
        "pages_address": "127.0.0.1:0",
        "instance": "edge",
        **changed,
    }
    settings = load(flags, {}, None)
    with ExitStack() as stack:
        stack.enter_context(patch.object(wiring, "now", clock))
        loop = stack.enter_context(controller(settings, lambda _outcome: None))
        target = next(t for t in loop.edges.targets if isinstance(t, XdsTarget))
        server = f"127.0.0.1:{target.port}"
        bootstrap = xds_bootstrap(server, node_id="edge-1", node_cluster="edge", admin="127.0.0.1:0")
        envoy = stack.enter_context(running_envoy(_strict(bootstrap), root, wait=False))
        eventually(target.nodes, what="Envoy connects")
        made = World(root, loop, StatusBoard(), clock, flags, envoy)
        made.pages = stack.enter_context(pages(settings, loop, made.board, lambda _access: None))
        yield made


def _strict(bootstrap: bytes) -> str:
    """The bootstrap of an Envoy that refuses patterns that are larger than `_LARGEST_PATTERN`."""
    body = json.loads(bootstrap)
    layer = {"re2.max_program_size.error_level": _LARGEST_PATTERN}
    body["layered_runtime"] = {"layers": [{"name": "strict", "static_layer": layer}]}
    return json.dumps(body)


SERVICES = ("cart", "catalog", "checkout", "search", "reviews", "account")
OTHERS = ("payments/charge", "payments/refund", "payments/webhooks", "web/home", "web/help", "web/press")


def first_files() -> dict[str, str | None]:
    """What the repository begins with: a dozen routes of three namespaces."""
    files: dict[str, str | None] = {
        f"shop/{name}.yaml": mapping(f"shop/{name}", f"/{name}/", f"{name}.shop", timeout_ms=3000) for name in SERVICES
    }
    for full in OTHERS:
        namespace, _, name = full.partition("/")
        host = "pay.example.com" if namespace == "payments" else "www.example.com"
        files[f"{full}.yaml"] = mapping(full, f"/{name}/", f"{name}.{namespace}", hostname=host)
    return files


def live_through(w: World, *, busy: int = 0) -> None:
    """Some days of work: changes, a canary, a refusal, a mistake and its mending, drift, a gap, an anchor.

    Args:
        w: where.
        busy: so many further small changes.
    """
    step = timedelta(hours=110) / (12 + busy)

    def later() -> None:
        w.clock.ahead += step

    w.commit(first_files(), "Start with the routes we have (#101)", ANN, 3.1)
    later()
    cart = mapping("shop/cart", "/cart/", "cart.shop", timeout_ms=6000)
    w.commit({"shop/cart.yaml": cart}, "Give the cart more time on Fridays (#104)", BOB, 12)
    for number in range(busy):
        later()
        name = SERVICES[number % len(SERVICES)]
        text = mapping(f"shop/{name}", f"/{name}/", f"{name}-v{number}.shop", timeout_ms=3000 + 100 * (number % 7))
        author = (ANN, BOB, CHLOE, BOT)[number % 4]
        w.commit(
            {f"shop/{name}.yaml": text}, f"Roll {name} to v{number} (#{110 + number})", author, 2 + (number * 7) % 45
        )
    later()
    canary = mapping("shop/checkout-next", "/checkout/", "checkout-next.shop", weight=10)
    w.commit({"shop/checkout-next.yaml": canary}, "Canary: a tenth of checkout to the next version (#151)", CHLOE, 4)
    later()
    wider = canary.replace("weight: 10", "weight: 60")
    w.commit({"shop/checkout-next.yaml": wider}, "Canary to 60 % (#152)", CHLOE, 95)
    later()
    bad = mapping("shop/search", "/search/", "search.shop", timeout_ms="soon")
    good = (w.repository / "shop/search.yaml").read_text()
    w.commit({"shop/search.yaml": bad}, "Search may take longer (#153)", BOB, 6)
    later()
    w.commit({"shop/search.yaml": good}, "Revert: search may take longer", BOB, 2)
    later()
    gone = {str(path.relative_to(w.repository)): None for path in sorted(w.repository.glob("*/*.yaml"))[:8]}
    kept = {name: (w.repository / name).read_text() for name in gone}
    w.commit(gone, "Clean up what nobody needs (#154)", BOT, 1.5)
    later()
    w.commit(kept, "Bring back what was cleaned up by mistake (#155)", ANN, 240)
    later()
    regex = mapping("shop/legacy", LARGE_PATTERN, "legacy.shop", prefix_regex="true")
    w.commit({"shop/legacy.yaml": regex}, "Old links go to the archive (#156)", BOT, 7)
    later()
    w.commit({"shop/legacy.yaml": None}, "Revert: old links go to the archive", BOT, 3)
    later()
    w.note(Note(Happening.AUDIT_GAP, "the journal's disk was full; 2 applies were not recorded when they were made"))
    w.commit({"web/press.yaml": None}, "The press pages moved away (#157)", CHLOE, 8)
    later()
    w.note(Note(Happening.EXPORT, "records 1 to 20 were given out as JSON Lines", Actor("eve@example.com", "kubectl")))
    moved = mapping("payments/webhooks", "/hooks/", "webhooks.payments", hostname="'*.example.com'")
    w.commit({"payments/webhooks.yaml": moved}, "Take hooks on every host (#158)", BOB, 33)
    later()
    broken = mapping("web/press-kit", "/press-kit/", "press.web", hostname="www.example.com", prefix_rgx="true")
    w.commit({"web/press-kit.yaml": broken}, "A page for the press kit (#159)", CHLOE, 5)
    w.clock.ahead = timedelta()


def journal_of(w: World) -> Journal:
    """Its journal, to ask."""
    found = w.loop.edges.journal
    assert isinstance(found, Journal)
    return found
