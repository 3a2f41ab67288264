"""The file of the key that signs the journal: made once, for its owner alone, never overwritten; and a new one."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reconciler.audit import Journal, key_file
from reconciler.audit.proof import lines, note, offline
from reconciler.audit.proof.signing import PublicKey, Signer
from reconciler.audit.store.proving import Range
from reconciler.cli.main import cli
from reconciler.model.errors import Stalled
from reconciler.model.happening import Actor, Happening
from reconciler.model.health import AnchorHealth, Health
from reconciler.web import Metrics
from tests.support.exports import ORIGIN, SIGNER
from tests.support.journals import Clock, apply, attempt, origin


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """With its folder, readable by its owner alone; the second process finds the first one's."""
    path = tmp_path / "state" / key_file.NAME
    made = key_file.signer(path, ORIGIN, make=True)
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    assert key_file.signer(path, ORIGIN, make=True).public == made.public
    assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == [key_file.NAME]


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o620, 0o602, 0o666])
def test_a_key_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    """Whoever read it can sign; a group may read it, as a mounted Secret has it."""
    path = tmp_path / key_file.NAME
    key_file.signer(path, ORIGIN, make=True)
    path.chmod(0o640)
    assert key_file.public(path, ORIGIN) is not None
    path.chmod(mode)
    with pytest.raises(Stalled, match="others may read or change it"):
        key_file.signer(path, ORIGIN, make=True)
    assert key_file.public(path, ORIGIN) is None


@pytest.mark.parametrize("content", [b"", b"nothing", SIGNER.public.pem().encode(), SIGNER.secret_pem()[:60]])
def test_what_is_no_key_is_refused_and_stays(tmp_path: Path, content: bytes) -> None:
    """It may be the only copy of something; the message has none of it."""
    path = tmp_path / key_file.NAME
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Stalled) as refused:
        key_file.signer(path, ORIGIN, make=True)
    assert path.read_bytes() == content
    assert content[28:50].decode() not in str(refused.value) or len(content) < 50
    with pytest.raises(Stalled, match="can't be read"):
        key_file.signer(tmp_path / "nowhere", ORIGIN, make=False)


def test_a_new_key_is_announced_by_the_old(tmp_path: Path) -> None:
    """Who has the old public key alone follows it; who has the new one alone checks what it signed."""
    path, place = tmp_path / key_file.NAME, tmp_path / "journal.db"
    old = key_file.signer(path, ORIGIN, make=True)
    journal = Journal.open(place, Clock(), signer=old, origin=ORIGIN)
    apply(journal, 1, [origin("api")])
    new = key_file.new(ORIGIN)
    kept = key_file.prepare(path, new)
    number = journal.proofs().announce(new, Actor("ann", "command line"))
    key_file.take(path)
    journal.close()
    found = journal_of(place, path)
    found.intend(attempt(2))
    entry = found.entry(number)
    assert entry is not None
    assert entry.happened == (Happening.KEY_CHANGED,)
    assert key_file.publics(path, ORIGIN) == [new.public, old.public]
    assert kept.stat().st_mode & 0o777 == 0o600
    for keys in ([old.public], [new.public], [new.public, old.public]):
        assert not found.verify(keys).finding
        checked = offline.check(found.proofs().export(Range()), keys)
        assert (checked.finding, checked.key) == ("", str(new.public))
    assert found.proofs().trusted([old.public]) == [old.public, new.public]
    assert "none of the keys" in found.verify([SIGNER.public]).finding
    found.close()


def journal_of(place: Path, key: Path) -> Journal:
    """The journal, signed with what is in the file now."""
    return Journal.open(place, Clock(), signer=key_file.signer(key, ORIGIN, make=False), origin=ORIGIN)


def test_exports_of_the_database_prove_themselves(tmp_path: Path) -> None:
    """All of it, and every part; a part is as large as its proofs."""
    journal = Journal.open(tmp_path / "journal.db", Clock(), signer=SIGNER, origin=ORIGIN)
    for number in (1, 2, 3):
        apply(journal, number, [origin("api")])
    proofs = journal.proofs()
    size, text = proofs.newest()
    assert proofs.root_at(size) == note.opened(text, [SIGNER.public]).root
    for first in range(1, size + 1):
        for last in range(first, size + 1):
            made = list(proofs.export(Range(first, last)))
            found = offline.check(made, [SIGNER.public])
            assert (found.finding, found.records) == ("", last - first + 1)
            assert lines.read_header(made[0]).public_key == str(SIGNER.public)
    with pytest.raises(Stalled, match="has records 1 to"):
        list(proofs.export(Range(2, size + 1)))
    journal.close()


def test_a_journal_that_nothing_signs_proves_nothing(tmp_path: Path) -> None:
    """And says so."""
    journal = Journal.open(tmp_path / "journal.db", Clock())
    with pytest.raises(Stalled, match="no signed checkpoint"):
        list(journal.proofs().export(Range()))
    with pytest.raises(Stalled, match="no key signs"):
        journal.proofs().announce(SIGNER, Actor("ann"))
    journal.close()


def test_metrics_tell_of_anchors() -> None:
    """One line for each place."""
    anchors = (AnchorHealth("file:/a", 7, 9.0), AnchorHealth("git:refs/b", failure="away", differs="cut off"))
    text = Metrics(lambda: 0, health=lambda: Health(anchors=anchors)).text().decode()
    assert 'reconciler_anchor_records{place="file:/a"} 7.0' in text
    assert 'reconciler_anchor_failing{place="git:refs/b"} 1.0' in text
    assert 'reconciler_anchor_differs{place="git:refs/b"} 1.0' in text
    assert 'reconciler_anchor_differs{place="file:/a"} 0.0' in text


def test_a_key_that_is_lost_is_not_replaced_unseen(tmp_path: Path) -> None:
    """None is made for a journal that is there, and another one signs nothing; `adopt` lets it, and tells."""
    path, place = tmp_path / key_file.NAME, tmp_path / "journal.db"

    def controller(*, adopt: bool = False) -> Journal:
        return Journal.open(place, Clock(), signer=given, adopt=adopt)

    def given(name: str, begins: bool) -> Signer:
        return key_file.signer(path, name, make=begins)

    journal = controller()
    apply(journal, 1, [origin("api")])
    journal.close()
    old = key_file.public(path, "reconciler/journal")
    assert old is not None
    path.unlink()
    with pytest.raises(Stalled, match="--adopt"):
        controller()
    assert not path.exists()
    key_file.signer(path, old.name, make=True)
    with pytest.raises(Stalled, match="another one did"):
        controller()
    found = controller(adopt=True)
    number = found.proofs().adopt(Actor("ann"))
    apply(found, 2, [origin("api")])
    entry = found.entry(number)
    assert entry is not None
    assert entry.happened == (Happening.KEY_CHANGED,)
    assert "no older key announced it" in entry.message
    found.close()
    journal = controller()
    new = journal.standing().key
    assert new != str(old)
    assert journal.proofs().adopt(Actor("ann")) == 0
    assert not journal.verify([PublicKey.parse(new)]).finding
    assert not offline.check(journal.proofs().export(Range()), [PublicKey.parse(new)]).finding
    assert "none of the keys" in journal.verify([old]).finding
    assert "none of the keys" in offline.check(journal.proofs().export(Range()), [old]).finding
    journal.close()


def test_a_journal_keeps_its_name(tmp_path: Path) -> None:
    """However who writes it is called now; one that is named otherwise is refused before anything is written."""
    place = tmp_path / "journal.db"
    Journal.open(place, Clock(), signer=SIGNER, origin=ORIGIN).close()
    for wanted in ("", ORIGIN):
        journal = Journal.open(place, Clock(), signer=lambda name, _begins: key_named(name), origin=wanted)
        journal.intend(attempt(1), instead=True)
        assert (journal.proofs().origin(), journal.standing().key) == (ORIGIN, str(SIGNER.public))
        assert not journal.verify([SIGNER.public]).finding
        journal.close()
    with pytest.raises(Stalled, match=f"signed as {ORIGIN} so far, and journal_name is routes/pod-1"):
        Journal.open(place, Clock(), signer=SIGNER, origin="routes/pod-1")


def key_named(name: str) -> Signer:
    """The same key by another name."""
    return Signer.parse(SIGNER.secret_pem(), name)


def test_verbs_make_no_key(tmp_path: Path) -> None:
    """Who adds to a journal from elsewhere signs with its key or not at all; `audit key --adopt` is the way out."""
    flags = ["--state", str(tmp_path)]
    Journal.open(tmp_path / "journal.db", Clock(), signer=SIGNER, origin=ORIGIN).close()
    for words in (["hold", "add", "--reason", "a case"], ["prune", "--older-than", "1d"], ["key", "--rotate"]):
        tried = verb(*words, *flags)
        assert "can't be read: No such file" in str(tried.exception), words
        assert not list(tmp_path.glob("journal.key*"))
    adopted = verb("key", "--adopt", *flags)
    assert adopted.exit_code == 0, adopted.output
    assert f"{ORIGIN}+" in adopted.output
    held = verb("hold", "add", "--reason", "a case", *flags)
    assert held.exit_code == 0, held.output
    assert verb("verify", *flags).return_value == 0


def verb(*words: str) -> Result:
    """One of the audit verbs, in this process."""
    return CliRunner().invoke(cli, ["audit", *words], standalone_mode=False)
