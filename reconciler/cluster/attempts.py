"""Attempts at a request: in turn, again where that may help, with credentials that are read anew."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from reconciler.cluster.backoff import Backoff
from reconciler.cluster.connection import ClusterSettings
from reconciler.cluster.failures import Asked, error_of
from reconciler.cluster.session import Refusal, Session, Unsent
from reconciler.cluster.throttle import Throttle
from reconciler.model.errors import ReconcileError, Transient

T = TypeVar("T")

_MOST = 5
# The certificate or the authority may have been renewed on disk.
_RENEWABLE = {"ClusterCertificateRefused", "ClusterCredentialsRefused"}

_OF_OBJECTS = {"get", "update", "patch", "delete"}


class Absent(Exception):
    """The object is not there; what that means, the caller knows."""


class Attempts:
    """Makes attempts, no faster than the settings allow. Threads may share it.

    Args:
        session: what sends them.
        settings: how often, how long.
    """

    def __init__(self, session: Session, settings: ClusterSettings) -> None:
        self._session, self._settings = session, settings
        self._throttle = Throttle(settings.per_second, settings.burst)
        self._closing = threading.Event()

    def make(self, asked: Asked, ask: Callable[[], T], *, most: int = _MOST, repeatable: bool = True) -> T:
        """Ask until it succeeds, can't succeed, or was tried for long enough.

        Args:
            asked: what it is, for errors.
            ask: one attempt.
            most: attempts.
            repeatable: whether it may be sent again when nobody knows if it arrived.

        Raises:
            Absent: there is no such object.
            Stalled, Transient: why the last attempt failed.
        """
        deadline = time.monotonic() + self._settings.patience_s
        backoff, renewed = Backoff(0.2, 5.0), False
        while True:
            self._wait_for_turn(asked, deadline)
            identity, asked_to_wait = self._session.identity, 0.0
            try:
                return ask()
            except Refusal as refusal:
                answer = refusal.answer
                error = _error_of(asked, refusal)
                again = answer.is_busy and (repeatable or answer.code == 429)  # noqa: PLR2004 - nothing was done
                renewable, asked_to_wait = answer.code == 401, answer.retry_after_s  # noqa: PLR2004
            except ReconcileError as fault:
                error = fault
                again = isinstance(fault, Unsent) or (repeatable and fault.reason == "ClusterUnreachable")
                renewable = fault.reason in _RENEWABLE
            if renewable and not renewed:
                renewed = True
                self._session.renew(identity)
                continue
            wait = backoff.next(asked_to_wait)
            if not again or backoff.failures >= most or time.monotonic() + wait > deadline:
                raise error
            self._pause(wait)

    def close(self) -> None:
        """Whoever waits for the next attempt gives up."""
        self._closing.set()

    def _wait_for_turn(self, asked: Asked, deadline: float) -> None:
        wait = self._throttle.take(deadline - time.monotonic())
        if wait is None:
            raise Transient("ClusterBusy", f"{asked}: more requests than we allow ourselves")
        if wait:
            self._pause(wait)

    def _pause(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise Transient("ClusterClosed", "the connection to the cluster is closed")


def _error_of(asked: Asked, refusal: Refusal) -> Exception:
    """What a refusal means; a missing object is the caller's to judge."""
    answer = refusal.answer
    of_object = asked.verb in _OF_OBJECTS and answer.details.get("kind") != "namespaces"
    if answer.code == 404 and answer.is_of_kubernetes and of_object:  # noqa: PLR2004
        return Absent()
    return error_of(asked, answer)
