"""Settings to a part in the election of the one replica that writes what all share."""

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.cli import log
from reconciler.cli.sources import needed_api_server
from reconciler.cluster import Lease, StandingBoard, Times
from reconciler.model.decision import Trigger
from reconciler.model.errors import Stalled
from reconciler.model.leadership import Leadership
from reconciler.settings import Settings
from reconciler.state import Edges

_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
STANDING = "-standing"  # of the ConfigMap beside the Lease
_FIRST_WORD_S = 5.0


@dataclass(frozen=True, slots=True)
class Seat:
    """This replica's place among the others."""

    lease: Lease
    board: StandingBoard

    def leadership(self) -> Leadership:
        """How the election stands."""
        return Leadership(self.lease.leads(), self.lease.identity, self.lease.holder, self.lease.failure)

    def begin(self, *, new: bool) -> None:
        """Take part.

        Args:
            new: this replica knows nothing of what was served before: wait a moment for what the leader says of it.
        """
        self.lease.start()
        self.board.start()
        if new:
            self.board.wait(_FIRST_WORD_S)

    def at(self, edges: Edges) -> Edges:
        """The same edges, asking this seat."""
        return replace(edges, leads=self.lease.leads, published=self.board.published, publish=self.board.offer)


def seat(stack: ExitStack, s: Settings, ring: Callable[[Trigger], None]) -> Seat | None:
    """A place in the election, left with the stack; None where the settings want none. To be begun.

    Raises:
        Stalled: a setting can't be used, or there is no API server.
        Transient: the credentials can't be read.
    """
    if not s.leader_election:
        return None
    times = Times(s.lease_duration, s.lease_renew, s.lease_retry)
    _check(times)
    namespace, name = place(s)

    def gained() -> None:
        log.log_leading(leads=True)
        ring(Trigger.LEADING)

    # Connections of its own, and little patience: what waits for others must not cost the Lease.
    quick = needed_api_server(s, "--leader-election", patience_s=times.renew / 2)
    stack.callback(quick.close)
    lease = Lease(
        quick,
        namespace,
        name,
        identity(s.replica),
        times,
        on_gained=gained,
        on_lost=lambda why: log.log_leading(leads=False, why=why),
        on_trouble=log.log_lease,
    )
    stack.callback(lease.close)
    others = needed_api_server(s, "--leader-election")
    stack.callback(others.close)
    board = StandingBoard(
        others,
        namespace,
        name + STANDING,
        lease.leads,
        on_change=lambda: ring(Trigger.FOLLOWING),
        on_trouble=log.log_lease,
        pause=times.retry,
    )
    stack.callback(board.close)
    return Seat(lease, board)


def place(s: Settings) -> tuple[str, str]:
    """Namespace and name of the Lease.

    Raises:
        Stalled: nothing says the namespace.
    """
    return s.lease_namespace or own_namespace(), s.lease_name or s.instance


def identity(replica: str) -> str:
    """A name for this process that no other has: one that is started anew is another one."""
    name = replica or os.environ.get("POD_NAME") or socket.gethostname()
    return f"{name}_{secrets.token_hex(4)}"


def own_namespace(file: Path = _OWN_NAMESPACE) -> str:
    """The namespace of the pod we run in.

    Raises:
        Stalled: we run in none.
    """
    try:
        return file.read_text().strip()
    except OSError:
        pass
    if namespace := os.environ.get("POD_NAMESPACE"):
        return namespace
    raise Stalled("InvalidSettings", "outside of a pod there is no namespace of our own", "name it: --lease-namespace")


def _check(times: Times) -> None:
    if times.retry > 0 and times.duration > times.renew > times.retry * 1.2:
        return
    wanted = "--lease-duration must be longer than --lease-renew, and that longer than 1.2 times --lease-retry"
    got = f"{times.duration:g} s, {times.renew:g} s and {times.retry:g} s"
    raise Stalled("InvalidSettings", f"{wanted}; got {got}", "the defaults are 15s, 10s and 2s")
