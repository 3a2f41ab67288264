"""What others hold our formats against: their libraries and schemas."""

import csv
import io
import json
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

import html5lib
from cloudevents.core.formats.json import JSONFormat
from google.protobuf.json_format import ParseDict
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from markdown_it import MarkdownIt
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from securesystemslib.dsse import Envelope
from securesystemslib.signer._key import SSlibKey

from reconciler.audit.export.ocsf import VERSION
from reconciler.audit.export.table import COLUMNS
from reconciler.audit.proof.signing import PublicKey

_CLOUDEVENTS = Path(__file__).parent / "schemas" / "cloudevents-1.0.json"


def table(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file: every line ends as RFC 4180 has it, has every column, and is one line."""
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert text.replace("\r\n", "").isprintable()
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[0] == list(COLUMNS)
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert len(rows) == text.count("\r\n")
    assert not [cell for row in rows for cell in row if cell.lstrip()[:1] in tuple("=+@")]
    assert not [cell for row in rows for cell in row if cell.startswith("-") and not cell[1:].isdigit()]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def cloudevents(text: str) -> list[dict[str, Any]]:
    """The events of a batch: by the project's schema, and read by its own library."""
    batch = json.loads(text)
    validator = Draft7Validator(json.loads(_CLOUDEVENTS.read_bytes()), format_checker=FormatChecker())
    for event in batch:
        validator.validate(event)
        read = JSONFormat().read(None, json.dumps(event))
        assert (read.get_specversion(), read.get_id(), read.get_data()) == ("1.0", event["id"], event["data"])
        at = read.get_time()
        assert at is not None
        assert at.isoformat(timespec="milliseconds").replace("+00:00", "Z") == event["time"]
    return [*batch]


@cache
def _ocsf() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION))


@cache
def _ocsf_class(uid: int) -> Draft202012Validator:
    schemas = _ocsf()
    return Draft202012Validator(schemas.get_class_schema(schemas.lookup_class_name_from_uid(uid)))


def ocsf(text: str) -> list[dict[str, Any]]:
    """The events of a file, by the JSON schema of the class that each says it is, of the version it says."""
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        _ocsf_class(event["class_uid"]).validate(event)
        assert event["metadata"]["version"] == _ocsf().schema.schema["version"]
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    return events


def intoto(text: str, key: PublicKey) -> list[dict[str, Any]]:
    """The statements of a file: signatures by securesystemslib, statements by in-toto's own library."""
    return [_intoto(json.loads(line), key) for line in text.splitlines()]


def _intoto(told: dict[str, Any], key: PublicKey) -> dict[str, Any]:
    identity = told["signatures"][0]["keyid"]
    envelope = Envelope.from_dict(told)
    envelope.verify([SSlibKey(identity, "ed25519", "ed25519", {"public": key.raw.hex()})], 1)
    assert envelope.payload_type == "application/vnd.in-toto+json"
    assert told["payload"] == b64encode(envelope.payload).decode()
    statement: dict[str, Any] = json.loads(envelope.payload)
    Statement.copy_from_pb(ParseDict(statement, statement_pb2.Statement())).validate()
    return statement


def html(text: str) -> list[tuple[str, str]]:
    """The elements of a page with their text, in order; any fault in its syntax is one."""
    document = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    return [(str(each.tag), each.text or "") for each in document.iter()]


def markdown(text: str) -> list[str]:
    """What forges make of it: the kinds of tokens in order, nested ones too; links of bare addresses among them."""
    parser = MarkdownIt("gfm-like", {"linkify": False})
    found = []
    for token in parser.parse(text):
        found.append(token.type)
        found.extend(child.type for child in token.children or ())
    return found
