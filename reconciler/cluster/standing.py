"""The leader's word on what stands in for broken documents, in a ConfigMap that all replicas read.

Nobody waits for it: requests are made by a thread of its own, and what it last heard is told.
"""

import base64
import threading
from collections.abc import Callable

from reconciler.cluster.door import Body, Cluster, Conflict
from reconciler.cluster.standing_form import pack, unpack
from reconciler.cluster.types import CONFIG_MAPS
from reconciler.model.errors import ReconcileError, Stalled
from reconciler.model.standing import Published, Standing

_KEY = "standing.json.gz"


class StandingBoard:
    """Keeps a replica's copy of what the leader published, and publishes what a leader has to say.

    Args:
        cluster: the API server.
        namespace, name: of the ConfigMap.
        leads: whether this replica may publish.
        on_change: told when others published something new; from the thread, must be quick and not raise.
        on_trouble: told why it can't be read or written, once as long as it lasts; and the empty text after it.
        pause: seconds between two looks.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        leads: Callable[[], bool],
        *,
        on_change: Callable[[], None],
        on_trouble: Callable[[str], None],
        pause: float,
    ) -> None:
        self._cluster, self._namespace, self._name = cluster, namespace, name
        self._leads, self._on_change, self._on_trouble = leads, on_change, on_trouble
        self._pause = pause
        self._published: Published = None
        self._offered: Published = None
        self._failure = ""
        self._read: tuple[str, Published, str] = ("", None, "")
        self._fit: tuple[Standing, bytes, str] | None = None
        self._heard = threading.Event()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="standing", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether the API server was heard within that time."""
        return self._heard.wait(seconds)

    def published(self) -> Published:
        """What others have published; None where nobody has, or where it is for us to say what stands."""
        return None if self._offered is not None and self._leads() else self._published

    def offer(self, standing: Standing) -> None:
        """Publish this, if we lead; not before what stood until then was heard, for that is to be taken over."""
        if self._heard.is_set() and self._leads() and standing != self._offered:
            self._offered = standing
            self._wake.set()

    def close(self) -> None:
        """End the thread; a request under way is not waited for."""
        self._closing = True
        self._wake.set()

    def _run(self) -> None:
        while not self._closing:
            failure = ""
            try:
                self._look()
            except Conflict:
                pass  # somebody else was quicker: the next look shows what they wrote
            except (ReconcileError, ValueError) as error:
                failure = f"ConfigMap {self._namespace}/{self._name}: {error}"
            if failure != self._failure:
                self._failure = failure
                self._on_trouble(failure)
            self._wake.wait(self._pause)
            self._wake.clear()

    def _look(self) -> None:
        if not self._leads():
            self._offered = None  # a new term begins with what others said meanwhile
        found = self._cluster.get(CONFIG_MAPS, self._namespace, self._name)
        try:
            self._hear(self._standing(found))
        except ValueError:
            self._hear(None)  # a leader writes it anew
            raise
        finally:
            self._heard.set()
            offered = self._offered
            if offered is not None and offered != self._published:
                self._write(found, offered)

    def _hear(self, standing: Published) -> None:
        before, self._published = self._published, standing
        if standing != before and not (self._offered is not None and self._leads()):
            self._on_change()

    def _write(self, found: Body | None, standing: Standing) -> None:
        packed = self._packed(standing)
        metadata: Body = {"name": self._name, "namespace": self._namespace}
        whole: Body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **(found or {})}
        whole["binaryData"] = {_KEY: base64.b64encode(packed).decode()}
        if not self._leads():
            return
        (self._cluster.create if found is None else self._cluster.replace)(CONFIG_MAPS, whole)
        self._published = standing

    def _packed(self, standing: Standing) -> bytes:
        """As bytes that others will take; put together once, as it is tried at every look.

        Raises:
            Stalled: there is more to tell than they would.
        """
        if self._fit is None or self._fit[0] != standing:
            self._fit = standing, *_checked(standing)
        _, packed, why = self._fit
        if why:
            what = f"{len(standing.origins)} documents stand in for others, and replicas that start anew can't be told"
            raise Stalled("StandingTooLarge", f"{what}: {why}", "mend what is quarantined")
        return packed

    def _standing(self, found: Body | None) -> Published:
        """What a ConfigMap says; what was read before is not read again.

        Raises:
            ValueError: it is not of the form.
        """
        data = found.get("binaryData") if found else None
        packed = data.get(_KEY) if isinstance(data, dict) else None
        if not isinstance(packed, str):
            return None
        if packed != self._read[0]:
            try:
                self._read = packed, unpack(base64.b64decode(packed, validate=True)), ""
            except ValueError as error:
                self._read = packed, None, str(error) or "not of the expected form"
        _, standing, failure = self._read
        if failure:
            raise ValueError(failure)
        return standing


def _checked(standing: Standing) -> tuple[bytes, str]:
    """As bytes, or why others would not take them."""
    try:
        packed = pack(standing)
        if unpack(packed) == standing:
            return packed, ""
    except ValueError as error:
        return b"", str(error)
    return b"", "it would not be heard as it is told"
