"""The target ``xds``: a synchronous front before the ADS server, which runs on a thread and loop of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from reconciler.apply.xds.credentials import ServerTls, unheard
from reconciler.apply.xds.fleet import TARGET, Counters, Fleet, NodeStatus
from reconciler.apply.xds.live import LiveResources, Names
from reconciler.apply.xds.service import DiscoveryService
from reconciler.model.addresses import on_loopback
from reconciler.model.digest import Digest
from reconciler.model.effect import UNNAMED, Ack, Drift, Release
from reconciler.model.errors import Stalled
from reconciler.model.snapshot import Snapshot, TypeUrl

T = TypeVar("T")

_NACK_GRACE_S = 1.0
_GATHER_S = 0.03  # live resources change in bursts, as when a Deployment is rolled out: one update for several


def _unheard(_node: str, _type_url: TypeUrl) -> None:
    """Tells nobody."""


def _unheard_bug(_error: Exception) -> None:
    """Tells nobody."""


class XdsTarget:
    """Serves snapshots to Envoys over ADS. Every method may be called from any thread.

    Args:
        address: ``host:port`` to listen on; port 0 takes a free one, see `port`.
        ack_timeout_s: how long `apply` waits for the Envoys, in seconds.
        on_nack: told when an Envoy refuses something while no `apply` reports it, e.g. after a reconnect. Runs on
            the server's thread: hand over and return, and call nothing of this target.
        tls: None for clear text.
        insecure: allow clear text where other machines can reach it.
        tell: told in words that a renewed certificate can't be used, with nothing once it can; as `on_nack`.
        on_refused: told, by node and type, when an Envoy refuses live resources; as `on_nack`.
        on_bug: see `LiveResources`.

    Raises:
        Stalled: the address can't be bound, or not as safely as it must be.
    """

    name = TARGET
    exclusive = False  # each replica serves the Envoys that are connected to it

    def __init__(
        self,
        address: str,
        ack_timeout_s: float = 10.0,
        on_nack: Callable[[Ack], None] | None = None,
        *,
        tls: ServerTls | None = None,
        insecure: bool = False,
        tell: Callable[[str], None] = unheard,
        on_refused: Callable[[str, TypeUrl], None] = _unheard,
        on_bug: Callable[[Exception], None] = _unheard_bug,
    ) -> None:
        self._ack_timeout_s = ack_timeout_s
        self._local = on_loopback(address)
        self._knows_clients = tls is not None and tls.client_ca_file is not None and bool(tls.client_names)
        self.live = LiveResources(self._live_changed, on_bug)
        self._changed = threading.Event()
        self._fleet = Fleet(_NACK_GRACE_S, on_nack, self.live, on_refused)
        self._service = DiscoveryService(self._fleet, tls, tell)
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_report)
        self._thread = threading.Thread(target=self._loop.run_forever, name="xds-server", daemon=True)
        self._closing = threading.Lock()
        self._thread.start()
        try:
            self.port = self._run(self._service.start(address, insecure=insecure))
        except BaseException:
            self._end_thread()
            raise

    def drift(self) -> tuple[Drift, ...]:
        """Nothing: what is served changes by `apply` alone."""
        return ()

    def apply(self, snapshot: Snapshot, release: Release = UNNAMED) -> tuple[Ack, ...]:
        """Serve ``snapshot`` and wait for the Envoys that are connected now.

        Returns:
            Per Envoy and type how it stands: PENDING (with why) for one that stayed silent or went away, nothing
            at all when no Envoy is connected. Once one refused, the others get a second to answer.
        """
        self._prepare(snapshot)
        acks = self._run(self._fleet.apply(snapshot, self._ack_timeout_s, release.written))
        leaving = self.live.leaving(snapshot)
        if leaving and self._fleet.desired is snapshot and (held := self._held(leaving)) != leaving:
            self.live.prepare(snapshot, held)
        return acks

    def serve(self, snapshot: Snapshot) -> None:
        """Serve ``snapshot`` without waiting: to resume after a start what was served before."""
        self._prepare(snapshot)
        self._run(_call(lambda: self._fleet.aim(snapshot)))

    def serve_keys(self, want: Callable[[frozenset[str]], None], *, loopback: bool = True) -> None:
        """Have keys put into `live`; see `LiveResources.own`.

        That an authority signed a client's certificate says nothing of who it is, and where documents may route to
        this machine the whole world is on it.

        Args:
            want: see `LiveResources.own`.
            loopback: whether documents may have requests sent to this machine.

        Raises:
            Stalled: others could ask for them, or read them.
        """
        if not self._knows_clients and (loopback or not self._local):
            raise Stalled(
                "XdsInsecure",
                "keys are served only to Envoys whose names are known, or on this machine where no document may route",
                "ask Envoys for certificates with --xds-client-ca-file and --xds-client-name, or, where this is "
                "Envoy's own machine, set --no-loopback",
            )
        self.live.own(TypeUrl.SECRET, want)

    def observe(self) -> Digest | None:
        """Digest of the snapshot that is served; None before the first, when Envoys are left as they are."""
        desired = self._fleet.desired
        return None if desired is None else desired.digest

    @property
    def connected(self) -> bool:
        """Whether an Envoy is there that says what it makes of a snapshot: it did so of all that is served."""
        return self._fleet.connected

    def nodes(self) -> tuple[NodeStatus, ...]:
        """The connected Envoys, in order of arrival."""
        return self._run(_call(self._fleet.nodes))

    def counters(self) -> Counters:
        """Sums over all streams since the start."""
        return self._run(_call(self._fleet.counters))

    def close(self) -> None:
        """End all streams (Envoys go on with what they have) and the thread. Twice is fine."""
        with self._closing:
            if self._loop.is_closed():
                return
            self._run(self._service.stop())
            self._end_thread()

    def _prepare(self, snapshot: Snapshot) -> None:
        """What Envoys hold of the snapshot before is kept up to date, too, for those that refuse this one."""
        self.live.prepare(snapshot, self._held(self.live.leaving(snapshot)))

    def _held(self, leaving: Names) -> Names:
        return self._run(_call(lambda: self._fleet.holding(leaving))) if leaving else leaving

    def _live_changed(self) -> None:
        """From any thread, and any number of times until the server's thread finds the time."""
        if self._changed.is_set():
            return
        self._changed.set()
        with suppress(RuntimeError):  # closed
            self._loop.call_soon_threadsafe(self._loop.call_later, _GATHER_S, self._refresh)

    def _refresh(self) -> None:
        self._changed.clear()  # first: what changes from here on is for the next time
        self._fleet.refresh()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _end_thread(self) -> None:
        self._run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _call(function: Callable[[], T]) -> T:
    return function()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Drop gRPC's own noise, have the rest logged.

    gRPC's asyncio side wakes every loop of the process for every event: one that finds nothing to read
    (BlockingIOError), or meets a loop that is closed already, is no trouble of ours.
    """
    if "PollerCompletionQueue" in repr(context.get("handle")):
        return
    loop.default_exception_handler(context)
