"""Each format is what others take for one, and says what the journal says."""

import json
from dataclasses import replace

import pytest
from securesystemslib.exceptions import VerificationError

from reconciler.audit.export import cloudevents, intoto, ocsf
from reconciler.audit.export import table as tables
from reconciler.audit.proof.note import opened
from tests.support import export_checks as checks
from tests.support.exported import ORIGIN, SIGNER, entries, formats, given, sample
from tests.support.exports import OTHER

RECORDS = sample()
ENTRIES = entries(RECORDS)
MADE = formats(RECORDS)


def test_a_row_for_each_change() -> None:
    """Also of what was refused, and of what nobody knows how it ended."""
    rows = checks.table(MADE["export.csv"])
    told = {(row["entry"], row["op"], row["kind"], row["name"], row["applied"]) for row in rows}
    assert ("3", "create", "Mapping", "shop", "yes") in told
    assert ("5", "update", "Mapping", "shop", "yes") in told
    assert ("7", "delete", "Mapping", "shop", "no") in told
    assert ("8", "delete", "Mapping", "shop", "unknown") in told
    assert ("12", "delete", "Mapping", "shop", "unknown") in told
    shop = next(row for row in rows if row["entry"] == "3" and row["name"] == "shop")
    assert shop["approvers"] == "bob"
    assert shop["approved"] == "yes"
    assert shop["place_after"] == "routes/shop.yaml:1"
    assert shop["record_hash"] == RECORDS[3].hash


def test_what_nobody_asked_for_is_unknown() -> None:
    """Not empty, and not no."""
    row = next(row for row in checks.table(MADE["export.csv"]) if row["entry"] == "5")
    assert {row[name] for name in ("pull_request", "approvers", "approved")} == {"unknown"}


def test_the_rows_of_nothing_are_a_heading() -> None:
    """Who reads it by columns finds them."""
    assert checks.table("".join(tables.rows([]))) == []


@pytest.mark.parametrize("value", ["=1", "+1", "-1", "@x", " =1", "\t=1", "\uff1d1"])
def test_no_cell_is_a_formula(value: str) -> None:
    """Whatever it begins with."""
    assert tables.cell(value).startswith(("'", "\\t="))


def test_numbers_stay_numbers() -> None:
    """Clocks differ, so a lead time may be below zero."""
    assert tables.cell(-5) == "-5"


def test_cloudevents_tell_every_happening_and_every_change() -> None:
    """Ids are unique, and say where the journal has it."""
    events = checks.cloudevents(MADE["export.cloudevents.json"])
    assert len({event["id"] for event in events}) == len(events)
    assert {event["source"] for event in events} == {ORIGIN}
    types = {event["type"] for event in events if event["id"].startswith("5/")}
    words = ("break-glass", "drift-found", "drift-healed", "partial")
    happened = {f"dev.reconciler.journal.{word}" for word in words}
    assert types == happened | {f"dev.reconciler.route.{op}" for op in ("create", "update", "delete")}
    told = next(event for event in events if event["id"] == "3/create/Mapping/default/shop")
    assert told["subject"] == "Mapping/default/shop"
    assert told["data"]["people"]["approved"] == "yes"
    assert next(event for event in events if event["id"] == "3/apply")["subject"] == ENTRIES[1].commit


def test_what_is_under_way_has_no_event_yet() -> None:
    """Else the same id would tell two things."""
    assert not [each for each in cloudevents.events(ENTRIES, given(RECORDS)) if str(each["id"]).startswith("12/")]
    assert ENTRIES[-1].sequence == 12


def test_a_batch_of_nothing_is_a_batch() -> None:
    """An empty list is one in JSON, too."""
    assert json.loads("".join(cloudevents.batch([], given(RECORDS)))) == []


def test_ocsf_classes() -> None:
    """Routes by what was done to them, drift as a changed state, and what concerns the log as such."""
    events = checks.ocsf(MADE["export.ocsf.jsonl"])
    told = {(event["type_uid"], event["status"]) for event in events}
    assert {(300401, "Success"), (300403, "Success"), (300404, "Failure"), (300404, "Unknown")} <= told
    assert {(501901, "Success"), (100806, "Success"), (100803, "Success"), (300412, "Success")} <= told
    assert len({event["metadata"]["uid"] for event in events}) == len(events)
    drift = next(event for event in events if event["class_uid"] == 5019)
    assert (drift["device"]["name"], drift["actor"]["user"]["name"]) == ("xds", "kubectl-edit")


def test_every_entry_that_ended_is_told_in_ocsf() -> None:
    """None is left out because no class seems to fit."""
    told = {event["metadata"]["uid"].removeprefix(f"{ORIGIN}/").split("/")[0] for event in map(json.loads, _ocsf())}
    assert told == {str(entry.sequence) for entry in ENTRIES if entry.finished_at}


def _ocsf() -> list[str]:
    return list(ocsf.lines(ENTRIES, given(RECORDS)))


def test_statements_are_of_what_is_served() -> None:
    """One for each apply: the configuration and the commit, where the journal has it, and who let it through."""
    first, second = checks.intoto(MADE["export.intoto.jsonl"], SIGNER.public)
    configuration, commit = first["subject"]
    served = RECORDS[3].body["served"]
    assert isinstance(served, dict)
    assert f"sha256:{configuration['digest']['sha256']}" == served["snapshot"]
    assert commit["digest"]["gitCommit"] == ENTRIES[1].commit
    told = first["predicate"]
    assert [each["hash"] for each in told["journal"]["records"]] == [RECORDS[2].hash, RECORDS[3].hash]
    assert opened(told["journal"]["checkpoint"], [SIGNER.public]).size == len(RECORDS)
    assert told["people"]["approved"] == "yes"
    assert (second["predicate"]["decision"], second["predicate"]["people"]["approved"]) == ("Partial", "unknown")


def test_a_statement_that_another_key_signed_is_none() -> None:
    """The library that says so is not ours."""
    forged = "".join(intoto.lines(ENTRIES, given(RECORDS), OTHER))
    with pytest.raises(VerificationError):
        checks.intoto(forged, SIGNER.public)


def test_an_evidence_pack_names_what_is_missing() -> None:
    """In the summary, and at the entry."""
    words = [text for tag, text in checks.html(MADE["pack.html"]) if tag in ("li", "td")]
    for exception in ("approval unknown", "outside the expected hours", "somebody else had changed what was served"):
        assert words.count(exception) >= 2


def test_a_pack_is_one_page_without_anything_that_runs() -> None:
    """Nothing is fetched, and nothing is a script."""
    tags = {tag for tag, _ in checks.html(MADE["pack.html"])}
    assert not tags & {"script", "link", "img", "iframe", "a", "form", "object", "embed"}
    assert "prefers-color-scheme: dark" in MADE["pack.html"]
    assert "@media print" in MADE["pack.html"]


@pytest.mark.parametrize("name", ["pack.html", "pack.md"])
def test_a_pack_says_where_the_journal_has_it(name: str) -> None:
    """Numbers and hashes of records, the checkpoint, and how to check them."""
    for record in RECORDS[1:]:
        assert record.hash in MADE[name]
    assert given(RECORDS).checkpoint.splitlines()[2] in MADE[name]
    assert "reconciler audit verify" in MADE[name]


@pytest.mark.parametrize("value", ["a;=1", "a; +1", 'a;"@x"', "x; -y", "a;=1;=2"])
def test_no_cell_has_a_formula_behind_a_semicolon(value: str) -> None:
    """Where commas stand in numbers, programs for tables are told that semicolons separate."""
    cells = tables.cell(value).split(";")
    assert not [each for each in cells if each.strip(' "').startswith(("=", "+", "-", "@"))]


def test_a_tab_separates_nothing() -> None:
    """It is shown as what it is."""
    assert "\t" not in tables.cell("a\t=1")


def test_who_approved_alone_is_unknown_where_nobody_asked() -> None:
    """It is neither yes nor no, in no format."""
    rows = {row["entry"]: row["self_approved"] for row in checks.table(MADE["export.csv"])}
    assert (rows["3"], rows["5"]) == ("no", "unknown")
    events = {event["id"]: event for event in checks.cloudevents(MADE["export.cloudevents.json"])}
    assert [
        events[f"{each}/{what}"]["data"]["people"]["self_approved"] for each, what in ((3, "apply"), (5, "partial"))
    ] == [
        "no",
        "unknown",
    ]


def test_what_was_not_applied_has_another_type() -> None:
    """Who looks at the type alone, or at the attribute, takes nothing refused for something that was done."""
    events = checks.cloudevents(MADE["export.cloudevents.json"])
    told = {(event["id"].split("/")[0], event["type"], event["applied"]) for event in events if "applied" in event}
    assert ("3", "dev.reconciler.route.create", "yes") in told
    assert ("7", "dev.reconciler.route.delete.refused", "no") in told
    assert ("8", "dev.reconciler.route.delete.unknown", "unknown") in told
    assert {applied for _, kind, applied in told if kind.count(".") == 3} == {"yes"}


def test_ocsf_names_who_asked() -> None:
    """Before the author of the commit, who is told beside it; and who overrode a safeguard, with what that was."""
    events = checks.ocsf(MADE["export.ocsf.jsonl"])
    by_uid = {event["metadata"]["uid"].removeprefix(f"{ORIGIN}/"): event for event in events}
    assert by_uid["10/suspend"]["actor"]["user"]["name"] == "ann"
    broken = by_uid["5/break-glass"]
    assert broken["actor"]["user"]["name"] == "eve"
    told = {each["name"]: each for each in broken["enrichments"]}
    assert told["safeguard overridden"]["data"]["refusals"][0]["reason"] == "TooManyDeletes"
    assert told["author"]["value"].startswith("Eve | <b>")
    asked = replace(ENTRIES[1], actor="carol")
    (event, *_) = map(json.loads, ocsf.lines([asked], given(RECORDS)))
    assert event["actor"]["user"] == {"name": "carol", "type_id": 0, "type": "Unknown"}
    assert "Ann <ann@example.com>" in [each["value"] for each in event["enrichments"]]
