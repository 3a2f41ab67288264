"""Secrets, watched one by one: a watch names the Secret, so that no other ever comes here, and Roles can do so, too.

The kubelet watches those of its Pods in the same way.
"""

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from reconciler.cluster import SECRETS, Cluster, Pace, Reflector, Scope, close_all
from reconciler.discovery.endpoints import PACE, Put, Tell, listed, unread
from reconciler.discovery.objects import secret_of
from reconciler.envoy import SecretContent, live_secret, secrets_read
from reconciler.model.certificates import Unusable
from reconciler.model.tls import SecretRef

_PATIENCE_S = 5.0
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def _now() -> datetime:
    return datetime.now(UTC)


def _can_be(ref: SecretRef) -> bool:
    """Whether a Secret can be called so; anything else could mean more than one, where a name selects."""
    return bool(_NAMESPACE.fullmatch(ref.namespace) and _NAME.fullmatch(ref.name))


class SecretDiscovery:
    """Puts certificates, keys and authorities, whenever they are others and can serve.

    What can't serve, or is deleted, leaves what was put before; where there was nothing, there is known to be nothing.

    Args:
        cluster: the API server.
        put: where to, see `LiveResources.put`.
        tell: told what is wrong with a Secret, in words that show nothing of it, and nothing once it is well again.
        ca_entry: see the setting of that name.
        pace: of the reflectors.
        patience_s: how long `want` waits for Secrets that were not watched before, in seconds.
        clock: for expiry.
    """

    def __init__(
        self,
        cluster: Cluster,
        put: Put,
        tell: Tell,
        ca_entry: str,
        pace: Pace = PACE,
        patience_s: float = _PATIENCE_S,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._cluster, self._put, self._tell, self._ca_entry = cluster, put, tell, ca_entry
        self._pace, self._patience_s, self._clock = pace, patience_s, clock
        self._lock = threading.RLock()
        self._watched: dict[SecretRef, Reflector[SecretContent]] = {}
        self._needs: dict[str, frozenset[SecretRef]] = {}
        self._served: set[str] = set()
        self._troubles: dict[str, str] = {}

    def want(self, names: frozenset[str]) -> None:
        """Watch what these names need, and nothing else. Called by one thread at a time."""
        with self._lock:
            self._needs = {name: self._read(name) for name in names}
            self._served &= names
            refs = frozenset(filter(_can_be, frozenset[SecretRef]().union(*self._needs.values())))
            kept = names | {str(ref) for ref in refs}
            self._troubles = {key: trouble for key, trouble in self._troubles.items() if key in kept}
            gone = [self._watched.pop(ref) for ref in self._watched.keys() - refs]
            new = refs - self._watched.keys()
            self._watched |= {ref: self._reflector(ref) for ref in new}
        close_all(gone)
        for ref in new:
            self._watched[ref].start()
        deadline = time.monotonic() + self._patience_s
        for ref in sorted(new):
            if trouble := listed(self._watched[ref], deadline):
                self._say(str(ref), f"Secret {ref}", trouble)
        for name in names:
            self._update(name)

    def close(self) -> None:
        """Watch nothing any more."""
        close_all(self._watched.values())
        self._watched.clear()

    def _reflector(self, ref: SecretRef) -> Reflector[SecretContent]:
        scope = Scope(ref.namespace, fields=f"metadata.name={ref.name}")
        return Reflector(self._cluster, SECRETS, secret_of, lambda: self._changed(ref), scope, self._pace)

    def _read(self, name: str) -> frozenset[SecretRef]:
        """What a name needs; nothing where that can't be told, which must not keep the others from what they need."""
        try:
            return secrets_read(name)
        except Exception as error:  # noqa: BLE001 - a bug, or a name of another version of ours
            self._leave(name, f"what {name} is made of", unread(error))
            return frozenset()

    def _changed(self, ref: SecretRef) -> None:
        """From the thread of a reflector."""
        with self._lock:
            names = [name for name, refs in self._needs.items() if ref in refs]
        for name in names:
            self._update(name)

    def _update(self, name: str) -> None:
        with self._lock:
            refs = self._needs.get(name, frozenset())
            copies = {ref: self._watched[ref].copy() for ref in refs if ref in self._watched}
            if not refs or not all(copy.synced for copy in copies.values()):
                return
            for ref in copies:
                self._say(str(ref), f"Secret {ref}", "")
            secrets = {ref: copy.objects.get((ref.namespace, ref.name)) for ref, copy in copies.items()}
            about = "Secret " + " and ".join(map(str, sorted(refs)))
            try:
                found = live_secret(name, secrets, self._ca_entry, self._clock())
            except Unusable as error:
                self._leave(name, about, str(error))
                return
            except Exception as error:  # noqa: BLE001 - a bug, but what is in Secrets is written by people we don't know
                self._leave(name, about, unread(error))
                return
            self._served.add(name)
            self._say(name, about, "")
            self._put({name: found})

    def _leave(self, name: str, about: str, trouble: str) -> None:
        """Nothing new can be put for a name: what was put before stays, or else it is known that there is nothing."""
        stays = name in self._served
        self._say(name, about, f"{trouble}; {'what was there before is served on' if stays else 'nothing is served'}")
        if not stays:
            self._put({name: None})

    def _say(self, key: str, about: str, trouble: str) -> None:
        if self._troubles.get(key, "") != trouble:
            self._troubles[key] = trouble
            self._tell(about, trouble)
