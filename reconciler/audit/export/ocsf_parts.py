"""The objects that OCSF's events are made of. Pure."""

import re
from dataclasses import dataclass
from enum import IntEnum

from reconciler.audit.export import facts
from reconciler.audit.export.facts import Changed, Place
from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN, Entry
from reconciler.model.risk import Risk

_OTHER = 99
# What OCSF takes for an address; one that is none of its form goes into the name alone.
_EMAIL = re.compile(r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~.]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+")


@dataclass(frozen=True, slots=True)
class Class:
    """A class of events."""

    uid: int
    name: str
    category: int
    category_name: str


ENTITY = Class(3004, "Entity Management", 3, "Identity & Access Management")
STATE = Class(5019, "Device Config State Change", 5, "Discovery")
EVENT_LOG = Class(1008, "Event Log Activity", 1, "System Activity")


class Severity(IntEnum):
    """How much somebody must care, in OCSF's numbers."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4


SEVERE = {str(Risk.AUTH_BYPASSED): Severity.HIGH, str(Risk.TLS_REMOVED): Severity.HIGH}


def named(name: str, value: str) -> dict[str, Json]:
    """A field, where there is something in it."""
    return {name: value} if value else {}


def entity(found: Changed, place: Place | None, values: dict[str, str]) -> Json:
    """A route on one side of a change, with the fields that differ."""
    data: dict[str, Json] = {"fields": dict(values), "risks": list(found.risks)}
    if place is not None:
        data |= {"place": str(place), **named("author", place.author), **named("written", place.written)}
    return {
        "name": found.label,
        "uid": found.identity,
        "type_id": _OTHER,
        "type": found.kind,
        "data": data,
        **(named("version", place.commit) if place else {}),
    }


def actor(entry: Entry) -> Json:
    """Who asked for it; who wrote the commit where nobody did by themselves; this program where there is no commit."""
    author = facts.first(entry, "people").get("author")
    if entry.actor or not isinstance(author, dict):
        return person(entry.actor)
    return person(facts.text(author.get("name")), facts.text(author.get("email")))


def person(name: str, email: str = "") -> Json:
    """Somebody who acts; this program where both are empty."""
    if not name and not email:
        return {"app_name": "reconciler"}
    user: dict[str, Json] = {"name": name or email, "type_id": 0, "type": "Unknown"}
    if _EMAIL.fullmatch(email):
        user["email_addr"] = email
    return {"user": user, "app_name": "reconciler"}


def enrichments(entry: Entry) -> dict[str, Json]:
    """What is known of how a change was let through, as names and values."""
    found: list[Json] = []
    if not entry.intact:
        found.append({"name": "intact", "value": "no: not as it was written", "data": {}})
    found += (
        {"name": "safeguard overridden", "value": facts.word(each.get("what")), "data": {**each}}
        for each in facts.exceptions(entry)
    )
    found += _of_commit(entry)
    return {"enrichments": found} if found else {}


def _of_commit(entry: Entry) -> list[Json]:
    """Who stands behind a commit."""
    if not entry.commit:
        return []
    approvers = UNKNOWN if entry.approvers is None else ", ".join(entry.approvers) or "nobody"
    return [
        {"name": name, "value": value, "data": {}}
        for name, value in (
            ("commit", entry.commit),
            ("author", entry.author or UNKNOWN),
            ("committer", entry.committer or UNKNOWN),
            ("commit subject", entry.subject or "-"),
            ("pull request", entry.pull_request or "none"),
            ("approvers", approvers),
            ("approved by another", str(entry.approved)),
            ("signed", str(entry.signed)),
            ("acknowledged by all Envoys", str(entry.acknowledged)),
            ("plan", facts.text(facts.change(entry).get("plan")) or UNKNOWN),
        )
    ]
