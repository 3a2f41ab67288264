"""Checkpoints left outside, in files and in a real repository: what differs is an alarm, what fails is told once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.audit.anchor import Anchoring, InFile, Place, entry_name
from reconciler.audit.proof import offline
from reconciler.audit.proof.note import claimed, split
from reconciler.cli.audit.keys import checkpoints
from reconciler.cli.clock import now
from reconciler.model.errors import ReconcileError
from reconciler.model.happening import Happening, Note
from reconciler.model.health import AnchorHealth
from reconciler.sources import GitSettings
from reconciler.sources.git.left import InRef
from tests.support.exports import ORIGIN, OTHER, SIGNER, Whole, export, journal
from tests.support.journals import Clock, Shelf, apply, origin
from tests.support.past import Past
from tests.support.repositories import Repository
from tests.support.waiting import eventually

REF = "refs/reconciler/checkpoints"


@dataclass
class Told:
    """What the log is told."""

    states: list[AnchorHealth] = field(default_factory=list)

    def __call__(self, state: AnchorHealth) -> None:
        """One more."""
        self.states.append(state)


@pytest.fixture
def upstream(tmp_path: Path) -> Repository:
    """A repository with one commit."""
    made = Repository.create(tmp_path / "upstream")
    made.commit({"routes.yaml": ""})
    return made


@pytest.fixture(params=["file", "git"])
def place(request: pytest.FixtureRequest, tmp_path: Path, upstream: Repository) -> Callable[[], Place]:
    """Makes the same place anew, as another process would."""
    settings = GitSettings(str(upstream.path), tmp_path / "left", allow_local=True)
    if request.param == "file":
        return lambda: InFile(tmp_path / "anchors.txt", ORIGIN)
    return lambda: InRef(settings, REF, entry_name(ORIGIN))


def anchoring(past: Past, place: Place, told: Told) -> Anchoring:
    """At one place, by hand."""
    return Anchoring(past, [place], 3600, Clock(), told)


def test_what_is_left_is_read_again(place: Callable[[], Place]) -> None:
    """By the process that left it, and by another one; the newest counts."""
    first = place()
    assert first.newest() == ""
    for size in (1, 4, 9):
        text = journal(size).checkpoint()
        first.leave(text)
        assert first.newest() == place().newest() == text


def test_what_is_new_is_left_and_noted(place: Callable[[], Place]) -> None:
    """Once, with its place; our own note of it is nothing new."""
    past, told = Past(journal(3)), Told()
    at_work = anchoring(past, place(), told)
    at_work.once()
    at_work.once()
    name = place().name
    assert past.kept == [(name, 3)]
    assert [note.happening for note in past.notes] == [Happening.ANCHORED]
    assert past.notes[0].facts == {"places": [name], "size": 3}
    assert (at_work.states()[0].size, told.states) == (3, [])
    past.grow()
    at_work.once()
    assert past.kept[1:] == [(name, 5)]
    assert place().newest() == past.whole.checkpoint(5)


@pytest.mark.parametrize("forged", [journal(1, "b"), journal(2), journal(7, "another past")])
def test_another_past_is_an_alarm_and_the_evidence_stays(tmp_path: Path, forged: Whole) -> None:
    """Cut off, begun anew or rewritten: told once, noted, and nothing more is left where the truth stands."""

    def place() -> Place:
        return InFile(tmp_path / "anchors", ORIGIN)

    Anchoring(Past(journal(5)), [place()], 3600, Clock(), Told()).once()
    kept = place().newest()
    past, told = Past(forged), Told()
    at_work = anchoring(past, place(), told)
    for _ in range(3):
        at_work.once()
    assert place().newest() == kept
    assert past.kept == []
    assert len(told.states) == 1
    assert told.states[0].differs
    assert [note.happening for note in past.notes].count(Happening.ANCHOR_DIFFERS) == 1
    assert "cut off" in told.states[0].differs or "written anew" in told.states[0].differs


def test_what_fails_is_told_once_and_when_it_is_over(tmp_path: Path) -> None:
    """A folder that is not there: a note and a word, no more until it is; then what was missed is left."""
    folder = tmp_path / "mounted"
    past, told = Past(journal(3)), Told()
    at_work = anchoring(past, InFile(folder / "anchors", ORIGIN), told)
    for _ in range(3):
        at_work.once()
    assert [bool(state.failure) for state in told.states] == [True]
    assert [note.happening for note in past.notes] == [Happening.ANCHOR_FAILED]
    folder.mkdir()
    at_work.once()
    assert [bool(state.failure) for state in told.states] == [True, False]
    assert past.kept == [(f"file:{folder}/anchors", 4)]
    past.failing = True
    at_work.once()
    assert "the disk is gone" in at_work.states()[0].failure


def test_a_file_is_only_appended_to(tmp_path: Path) -> None:
    """What stood there before stays, also what is no checkpoint; another journal's are passed over."""
    path = tmp_path / "anchors"
    other = journal(2).checkpoint().replace(ORIGIN, "example.com/other")
    path.write_text(f"words of somebody\n\n{other}")
    mine = InFile(path, ORIGIN)
    assert mine.newest() == ""
    mine.leave(journal(3).checkpoint())
    with path.open("a") as file:
        file.write(other)
    assert mine.newest() == journal(3).checkpoint()
    assert path.read_text().startswith(f"words of somebody\n\n{other}")


def test_a_long_file_is_read_from_its_end(tmp_path: Path) -> None:
    """However much stands there."""
    path = tmp_path / "anchors"
    text = journal(1).checkpoint()
    path.write_text(text * 3000 + journal(2).checkpoint())
    assert InFile(path, ORIGIN).newest() == journal(2).checkpoint()
    with pytest.raises(ReconcileError, match="no checkpoint of this journal"):
        InFile(path, "example.com/another").newest()


def test_commits_in_a_ref_keep_what_others_left(tmp_path: Path, upstream: Repository) -> None:
    """Each checkpoint is a commit onto the one before; journals have files of their own; the branch is untouched."""
    before = upstream.head
    settings = [GitSettings(str(upstream.path), tmp_path / name, allow_local=True) for name in ("a", "b")]
    mine, other = (InRef(each, REF, name) for each, name in zip(settings, ("mine", "other"), strict=True))
    mine.leave("1\n")
    other.leave("2\n")
    mine.leave("3\n")
    assert (mine.newest(), other.newest()) == ("3\n", "2\n")
    assert upstream.git("rev-list", "--count", REF) == "3"
    assert upstream.git("show", f"{REF}:mine") == "3"
    assert upstream.head == before


def test_what_is_gone_from_a_place_is_an_alarm(
    place: Callable[[], Place], tmp_path: Path, upstream: Repository
) -> None:
    """Taken away while we look on, or before this process began: what was left must stay."""
    past, told = Past(journal(5)), Told()
    at_work = anchoring(past, place(), told)
    at_work.once()
    (tmp_path / "anchors.txt").unlink(missing_ok=True)
    upstream.git("update-ref", "-d", REF)
    past.grow()
    at_work.once()
    assert "is gone" in told.states[0].differs
    assert place().newest() == ""
    again = Told()
    Anchoring(past, [place()], 3600, Clock(), again, {place().name: (5, 0.0)}).once()
    assert "is gone" in again.states[0].differs


def test_a_ref_that_somebody_rewrote_is_an_alarm(tmp_path: Path, upstream: Repository) -> None:
    """Where it was deleted, all begins anew, as at a place that is new; an older state of it stays provable."""
    settings = GitSettings(str(upstream.path), tmp_path / "left", allow_local=True)
    place = InRef(settings, REF, "mine")
    place.leave(journal(3, "b").checkpoint())
    past, told = Past(journal(5)), Told()
    anchoring(past, place, told).once()
    assert "written anew" in told.states[0].differs


def test_no_repository_is_told_without_its_secrets(tmp_path: Path) -> None:
    """As for the source: our words."""
    place = InRef(GitSettings(str(tmp_path / "nothing"), tmp_path / "left", allow_local=True), REF, "mine")
    with pytest.raises(ReconcileError):
        place.newest()


def test_it_works_in_the_background_and_once_more_at_the_end(tmp_path: Path) -> None:
    """At the start, and when the controller stops; nobody waits in between."""
    past = Past(journal(2))
    place = InFile(tmp_path / "anchors", ORIGIN)
    at_work = Anchoring(past, [place], 3600, Clock(), Told())
    at_work.start()
    eventually(lambda: past.notes)
    past.grow()
    at_work.close()
    assert place.newest() == past.whole.checkpoint(4)
    assert (tmp_path / "anchors").read_text() == journal(2).checkpoint() + journal(4).checkpoint()


@pytest.mark.parametrize("cut", range(1, len(journal(5).checkpoint()), 9))
def test_a_torn_append_is_not_the_end_of_it(tmp_path: Path, cut: int) -> None:
    """Wherever a full disk or a crash cut it off: no alarm, and the next one stands whole behind it."""
    path = tmp_path / "anchors"
    place = InFile(path, ORIGIN, [SIGNER.public])
    place.leave(journal(3).checkpoint())
    with path.open("a") as file:
        file.write(journal(5).checkpoint()[:cut])
    assert InFile(path, ORIGIN, [SIGNER.public]).newest() == place.newest() == journal(3).checkpoint()
    past, told = Past(journal(5)), Told()
    Anchoring(past, [place], 3600, Clock(), told, {place.name: (3, 0.0)}, [SIGNER.public]).once()
    assert told.states == []
    assert place.newest() == journal(5).checkpoint()


FOREIGN = [
    journal(9).checkpoint(signer=OTHER),
    journal(900, "x").checkpoint(signer=OTHER),
    journal(9).checkpoint().replace("\n9\n", "\n8\n"),
    f"{ORIGIN}\nnothing\n\n— {ORIGIN} AAAA\n",
]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_somebody_appends_is_passed_over(tmp_path: Path, foreign: str) -> None:
    """Neither an alarm nor the end of anchoring: a warning, and what we left before still counts."""
    path, warned = tmp_path / "anchors", list[str]()
    place = InFile(path, ORIGIN, [SIGNER.public], warned.append)
    place.leave(journal(3).checkpoint())
    with path.open("a") as file:
        file.write(foreign)
    told = Told()
    Anchoring(Past(journal(5)), [place], 3600, Clock(), told, {place.name: (3, 0.0)}, [SIGNER.public]).once()
    assert told.states == []
    assert warned == ["1 note at its end passed over: cut off, or not signed by this journal"]
    assert place.newest() == journal(5).checkpoint()
    whole = journal(5)
    found = offline.check(export(whole), [SIGNER.public], checkpoints([path]))
    assert (found.finding, set(found.compared)) == ("", {3, 5})


def test_what_takes_the_place_of_ours_is_an_alarm_still(tmp_path: Path) -> None:
    """Where only the newest stands: nothing of ours is there any more. At a place that is new to us it is no matter."""
    path = tmp_path / "anchors"
    path.write_text(FOREIGN[0])
    for before, size in ((3, 0), (0, 5)):
        told = Told()
        place = InFile(path, ORIGIN)  # gives what stands there, whoever signed it
        Anchoring(Past(journal(5)), [place], 3600, Clock(), told, {place.name: (before, 0.0)}, [SIGNER.public]).once()
        assert bool(told.states[0].differs) == bool(before)
        assert ("is gone" in told.states[0].differs) or ("passed over" in told.states[0].failure)
        assert (place.newest() == journal(5).checkpoint()) == bool(size)


def test_what_a_key_signed_that_is_gone_by_now_is_of_this_past(tmp_path: Path) -> None:
    """No alarm after a key was lost and another one taken."""
    place = InFile(tmp_path / "anchors", ORIGIN, [OTHER.public])
    place.leave(journal(3).checkpoint())
    told = Told()
    Anchoring(Past(journal(5)), [place], 3600, Clock(), told, {place.name: (3, 0.0)}, [OTHER.public]).once()
    assert told.states == []


def test_processes_that_come_and_go_leave_one_an_interval(tmp_path: Path) -> None:
    """As `sync` of a CronJob does: nothing at the start that was left not long ago, one at the end if there is news."""
    place = InFile(tmp_path / "anchors", ORIGIN, [SIGNER.public])
    shelf = Shelf(tmp_path / "journal.db")

    def process(applied: int = 0, *, pause: float = 3600) -> list[int]:
        """The sizes of checkpoints at the place after one process, which says when it begins and ends."""
        made = shelf.open(signer=SIGNER, origin=ORIGIN)
        proofs = made.proofs()
        made.note(Note(Happening.AUDIT_START, "begins"))
        at_work = Anchoring(proofs, [place], pause, now, Told(), proofs.left(), [SIGNER.public])
        at_work.start()
        if applied:
            apply(made, applied, [origin("api")])
        made.note(Note(Happening.AUDIT_STOP, "ends"))
        at_work.close()
        made.close()
        return [claimed(text).size for text in split((tmp_path / "anchors").read_text())] if place.newest() else []

    assert process() == []
    assert len(process(1, pause=0.001)) in (1, 2)
    before = process()
    assert process() == before
    assert process() == before
    again = process(2)
    assert len(again) == len(before) + 1
    assert process() == again
    assert process(pause=0) == again
