"""Signed checkpoints: how many records there are and the root over them, as text that is checked with a public key.

The formats are those of transparency logs, so that their tools read ours: C2SP signed-note
(https://c2sp.org/signed-note) around C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint). Pure.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.audit.proof.merkle import hash_from_text
from reconciler.audit.proof.signing import PublicKey, Signer, checked_name

LARGEST_NOTE = 16_384  # characters: room for the signatures of many witnesses beside ours
_MOST_SIGNATURES = 16
_LARGEST_SIZE = 2**53 - 1  # what every reader of JSON can say
_DASH = "\u2014 "
_ID_BYTES = 4
_NEW_KEY = "new key"


class Unsigned(ValueError):
    """None of the keys that were given signed it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a journal at one moment.

    Attributes:
        origin: which journal it is.
        size: how many records it has.
        root: of the Merkle tree over them.
    """

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode('ascii')}\n"


def signed(checkpoint: Checkpoint, *signers: Signer) -> str:
    """The checkpoint with the signature of each of them, as text that ends with a newline."""
    return _signed(checkpoint.text(), *signers)


def opened(text: str, verifiers: Sequence[PublicKey]) -> Checkpoint:
    """The checkpoint of a signed note, where one of the keys signed it.

    Signatures of keys that are not given are passed over, as the format wants it; a wrong one of a given key is not.

    Raises:
        ValueError: it is no such note, none of the keys signed it, or a signature is wrong.
    """
    return signed_by(text, verifiers)[0]


def signed_by(text: str, verifiers: Sequence[PublicKey]) -> tuple[Checkpoint, PublicKey]:
    """The same, with the key that signed it."""
    body, key = _verified(text, verifiers)
    return _parsed(body), key


def claimed(text: str) -> Checkpoint:
    """What a note says, not checked with any key; ValueError where it is none."""
    return _parsed(_halves(text)[0])


def announcement(origin: str, new: PublicKey, old: Signer) -> str:
    """A note by which an old key says that from now on another one signs for this journal."""
    return _signed(f"{origin}\n{_NEW_KEY}\n{new}\n", old)


def announced(text: str, origin: str, verifiers: Sequence[PublicKey]) -> PublicKey:
    """The new key of an announcement that one of the keys signed; ValueError where it is none."""
    lines = _verified(text, verifiers)[0].split("\n")
    if lines[:2] != [origin, _NEW_KEY] or len(lines) != 4:  # noqa: PLR2004 - three lines and what is after the last
        raise ValueError("it announces no key of this journal")
    return PublicKey.parse(lines[2])


def split(text: str) -> list[str]:
    """The notes of a text that has one after the other, as a file has that they are appended to.

    What stands before a note in the same piece is not part of it: words of others, or one that was cut off when
    somebody wrote it.
    """
    notes: list[str] = []
    ended = True
    for line in text.splitlines(keepends=True):
        signature = line.startswith(_DASH)
        if ended and not signature:
            notes.append("")
        ended = signature
        notes[-1:] = [(notes[-1] if notes else "") + line]
    return [_from_its_name(each) for each in notes]


def _from_its_name(text: str) -> str:
    """A note from the last line on that names the journal, as its signatures do; as it is where there is none."""
    body, blank, signatures = text.rpartition("\n\n")
    named = {line.removeprefix(_DASH).partition(" ")[0] for line in signatures.split("\n") if line.startswith(_DASH)}
    lines = body.split("\n")
    begin = max((number for number, line in enumerate(lines) if line in named), default=0)
    return "\n".join(lines[begin:]) + blank + signatures


def _signed(text: str, *signers: Signer) -> str:
    signatures = (
        (each.public.name, b64encode(each.public.id + each.sign(text.encode())).decode("ascii")) for each in signers
    )
    return f"{text}\n" + "".join(f"{_DASH}{name} {signature}\n" for name, signature in signatures)


def _verified(text: str, verifiers: Sequence[PublicKey]) -> tuple[str, PublicKey]:
    """The text of a note that at least one of the keys signed, and the first that did."""
    body, signatures = _halves(text)
    found: PublicKey | None = None
    for line in signatures:
        name, signature = _signature(line)
        for key in verifiers:
            named = key if key.name else replace(key, name=name)
            if (named.name, named.id) != (name, signature[:_ID_BYTES]):
                continue
            if not named.verifies(body.encode(), signature[_ID_BYTES:]):
                raise ValueError(f"the signature of {name} is not that of this text: one of them was changed")
            found = found or named
    if found is None:
        raise Unsigned("none of the keys given signed it")
    return body, found


def _halves(text: str) -> tuple[str, list[str]]:
    if len(text) > LARGEST_NOTE:
        raise ValueError("it is longer than any checkpoint")
    if any(character < " " and character != "\n" for character in text):
        raise ValueError("it holds control characters")
    body, blank, rest = text.rpartition("\n\n")
    lines = rest.split("\n")
    if not blank or lines.pop() or not 1 <= len(lines) <= _MOST_SIGNATURES:
        raise ValueError("it is no signed note: text, an empty line, then signatures")
    return body + "\n", lines


def _parsed(body: str) -> Checkpoint:
    lines = body.split("\n")
    # Others may add lines after the third; we neither write nor read any.
    if len(lines) < 4 or any(not line for line in lines[:-1]):  # noqa: PLR2004 - three lines and what is after the last
        raise ValueError("it is no checkpoint: origin, size and root, each on a line")
    origin, size = checked_name(lines[0]), lines[1]
    if not (size.isascii() and size.isdigit()) or str(int(size[:20])) != size or int(size) > _LARGEST_SIZE:
        raise ValueError("its size is no number of records")
    return Checkpoint(origin, int(size), hash_from_text(lines[2]))


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise ValueError("a line of its signatures does not begin with a dash and a space")
    content = b64decode(encoded.encode("ascii", "replace"), validate=True)
    if len(content) < _ID_BYTES + 1 or b64encode(content).decode("ascii") != encoded:
        raise ValueError("a signature is not base64")
    return checked_name(name), content
