"""Events as ``events.k8s.io/v1`` has them. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.announce.correlator import Entry
from reconciler.announce.notice import Subject
from reconciler.model.digest import Json, digest_json

CONTROLLER = "reconciler.dev/reconciler"
_MOST_NAME = 200  # of 253 characters that a name may have
_MOST_INSTANCE = 128


@dataclass(frozen=True, slots=True)
class Said:
    """One Event to write.

    Attributes:
        entry: what is said, and how often.
        now: when it is said this time.
        instance: who says it: the name of this replica.
    """

    entry: Entry
    now: datetime
    instance: str


def event_body(said: Said) -> dict[str, Json]:
    """The Event as the API server takes it; one of a series goes on in place of the first."""
    notice = said.entry.notice
    body: dict[str, Json] = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": _name(said), "namespace": notice.subject.namespace},
        "eventTime": _micro(said.entry.first_at),
        "type": str(notice.weight),
        "reason": notice.reason,
        "action": notice.action,
        "note": notice.note,
        "regarding": _reference(notice.subject),
        "reportingController": CONTROLLER,
        "reportingInstance": said.instance[:_MOST_INSTANCE],
    }
    if said.entry.count > 1:
        body["series"] = {"count": said.entry.count, "lastObservedTime": _micro(max(said.now, said.entry.first_at))}
    return body


def _name(said: Said) -> str:
    """The same for all of a series, and for a request that is sent again."""
    notice = said.entry.notice
    words: list[Json] = [notice.subject.uid, notice.reason, notice.note, said.instance, _micro(said.entry.first_at)]
    digest = digest_json(words).rpartition(":")[2]
    return f"{notice.subject.name[:_MOST_NAME].rstrip('.-')}.{digest[:16]}"


def _reference(subject: Subject) -> dict[str, Json]:
    known: dict[str, Json] = {
        "apiVersion": subject.api_version,
        "kind": subject.kind,
        "namespace": subject.namespace,
        "name": subject.name,
    }
    return known | ({"uid": subject.uid} if subject.uid else {})


def _micro(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
