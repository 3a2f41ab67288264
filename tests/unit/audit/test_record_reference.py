"""docs/reference/audit-record.md names every field of a record, and none that no record has."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.audit.proof.chain import SCHEMA_VERSION, seal
from reconciler.audit.record import records
from reconciler.model.audit import Event
from reconciler.model.check import COMPILED
from reconciler.model.controller import Controller
from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.effect import Ack, AckState, Drift, Evidence, Placed
from reconciler.model.happening import Actor, Happening, Note
from reconciler.model.origin import Attached
from reconciler.model.plan import (
    Change,
    DocumentChange,
    EdgeChange,
    FieldChange,
    HostChange,
    Op,
    Refusal,
    RefusalReason,
)
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import ObjectTouch, Provenance, Touch
from reconciler.model.resource import Kind, ResourceId
from reconciler.model.review import Approval, CheckRun, Review
from reconciler.model.risk import Risk
from reconciler.model.source import ObjectChange, ObjectOp, Revision, Signature
from tests.support.journals import NOON, attempt, commit, conclusion, plan

PAGE = Path(__file__).parents[3] / "docs/reference/audit-record.md"
# Names below these are not ours to list.
OPEN = ("effect.versions", "database", "all_checks.counts")
# These have a table of their own.
PARTS = ("fields", "before", "after", "place", "version", "author", "committer")

FIELDS = (FieldChange("path", "prefix /a/", "prefix /"),)
OBJECT = ObjectTouch("0-1", "42", "kubectl", NOON)
NAME = ResourceId(Kind.MAPPING, "default", "api")


def paths(value: Json, at: str = "") -> Iterator[str]:
    """The place of every value: `a.b`, and `a[].b` in a list of objects."""
    if at.rpartition(".")[2] in PARTS:
        yield at
    elif isinstance(value, dict) and at not in OPEN and value:
        for name, inner in value.items():
            yield from paths(inner, f"{at}.{name}".lstrip("."))
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for item in value:
            yield from paths(item, f"{at}[]")
    else:
        yield at


def bodies() -> Iterator[dict[str, Json]]:
    """Records of every event, in which everything is that can be."""
    touched = (Provenance("a.yaml", 1, Touch("1" * 40, "Ann", NOON)), Provenance("cluster://x", 1, OBJECT))
    wide = replace(
        plan("api"),
        changes=(Change(Op.UPDATE, NAME, FIELDS, *touched, policies=(Attached("policy", touched[0]),)),),
        hosts=(HostChange(Op.UPDATE, "http", "a", (FieldChange("tls", "a", ""),)),),
        edge=(EdgeChange(Op.DELETE, "AuthService a", FIELDS, "NO LONGER"),),
        refusals=(Refusal(RefusalReason.UNGUARDED, "words"),),
        lifted=(Refusal(RefusalReason.UNGUARDED, "words"),),
        documents=(DocumentChange(Op.UPDATE, ResourceId(Kind.HOST, "default", "a"), *touched),),
    )
    made = commit(1, subject="ABC-1 (#2)", signature=Signature.SSH, merge_request="a/b!2")
    people = ("Reviewed-by", "Approved-by", "Acked-by", "PR-URL")
    made = replace(made, trailers=tuple((name, "https://git.example.com/pulls/2") for name in people))
    approval, run = Approval("bea", NOON, "1" * 40, "bea@example.com"), CheckRun("tests", "success")
    whole = attempt(
        1,
        commit=made,
        commits_in_range=(replace(made, paths=("a.yaml",)),),
        commits_omitted=1,
        plan=wide,
        review=Review("2", "https://x", "title", "ann", (approval,), "bea", NOON, (run,), "ann"),
        controller=Controller("a", "b", "c", "d", 1),
        actor=Actor("eve", "kubectl"),
        allowed_by=Actor("", "setting"),
        drift=(Drift("files:/x", "gone"),),
        unrecorded=("files:/y",),
        revision=Revision("main", made.sha, "0" * 64),
        objects=(ObjectChange("cluster://x", ObjectOp.CHANGED, OBJECT),),
    )
    found = Problem(Code.BAD_REGEX, Severity.ERROR, "words", touched[0])
    ack = Ack("xds", "envoy-1", "t", "1", AckState.NACKED, Evidence.STREAM, "no")
    ended = conclusion(
        whole,
        ran=COMPILED,
        problems=(found,) * 501,
        rejections=(ack,),
        placed=(Placed("xds", "a/b", "0-1", "42"),),
        quarantined=((NAME, True),),
        plan=plan("other"),
    )
    served = records.served_summary(whole.revision, digest_bytes(b""), 1, digest_bytes(b"1"))
    intent = records.intent(whole)
    yield intent
    yield records.intent(attempt(1))
    yield records.result(1, intent, ended, served)
    yield records.result(1, intent, replace(ended, plan=wide), None)
    yield records.decision(whole, ended, served)
    yield records.interrupted(1, intent, records.NOT_WRITTEN)
    yield records.started("1.2.3", None)
    yield records.note(Note(Happening.EXPORT, "words", Actor("eve", "command line")))


def documented() -> set[str]:
    """The names in the first column of the tables that are about fields."""
    fields = PAGE.read_text().partition("## What the notes hold")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", fields, flags=re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_field_is_explained() -> None:
    """By its place, as `jq` takes it; and nothing is explained that no record has."""
    zero = Digest("sha256:" + "0" * 64)
    known: set[str] = set()
    for body in bodies():
        sealed, _, _ = seal(1, "2026-05-06T12:00:00.000Z", Event.INTENT, zero, body)
        known.update(paths(sealed))
    # What is sometimes unknown or empty as a whole is told by its fields.
    known = {one for one in known if not any(other.startswith((f"{one}.", f"{one}[]")) for other in known)}
    assert documented() == known


def test_the_words_of_a_record_are_explained() -> None:
    """Every happening, every risk, and the number of the schema."""
    page = PAGE.read_text()
    missing: list[Any] = [word for word in (*Happening, *Risk) if f"`{word}`" not in page]
    assert not missing
    assert f"schema {SCHEMA_VERSION}" in page
