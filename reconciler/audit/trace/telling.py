"""What a line leads to, in words and as JSON. Pure."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.audit.record.groups import stamp
from reconciler.audit.trace.finding import Found, Lost
from reconciler.audit.trace.line import Line
from reconciler.audit.trace.version import Version
from reconciler.model.digest import Json
from reconciler.model.entry import UNKNOWN, Entry
from reconciler.model.provenance import ObjectTouch, Provenance, touch_of
from reconciler.model.text import plural, printable

Entries = Callable[[int], Entry | None]
_MOST_REMEMBERED = 10_000
_GAP = "  "


@dataclass(slots=True)
class Words:
    """Puts lines into words; what all lines of a version have in common is worded once.

    Attributes:
        entries: gives the entry of a number.
    """

    entries: Entries
    _texts: dict[int, tuple[Found, str]] = field(default_factory=dict)
    _facts: dict[int, tuple[Found, str]] = field(default_factory=dict)

    def text(self, line: Line, found: Found) -> str:
        """For people: time, request, and what served it by whose change."""
        known = self._texts.get(id(found))
        words = known[1] if known else self._remember(self._texts, found, self._origin_text(line, found))
        status = f" {line.status}" if line.status else ""
        asked = f"TCP {line.authority or '-'}" if line.tcp else f"{line.method} {line.authority}{line.path}{status}"
        told = f"{line.time}{_GAP}{asked}{_GAP}{words}"
        return told if told.isprintable() else printable(told)

    def json(self, number: int, line: Line, found: Found) -> str:
        """For programs: one object on one line."""
        known = self._facts.get(id(found))
        facts = known[1] if known else self._remember(self._facts, found, json.dumps(self._origin_facts(line, found)))
        asked: dict[str, Json] = {"line": number, "time": line.time, "protocol": "TCP" if line.tcp else "HTTP"}
        if not line.tcp:
            asked |= {"method": line.method, "path": line.path, "status": line.status}
        asked |= {"authority": line.authority, "flags": line.flags}
        return f"{json.dumps(asked)[:-1]}, {facts[1:]}"

    def unread_json(self, number: int, expected: str) -> str:
        """A line that is none of ours."""
        return json.dumps({"line": number, "unread": expected})

    def version_text(self, version: Version) -> str:
        """A version with who wrote it and how it came, as all of its lines have it."""
        return _GAP.join((version.mapping, str(provenance(version)), _by_whom(self.entries(version.entry), version)))

    def version_facts(self, version: Version) -> dict[str, Json]:
        """The same as facts."""
        return version_facts(version, self.entries(version.entry))

    def forget(self) -> None:
        """What was worded may be out of date."""
        self._texts.clear()
        self._facts.clear()

    def _remember(self, into: dict[int, tuple[Found, str]], found: Found, words: str) -> str:
        if len(into) > _MOST_REMEMBERED:
            into.clear()
        into[id(found)] = found, words
        return words

    def _origin_text(self, line: Line, found: Found) -> str:
        if found.unserved:
            host = "".join(f": Host {self.version_text(one)}" for one in found.versions)
            return f"{found.unserved}{host}"
        if found.lost:
            what = f"{line.mapping}{_GAP}{line.source}{f' @ {line.commit[:7]}' if line.commit else ''}"
            by = f", entry {found.deleted_by}" if found.lost is Lost.DELETED else ""
            return f"{what}{_GAP}{found.lost}{by}"
        if found.sent_by is not None:
            place = f"{line.mapping}{_GAP}{line.source} @ {line.commit[:7]}"
            return f"{place}{_GAP}sent to Envoys by entry {found.sent_by}, which {found.ended}"
        words = " or ".join(self.version_text(one) for one in found.versions)
        return f"{words}{_doubt(found)}"

    def _origin_facts(self, line: Line, found: Found) -> dict[str, Json]:
        if found.unserved:
            hosts: list[Json] = [self.version_facts(one) for one in found.versions]
            return {"unserved": str(found.unserved), **({"hosts": hosts} if hosts else {})}
        if found.lost:
            origin: dict[str, Json] = {"mapping": line.mapping, "source": line.source, "commit": line.commit or None}
            return {"lost": str(found.lost), "deleted_by": found.deleted_by, **origin}
        if found.sent_by is not None:
            sent: dict[str, Json] = {"mapping": line.mapping, "source": line.source, "commit": line.commit or None}
            return {**sent, "sent_by": found.sent_by, "ended": found.ended}
        versions = [self.version_facts(one) for one in found.versions]
        told: dict[str, Json] = versions[0] if len(versions) == 1 else {"one_of": list[Json](versions)}
        return {**told, "by": str(found.by), "outside_s": round(found.apart_s, 3), "others_possible": found.others}


def provenance(version: Version) -> Provenance:
    """Where and by whom a version was written."""
    if not version.touch:
        return Provenance(version.path, version.line)
    touch = touch_of(version.touch, version.author, datetime.fromisoformat(version.written))
    return Provenance(version.path, version.line, touch)


def version_facts(version: Version, entry: Entry | None) -> dict[str, Json]:
    """A version with who wrote it and how it came."""
    touch = provenance(version).touch
    facts: dict[str, Json] = {
        "kind": version.kind,
        "mapping": version.mapping,
        "source": version.path,
        "source_line": version.line,
        "author": version.author or None,
        "written_at": _stamped(version.written),
    }
    if isinstance(touch, ObjectTouch):
        facts |= {"author": None, "manager": touch.manager or UNKNOWN, "resource_version": touch.resource_version}
        facts |= {"uid": touch.uid}
    else:
        facts["commit"] = version.touch or None
    served: dict[str, Json] = {"entry": version.entry, "served_since": version.begun, "served_until": version.until}
    if entry is None:
        return facts | served
    approvers: Json = UNKNOWN if entry.approvers is None else list(entry.approvers)
    if not entry.intact:
        served["intact"] = False
    people: dict[str, Json] = {"pull_request": entry.pull_request, "approvers": approvers}
    return facts | served | {"entry_commit": entry.commit or None} | people


def _stamped(text: str) -> str | None:
    return stamp(datetime.fromisoformat(text)) if text else None


def _by_whom(entry: Entry | None, version: Version) -> str:
    if entry is None:
        return f"entry {version.entry}"
    damaged = "" if entry.intact else f"{_GAP}(DAMAGED: this entry is not as it was written)"
    return f"{_review(entry)}entry {version.entry}{damaged}"


def _review(entry: Entry) -> str:
    """Of a commit, which a forge may know more of."""
    if not entry.commit:
        return ""
    if entry.pull_request == UNKNOWN and entry.approvers is None:
        return f"pull request and approvals unknown{_GAP}"
    request = f"pull request {entry.pull_request}" if entry.pull_request else "no pull request"
    if entry.approvers is None:
        return f"{request}, approvals unknown{_GAP}"
    return f"{request}, {'approved by ' + ', '.join(entry.approvers) if entry.approvers else 'not approved'}{_GAP}"


def _doubt(found: Found) -> str:
    doubts = []
    if found.apart_s:
        side = "after it had been replaced" if found.apart_s > 0 else "before it was applied"
        doubts.append(f"{abs(found.apart_s):.0f} s {side}: an Envoy that was behind, or clocks that differ")
    if found.others:
        doubts.append(f"told by time alone, and {plural(found.others, 'other version')} served close to it")
    return f"{_GAP}({'; '.join(doubts)})" if doubts else ""
