"""in-toto Statements (v1) about applies, each in a signed DSSE envelope on a line of its own. Pure.

Who verifies one knows, by the journal's public key alone, that this commit was made this configuration, by whose change
and with whose approval, and what Envoys said; and where the journal has it.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator

from reconciler.audit.export import facts
from reconciler.audit.export.given import Given
from reconciler.audit.export.told import acks_json, changed_json, people_json, records_json, source_json
from reconciler.audit.proof.signing import Signer
from reconciler.audit.record.groups import stamp
from reconciler.model.digest import Json, canonical_json
from reconciler.model.entry import UNKNOWN, Answer, Entry

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MEDIA_TYPE = "application/x-ndjson"
STATEMENT = "https://in-toto.io/Statement/v1"
# A name, not an address: nothing is to be fetched there.
PREDICATE = "tag:reconciler.dev,2026:routing-apply/v1"
_SHA256 = "sha256:"


def lines(entries: Iterable[Entry], given: Given, signer: Signer) -> Iterator[str]:
    """An envelope for each entry that served something; there is none for others."""
    for entry in entries:
        statement = _statement(entry, given)
        if statement is not None:
            yield json.dumps(enveloped(canonical_json(statement), signer)) + "\n"


def enveloped(payload: bytes, signer: Signer) -> dict[str, Json]:
    """A DSSE envelope (https://github.com/secure-systems-lab/dsse) around a payload."""
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    key = signer.public
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": b64encode(payload).decode("ascii"),
        "signatures": [{"keyid": f"{key.name}+{key.id.hex()}", "sig": b64encode(signer.sign(signed)).decode("ascii")}],
    }


def _statement(entry: Entry, given: Given) -> Json:
    """None where nothing is served by the entry, no digest names what is, or its records are damaged."""
    snapshot = facts.text(facts.last(entry, "served").get("snapshot"))
    if not entry.intact or facts.served(entry) is not Answer.YES or not snapshot.startswith(_SHA256):
        return None
    subjects: list[Json] = [{"name": "envoy-configuration", "digest": {"sha256": snapshot.removeprefix(_SHA256)}}]
    if entry.commit:
        commit: Json = {"name": entry.repository, "digest": {"gitCommit": entry.commit}}
        subjects.append(commit)
    return {"_type": STATEMENT, "subject": subjects, "predicateType": PREDICATE, "predicate": _predicate(entry, given)}


def _predicate(entry: Entry, given: Given) -> Json:
    found = facts.changes(entry)
    return {
        "decision": str(entry.decision),
        "happened": [str(one) for one in entry.happened],
        "reason": entry.reason,
        "startedAt": stamp(entry.time),
        "finishedAt": stamp(entry.finished_at) if entry.finished_at else None,
        "controller": facts.controller(entry) or UNKNOWN,
        "actor": entry.actor or None,
        "source": source_json(entry),
        "people": people_json(entry),
        "plan": {
            "digest": facts.change(entry).get("plan"),
            "snapshotBefore": facts.change(entry).get("snapshot_before"),
            "changes": [changed_json(each) for each in found],
            "risks": list(facts.risks(found)),
        },
        "exceptions": [*facts.exceptions(entry)],
        "verdicts": facts.last(entry, "verdicts"),
        "acknowledged": str(entry.acknowledged),
        "acknowledgements": acks_json(entry),
        "journal": {"origin": given.origin, "records": records_json(entry), "checkpoint": given.checkpoint},
    }
