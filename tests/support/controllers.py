"""A controller on a scratch repository, driven step by step in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.cli.wiring import controller
from reconciler.loop import Loop
from reconciler.model.decision import Decision
from reconciler.model.entry import Entry
from reconciler.model.outcome import Outcome
from reconciler.settings import load


@contextmanager
def on_repository(repository: Path, state: Path, *targets: str, **settings: object) -> Iterator[Loop]:
    """A controller that follows ``main`` of ``repository``, with its state in ``state``."""
    flags = {
        "repo": repository,
        "allow_local": "true",
        "target": targets,
        "state": state,
        "xds_address": "127.0.0.1:0",
        "ack_timeout": "5s",
        "listen": "127.0.0.1:0",
        "service_address": ("*=127.0.0.1:1",),
        "access_log": "",
        "tls_files": (str(state.parent),),
    }
    verb = str(settings.pop("verb", "run"))
    with controller(load(flags | settings, {}, None), lambda _outcome: None, verb=verb) as loop:
        yield loop


def reconcile(loop: Loop, expected: Decision) -> Outcome:
    """One reconcile that must end as expected; says why it did not."""
    outcome = loop.once()
    problems = "\n".join(map(str, outcome.problems))
    assert outcome.decision is expected, f"{outcome.decision} {outcome.reason}: {outcome.message}\n{problems}"
    return outcome


def decided(loop: Loop) -> list[Entry]:
    """What the journal has of decisions, newest first: no notes."""
    return [entry for entry in loop.edges.journal.entries() if entry.trigger is not None]


def served(loop: Loop) -> dict[str, str]:
    """Names of the routes that are served, and the prefix of each."""
    return {route.name: route.path.value for route in loop.state.applied.table.routes}


def mapping(name: str, prefix: str, **more: object) -> str:
    """A v3alpha1 Mapping document for all hosts."""
    service = more.pop("service", "svc")
    fields = "".join(f"  {field}: {value}\n" for field, value in more.items())
    return (
        f"apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata:\n  name: {name}\n"
        f"spec:\n  hostname: '*'\n  prefix: {prefix}\n  service: {service}\n{fields}"
    )
