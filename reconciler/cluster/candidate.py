"""One replica's part in an election: what it makes of the Lease, step by step. Waits for nothing and starts no thread.

The times are those of `client-go`, so that people know them. Why not the client's own ``leaderelection``: see
docs/adr/0028-one-writer-many-servers.md.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.cluster.door import Body, Cluster, Conflict
from reconciler.cluster.types import LEASES
from reconciler.model.errors import ReconcileError

_NEVER = -math.inf
_MOST_PATIENT = 5  # times our own duration: nobody who may write to the Lease keeps us from leading for longer
_MOST_TRANSITIONS = 2**31 - 1  # the API server refuses a Lease with more, so that nobody could renew it


@dataclass(frozen=True, slots=True)
class Times:
    """The times of an election, in seconds; each must be longer than the one below.

    Attributes:
        duration: others wait this long for a sign of life of the leader before one of them takes its place.
        renew: a leader that could not renew for this long stops. What lies between is the margin for a request that
            was sent at the last moment, and for clocks that run at different speeds.
        retry: between two attempts.
    """

    duration: float
    renew: float
    retry: float


def _elapsed() -> float:
    # Unlike the monotonic clock it goes on while the machine sleeps: others do not sleep with us.
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks of this machine.

    Attributes:
        elapsed: seconds since some moment; decides. Nobody can set it.
        now: the time of day, aware; only written into the Lease for people, never compared.
    """

    elapsed: Callable[[], float] = _elapsed
    now: Callable[[], datetime] = _now


CLOCK = Clock()


@dataclass(frozen=True, slots=True)
class _Sighting:
    """What the Lease said, and since when, by our own clock, it has been saying so.

    Attributes:
        spec: what it says; where it is ``gone``, what it said before.
        gone: it is not there.
    """

    spec: Body
    at: float
    gone: bool

    @property
    def holder(self) -> str:
        holder = self.spec.get("holderIdentity")
        return holder if isinstance(holder, str) and not self.gone else ""


class Candidate:
    """Wants one Lease. `attempt` and `release` belong to one thread; `leads` may be asked from any.

    Args:
        cluster: the API server.
        namespace, name: of the Lease.
        identity: tells this process from all others, those with its name before and after it among them.
        times: see `Times`.
        clock: the clocks.
    """

    def __init__(
        self, cluster: Cluster, namespace: str, name: str, identity: str, times: Times, clock: Clock = CLOCK
    ) -> None:
        self._cluster = cluster
        self._namespace, self._name = namespace, name
        self.identity = identity
        self._times = times
        self._clock = clock
        self._until = _NEVER  # we lead before this moment; replaced as a whole, so that `leads` needs no lock
        self._mine: Body | None = None  # the Lease as we last wrote it
        self._seen: _Sighting | None = None
        self._looked = _NEVER

    def leads(self) -> bool:
        """Whether this replica may write now. It ends by itself, be the process frozen or the network gone."""
        return self._clock.elapsed() < self._until

    @property
    def holder(self) -> str:
        """Who holds the Lease, as far as is known; empty for nobody."""
        return self._seen.holder if self._seen else ""

    @property
    def patience(self) -> float:
        """Seconds until another attempt makes sense."""
        if self._seen is None or self._seen.holder == self.identity:
            return self._times.retry
        return max(0.0, min(self._times.retry, self._expiry(self._seen) - self._clock.elapsed()))

    def attempt(self) -> None:
        """Renew the Lease if it is ours; take it if nobody has it, or nobody has renewed it for its whole duration.

        Raises:
            Stalled, Transient: the API server did not answer, or refused; what is ours stays so until its time is up.
            Conflict: somebody else was quicker.
        """
        mine, self._mine = self._mine, None
        if mine is not None:
            try:
                self._write(mine, self._cluster.replace)
            except Conflict:
                pass  # somebody wrote it since then, or it is gone: look
            except ReconcileError:
                self._mine = mine
                raise
            else:
                return
        try:
            self._look()
        except Conflict:
            self._seen = None  # what was seen has changed
            raise

    def release(self) -> None:
        """Stop leading and give the Lease back, if it is ours: another one may begin at once.

        Raises:
            Stalled, Transient: it could not be told; others learn it from the time that passes.
        """
        self._until = _NEVER
        mine, self._mine = self._mine, None
        if mine is not None:
            self._cluster.replace(LEASES, {**mine, "spec": {**_spec(mine), "holderIdentity": ""}})

    def _look(self) -> None:
        found = self._cluster.get(LEASES, self._namespace, self._name)
        # From now, not from when we asked: what the answer says may have become so after that.
        seen = self._note(found)
        if not self._may_take(seen):
            if not seen.gone:
                self._until = _NEVER  # somebody has given it to another one
        elif found is not None:
            self._write(found, self._cluster.replace)
        else:
            metadata: Body = {"name": self._name, "namespace": self._namespace}
            fresh: Body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": {}}
            self._write(fresh, self._cluster.create)

    def _note(self, found: Body | None) -> _Sighting:
        """What the Lease says, and since when: that it went is news, and one that we never saw may have just gone."""
        now, before = self._clock.elapsed(), self._looked
        self._looked = now
        spec = _spec(found) if found is not None else self._seen.spec if self._seen else {}
        same = self._seen is not None and (spec, found is None) == (self._seen.spec, self._seen.gone)
        if self._seen is None or not same or (found is None and now - before > self._times.renew):
            self._seen = _Sighting(spec, now, found is None)
        return self._seen

    def _may_take(self, seen: _Sighting) -> bool:
        # Whoever led when somebody deleted the Lease may still do so: then nobody else knows until when.
        free = self.leads() if seen.gone else seen.holder in ("", self.identity)
        return free or self._clock.elapsed() >= self._expiry(seen)

    def _expiry(self, seen: _Sighting) -> float:
        if not seen.gone and not seen.holder:
            return seen.at
        duration, longest = seen.spec.get("leaseDurationSeconds"), _MOST_PATIENT * self._times.duration
        theirs = min(duration, longest) if isinstance(duration, int) and duration > 0 else 0.0
        return seen.at + (max(theirs, self._times.duration) if seen.gone else theirs or self._times.duration)

    def _write(self, lease: Body, how: Callable[..., Body]) -> None:
        spec = _spec(lease)
        began = self._clock.elapsed()
        now = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        renewed: Body = {
            **spec,
            "holderIdentity": self.identity,
            "leaseDurationSeconds": math.ceil(self._times.duration),
            "renewTime": now,
        }
        if spec.get("holderIdentity") != self.identity or "acquireTime" not in spec:
            before = spec.get("leaseTransitions")
            renewed["acquireTime"] = now
            counted = (before if isinstance(before, int) else 0) + bool(spec)
            renewed["leaseTransitions"] = min(counted, _MOST_TRANSITIONS)
        self._mine = how(LEASES, {**lease, "spec": renewed})
        self._note(self._mine)
        self._until = began + self._times.renew


def _spec(lease: Body) -> Body:
    spec = lease.get("spec")
    return dict(spec) if isinstance(spec, dict) else {}
