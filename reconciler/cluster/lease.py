"""One leader among several replicas: a thread that wants a coordination Lease, and says whether it has it."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress

from reconciler.cluster.candidate import CLOCK, Candidate, Clock, Times
from reconciler.cluster.door import Cluster, Conflict
from reconciler.model.errors import ReconcileError

__all__ = ["Lease", "Times"]

_SPREAD = 0.2  # share of a pause by which it varies, so that those who wait do not all ask at once


def ignore(_said: str) -> None:
    """Tells nobody."""


class Lease:
    """Takes part in an election from `start` to `close`.

    Args:
        cluster: the API server.
        namespace, name: of the Lease; it is made where it is not there.
        identity: tells this process from all others.
        times: see `Times`.
        on_gained: told that this replica leads now; from the thread, must be quick and not raise.
        on_lost: told, with the reason, that it does not any more. It may come late: only `leads` is in time.
        on_trouble: told why the Lease can't be had or renewed, once as long as it lasts; and the empty text after it.
        clock: the clocks of this machine.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        times: Times,
        *,
        on_gained: Callable[[], None] = lambda: None,
        on_lost: Callable[[str], None] = ignore,
        on_trouble: Callable[[str], None] = ignore,
        clock: Clock = CLOCK,
    ) -> None:
        self._candidate = Candidate(cluster, namespace, name, identity, times, clock)
        self._times = times
        self._gained, self._lost, self._trouble = on_gained, on_lost, on_trouble
        self._led = False
        self._failure = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def leads(self) -> bool:
        """Whether this replica may write what all share. Ask right before each write."""
        return self._candidate.leads()

    @property
    def identity(self) -> str:
        """Who this is."""
        return self._candidate.identity

    @property
    def holder(self) -> str:
        """Who holds the Lease, as far as is known; empty for nobody."""
        return self._candidate.holder

    @property
    def failure(self) -> str:
        """Why the last attempt to get or renew it failed; empty where it did not."""
        return self._failure

    def close(self) -> None:
        """End; what is ours is given back, so that another one begins at once. Nothing may be written after it."""
        self._stopping.set()
        if self._thread.ident is None:
            return
        self._thread.join(self._times.renew)
        if not self._thread.is_alive():
            with suppress(ReconcileError):
                self._candidate.release()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._tell(self._attempt())
            # Chance needs no cryptography here.
            spread = 1 + _SPREAD * random.random()  # noqa: S311
            self._stopping.wait(max(self._candidate.patience, self._times.retry / 10) * spread)

    def _attempt(self) -> str:
        try:
            self._candidate.attempt()
        except Conflict:
            return ""  # another one was quicker; who, the next attempt sees
        except ReconcileError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not take this replica out of the election
            return f"{type(error).__name__}: {error}; this is a bug"
        return ""

    def _tell(self, failure: str) -> None:
        if failure != self._failure:
            self._failure = failure
            self._trouble(failure)
        leads = self._candidate.leads()
        if leads and not self._led:
            self._gained()
        elif self._led and not leads:
            self._lost(failure or f"held by {self._candidate.holder or 'nobody'}")
        self._led = leads
