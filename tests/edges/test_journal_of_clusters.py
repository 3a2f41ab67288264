"""What the journal records and gives back of documents that stand in objects of a cluster."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from reconciler.audit import Journal
from reconciler.model.audit import Documents
from reconciler.model.decision import Trigger
from reconciler.model.provenance import ObjectTouch, Provenance, object_path
from reconciler.model.source import ObjectChange, ObjectOp, Revision
from tests.support.journals import NOON, SNAPSHOT, apply, attempt, conclusion, journal, origin

WEB = object_path("Service", "default", "web")
TOUCH = ObjectTouch("6a1c", "881", "kubectl-edit", NOON, NOON - timedelta(days=9))
WRITTEN = replace(origin("web"), provenance=Provenance(WEB, 3, TOUCH))


def _body(opened: Journal, sequence: int) -> dict[str, Any]:
    return next(record.body for record in opened.records() if record.sequence == sequence)


def test_a_document_of_an_annotation_comes_back_with_who_wrote_it(tmp_path: Path) -> None:
    """Also after a restart, beside one of a file; and one whose manager is not known."""
    opened = journal(tmp_path / "journal.db")
    nobody = replace(origin("x"), provenance=Provenance(WEB, 9, replace(TOUCH, manager="")))
    apply(opened, 1, [origin("api"), WRITTEN, nobody])
    opened.close()
    again = journal(tmp_path / "journal.db")
    assert again.served().origins == (origin("api"), WRITTEN, nobody)
    assert again.verify().bad is None
    again.close()


def test_a_change_of_the_cluster_names_the_objects_and_no_commit(tmp_path: Path) -> None:
    """What changed, which version, who wrote it and when; a file is not blamed."""
    opened = journal(tmp_path / "journal.db")
    cluster = Revision("main", "1" * 40, "ab" * 32)
    changes = (ObjectChange(WEB, ObjectOp.CHANGED, TOUCH), ObjectChange(f"{WEB}2", ObjectOp.REMOVED, TOUCH))
    tried = attempt(
        1, trigger=Trigger.ANNOTATION_CHANGED, revision=cluster, commit=None, commits_in_range=(), objects=changes
    )
    sequence = opened.intend(tried)
    opened.conclude(sequence, conclusion(tried), None, SNAPSHOT)
    body = _body(opened, sequence)
    assert (body["trigger"], body["source"]["commit"], body["source"]["commits"]) == ("AnnotationChanged", None, [])
    assert body["source"]["cluster"] == "ab" * 32
    assert [(one["object"], one["change"]) for one in body["source"]["objects"]] == [
        (WEB, "changed"),
        (f"{WEB}2", "removed"),
    ]
    assert body["source"]["objects"][0]["version"] == {
        "uid": "6a1c",
        "resource_version": "881",
        "manager": "kubectl-edit",
        "changed_at": "2026-05-06T12:00:00.000Z",
    }
    assert body["revisions"]["last_attempted"] == f"main@sha1:{'1' * 40}+cluster@sha256:{'ab' * 32}"
    opened.close()


def test_a_journal_of_a_cluster_alone_reads_back(tmp_path: Path) -> None:
    """The revision names no commit, and is known after a restart."""
    opened = journal(tmp_path / "journal.db")
    alone = Revision("", "", "cd" * 32)
    tried = attempt(1, revision=alone, commit=None, commits_in_range=(), previous=alone)
    assert _body(opened, opened.intend(tried))["source"]["previous_applied"] is None
    opened.close()
    again = journal(tmp_path / "journal.db")
    unfinished = again.unfinished()
    assert unfinished is not None
    again.interrupt(unfinished)
    done = again.intend(tried)
    again.conclude(done, conclusion(tried), Documents.of([WRITTEN]), SNAPSHOT)
    assert again.served().revision == alone
    assert again.verify().bad is None
    again.close()
