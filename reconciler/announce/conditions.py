"""Conditions as Kubernetes has them: whoever asks for one learns since when it holds. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.announce.notice import bounded
from reconciler.model.digest import Json

_MOST_MESSAGE = 2048


@dataclass(frozen=True, slots=True)
class Stated:
    """One condition, as it is to be.

    Attributes:
        reason: CamelCase; a condition always has one.
    """

    type: str
    status: bool
    reason: str
    message: str = ""


def conditions_json(
    stated: Iterable[Stated], generation: int, before: Json, now: datetime, *, most: int = _MOST_MESSAGE
) -> list[Json]:
    """Conditions for a status.

    Args:
        stated: how they are to be.
        generation: of the object that was looked at.
        before: the conditions that the object has; those that hold as before keep their time.
        now: when the others changed.
        most: bytes of a message.
    """
    held = {str(one.get("type")): one for one in before if isinstance(one, dict)} if isinstance(before, list) else {}
    found: list[Json] = []
    for condition in stated:
        status = "True" if condition.status else "False"
        found.append(
            {
                "type": condition.type,
                "status": status,
                "reason": condition.reason,
                "message": bounded(condition.message, most),
                "observedGeneration": generation,
                "lastTransitionTime": _since(held.get(condition.type, {}), status, now),
            }
        )
    return found


def _since(before: Mapping[str, Json], status: str, now: datetime) -> str:
    at = before.get("lastTransitionTime")
    return at if isinstance(at, str) and before.get("status") == status else moment(now)


def moment(time: datetime) -> str:
    """A time as statuses have it: whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
