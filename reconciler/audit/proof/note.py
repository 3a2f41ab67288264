"""Signed checkpoints: how many records there are and the root over them, as text that is checked with a public key.

The formats are those of transparency logs, so that their tools read ours: C2SP signed-note
(https://c2sp.org/signed-note) around C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint). Pure.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.audit.proof.merkle import hash_from_text
from reconciler.audit.proof.signing import PublicKey, Signer, checked_name

LARGEST_NOTE = 16_384  # characters: room for the signatures of many witnesses beside ours
_MOST_SIGNATURES = 16
_LARGEST_SIZE = 2**53 - 1  # what every reader of JSON can say
_DASH = "\u2014 "
_ID_BYTES = 4


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


def signed(checkpoint: Checkpoint, signer: Signer) -> str:
    """The checkpoint with its signature, as text that ends with a newline."""
    text = checkpoint.text()
    signature = b64encode(signer.public.id + signer.sign(text.encode())).decode("ascii")
    return f"{text}\n{_DASH}{signer.public.name} {signature}\n"


def opened(text: str, verifiers: Sequence[PublicKey]) -> Checkpoint:
    """The checkpoint of a signed note, where one of the keys signed it.

    Signatures of keys that are not given are passed over, as the format wants it; a wrong one of a given key is not.

    Raises:
        ValueError: it is no such note, none of the keys signed it, or a signature is wrong.
    """
    return signed_by(text, verifiers)[0]


def signed_by(text: str, verifiers: Sequence[PublicKey]) -> tuple[Checkpoint, PublicKey]:
    """The same, with the key that signed it."""
    body, signatures = _halves(text)
    checkpoint = _parsed(body)
    keys = {(key.name, key.id): key for key in verifiers}
    found: PublicKey | None = None
    for line in signatures:
        name, signature = _signature(line)
        key = keys.get((name, signature[:_ID_BYTES]))
        if key is None:
            continue
        if not key.verifies(body.encode(), signature[_ID_BYTES:]):
            raise ValueError(f"the signature of {key.name} is not that of this text: one of them was changed")
        found = found or key
    if found is None:
        raise ValueError("none of the keys given signed it")
    return checkpoint, found


def claimed(text: str) -> Checkpoint:
    """What a note says, not checked with any key; ValueError where it is none."""
    return _parsed(_halves(text)[0])


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
