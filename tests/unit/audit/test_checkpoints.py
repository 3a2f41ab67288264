"""Signed checkpoints: the format of transparency logs, what opens them, and that nothing altered does."""

import json
import os
import subprocess
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.proof import merkle, note
from reconciler.audit.proof.note import Checkpoint
from reconciler.audit.proof.signing import PublicKey, Signer
from tests.support.cluster.tools import Missing, tool
from tests.support.exports import ORIGIN, OTHER, SIGNER, journal

# The example of the Go package that this format comes from.
EXAMPLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
EXAMPLE_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
CHECKPOINT = Checkpoint(ORIGIN, 5, b"\x05" * 32)
SIGNED = note.signed(CHECKPOINT, SIGNER)


def test_the_known_signature() -> None:
    """A key and a signature that another program made."""
    key = PublicKey.parse(EXAMPLE_KEY)
    signature = b64decode(EXAMPLE_SIGNATURE)
    assert (key.name, key.id) == ("PeterNeumann", signature[:4])
    assert str(key) == EXAMPLE_KEY
    assert key.verifies(EXAMPLE_TEXT.encode(), signature[4:])
    assert not key.verifies(EXAMPLE_TEXT.encode() + b"\n", signature[4:])


def test_the_text_is_that_of_a_transparency_log() -> None:
    """Origin, size and root, a blank line, and the signature behind a dash."""
    lines = SIGNED.split("\n")
    assert lines[:4] == [ORIGIN, "5", b64encode(b"\x05" * 32).decode(), ""]
    assert lines[4].startswith(f"— {ORIGIN} ")
    assert lines[5:] == [""]
    assert note.opened(SIGNED, [OTHER.public, SIGNER.public]) == CHECKPOINT


@given(st.integers(0, len(SIGNED) - 1), st.characters(exclude_categories=["Cs"]))
def test_no_changed_character_is_opened(at: int, character: str) -> None:
    """Whatever becomes of it, it is refused with a ValueError."""
    if character != SIGNED[at]:
        with pytest.raises(ValueError, match=r".+"):
            note.opened(SIGNED[:at] + character + SIGNED[at + 1 :], [SIGNER.public])


def test_signatures_of_others_are_passed_over() -> None:
    """As of witnesses; but a wrong one of a key that is given is not."""
    witnessed = SIGNED + note.signed(CHECKPOINT, OTHER).split("\n")[-2] + "\n"
    assert note.signed_by(witnessed, [OTHER.public]) == (CHECKPOINT, OTHER.public)
    assert note.signed_by(witnessed, [OTHER.public, SIGNER.public]) == (CHECKPOINT, SIGNER.public)
    wrong = SIGNED + note.signed(Checkpoint(ORIGIN, 6, b"\x05" * 32), OTHER).split("\n")[-2] + "\n"
    with pytest.raises(ValueError, match="not that of this text"):
        note.opened(wrong, [SIGNER.public, OTHER.public])
    with pytest.raises(ValueError, match="none of the keys"):
        note.opened(SIGNED, [OTHER.public])


@pytest.mark.parametrize(
    "body",
    [
        "",
        "a\n",
        "a\n1\n",
        f"a\n01\n{'A' * 43}=\n",
        f"a\n-1\n{'A' * 43}=\n",
        f"a\n1{'0' * 30}\n{'A' * 43}=\n",
        "a\n1\nx\n",
    ],
)
def test_what_is_signed_must_be_a_checkpoint(body: str) -> None:
    """A good signature over something else is none of a checkpoint."""
    signature = b64encode(SIGNER.public.id + SIGNER.sign(body.encode())).decode()
    with pytest.raises(ValueError, match=r".+"):
        note.opened(f"{body}\n— {ORIGIN} {signature}\n", [SIGNER.public])


def test_notes_one_after_the_other() -> None:
    """As a file has them that they are appended to."""
    both = SIGNED + note.signed(CHECKPOINT, OTHER).split("\n")[-2] + "\n"
    assert note.split(SIGNED + both + SIGNED) == [SIGNED, both, SIGNED]
    assert note.split("") == []
    assert note.split("— x\nnothing") == ["— x\n", "nothing"]


def test_an_announcement_is_no_checkpoint() -> None:
    """Of this journal and by this key alone; and neither passes for the other."""
    text = note.announcement(ORIGIN, OTHER.public, SIGNER)
    assert note.announced(text, ORIGIN, [SIGNER.public]) == OTHER.public
    for origin, key in ((ORIGIN, OTHER), ("another", SIGNER)):
        with pytest.raises(ValueError, match=r"none of the keys|announces no key"):
            note.announced(text, origin, [key.public])
    with pytest.raises(ValueError, match="announces no key"):
        note.announced(SIGNED, ORIGIN, [SIGNER.public])
    with pytest.raises(ValueError, match="size"):
        note.opened(text, [SIGNER.public])


@pytest.mark.parametrize(
    "text", ["", "x", str(SIGNER.public)[:-2], str(SIGNER.public).replace("example", "Example"), "-----BEGIN X-----"]
)
def test_what_is_no_public_key(text: str) -> None:
    """A key that was not copied whole, or has another name now, is refused."""
    with pytest.raises(ValueError, match=r".+"):
        PublicKey.parse(text)


def test_a_private_key_reads_back_and_shows_nothing() -> None:
    """From its file; no other form of it has any of its bytes."""
    pem = SIGNER.secret_pem()
    assert Signer.parse(pem, ORIGIN).public == SIGNER.public
    assert PublicKey.parse(SIGNER.public.pem()).raw == SIGNER.public.raw
    secret = pem.decode().split("\n")[1]
    assert secret[-20:] not in f"{SIGNER!r} {SIGNER}"
    for wrong in (b"", pem[:60], b"x" * 5000):
        with pytest.raises(ValueError, match=r"key|PEM"):
            Signer.parse(wrong)


def test_the_reference_implementation_agrees() -> None:
    """What Go's own transparency log says to our signature, root and proofs, of every size up to 33 and some more."""
    try:
        program = tool("tlog")
    except Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    whole = journal(70)
    sizes = [*range(1, 34), 64, 70]
    included = [(index, size) for size in sizes for index in range(0, size, 3)]
    continued = [(old, new) for new in sizes for old in range(1, new + 1, 3)]
    asked = {
        "key": str(SIGNER.public),
        "note": whole.checkpoint(),
        "hashes": [b64encode(bytes.fromhex(each.removeprefix("sha256:"))).decode() for each in whole.hashes],
        "inclusion": [
            {"Index": index, "Size": size, "Proof": merkle.to_text(merkle.inclusion(index, size, whole.read))}
            for index, size in included
        ],
        "consistency": [
            {"Old": old, "New": new, "Proof": merkle.to_text(merkle.consistency(old, new, whole.read))}
            for old, new in continued
        ],
    }
    done = subprocess.run([program], input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=60)
    said = json.loads(done.stdout)
    assert said["text"] == note.opened(whole.checkpoint(), [SIGNER.public]).text()
    assert b64decode(said["root"]) == whole.root()
    assert said["inclusion"] == [""] * len(included)
    assert said["consistency"] == [""] * len(continued)
