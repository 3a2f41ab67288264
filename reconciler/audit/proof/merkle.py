"""The Merkle tree over the records: its root, and proofs that records are in it and that it only grew. Pure.

The tree of RFC 6962, section 2.1. Leaf ``i`` is record ``i + 1``. A leaf is made from the record's hash, not from its
content, so that a record whose content was deleted still proves itself and all the others.

A complete subtree of ``2**level`` leaves is named by its level and its position from the left; it never changes once
it is complete. `Frontier` holds those a tree of some size is made of, which is all that appending takes.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from reconciler.model.digest import Digest

_LEAF, _NODE = b"\x00", b"\x01"
HASH_BYTES = 32
_SIZE_BYTES = 8
LONGEST_PROOF = 64  # hashes: enough for 2**63 leaves
EMPTY_ROOT = sha256(b"").digest()

# Gives the hash of a complete subtree by level and position; at level 0 that of a leaf.
Read = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Node:
    """A complete subtree of ``2**level`` leaves, the one at ``position`` from the left."""

    level: int
    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: the roots of the complete subtrees it is made of, the largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf_hash: bytes) -> tuple["Frontier", tuple[Node, ...]]:
        """The tree with one more leaf, and the subtrees of level 1 and higher that this completed."""
        hashes, position = list(self.hashes), self.size
        hash_, level, completed = leaf_hash, 0, []
        while position & 1:
            hash_ = node(hashes.pop(), hash_)
            level, position = level + 1, position >> 1
            completed.append(Node(level, position, hash_))
        hashes.append(hash_)
        return Frontier(self.size + 1, tuple(hashes)), tuple(completed)

    def root(self) -> bytes:
        """The hash over all of the tree."""
        return _folded(self.hashes)

    def encode(self) -> bytes:
        """The size in eight bytes, big-endian, and the hashes."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.hashes)

    @classmethod
    def decode(cls, content: bytes) -> "Frontier":
        """What `encode` made; ValueError for anything else."""
        size, rest = int.from_bytes(content[:_SIZE_BYTES], "big"), content[_SIZE_BYTES:]
        if len(content) < _SIZE_BYTES or len(rest) != size.bit_count() * HASH_BYTES:
            raise ValueError("these bytes are no frontier of a Merkle tree")
        return cls(size, tuple(rest[at : at + HASH_BYTES] for at in range(0, len(rest), HASH_BYTES)))


def leaf(digest: Digest) -> bytes:
    """The leaf of a record, from its hash (``sha256:`` and 64 hex digits; ValueError for anything else)."""
    algorithm, _, digits = digest.partition(":")
    raw = bytes.fromhex(digits)
    if algorithm != "sha256" or len(raw) != HASH_BYTES:
        raise ValueError("this is no hash of a record")
    return sha256(_LEAF + raw).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(_NODE + left + right).digest()


def inclusion(index: int, size: int, read: Read) -> tuple[bytes, ...]:
    """The audit path of RFC 6962, section 2.1.1: what proves that a leaf is in a tree.

    Args:
        index: of the leaf, from 0.
        size: of the tree.
        read: gives complete subtrees; asked for about twice the logarithm of the size.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_root(middle, end, read))
            end = middle
        else:
            path.append(_root(begin, middle, read))
            begin = middle
    return tuple(reversed(path))


def consistency(old: int, new: int, read: Read) -> tuple[bytes, ...]:
    """The proof of RFC 6962, section 2.1.2, that the first leaves of a tree are those of an older one.

    Empty where the older tree is empty or as large as the newer one.

    Raises:
        ValueError: the older tree is the larger one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not continue one of {old}")
    if old in (0, new):
        return ()
    path, begin, end, whole = [], 0, new, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(_root(middle, end, read))
            end = middle
        else:
            path.append(_root(begin, middle, read))
            begin, whole = middle, False
    # Who checks has the old root already, which is this one only where the old tree is one complete subtree.
    return tuple(reversed(path if whole else [*path, _root(begin, end, read)]))


def root_by(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root a tree must have for an inclusion proof to hold (RFC 9162, 2.1.3.2); None where none can."""
    if not 0 <= index < size or len(proof) > LONGEST_PROOF:
        return None
    position, last, found = index, size - 1, leaf_hash
    for each in proof:
        if last == 0:
            return None
        if position & 1 or position == last:
            found = node(each, found)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            found = node(found, each)
        position, last = position >> 1, last >> 1
    return found if last == 0 else None


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the newer tree begins with all leaves of the older one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new or len(proof) > LONGEST_PROOF:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first, second = node(each, first), node(each, second)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            second = node(second, each)
        position, last = position >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def to_text(proof: Sequence[bytes]) -> list[str]:
    """A proof for JSON: each hash in base64."""
    return [b64encode(each).decode("ascii") for each in proof]


def from_text(proof: object) -> tuple[bytes, ...]:
    """A proof from JSON; ValueError where it is none."""
    if not isinstance(proof, list) or len(proof) > LONGEST_PROOF:
        raise ValueError("a proof is a list of at most 64 hashes")
    return tuple(hash_from_text(each) for each in proof)


def hash_from_text(text: object) -> bytes:
    """One hash from its base64; ValueError for anything that is not exactly that."""
    if not isinstance(text, str):
        raise ValueError("a hash is text in base64")  # noqa: TRY004 - one error for every wrong text
    found = b64decode(text.encode("ascii", "replace"), validate=True)
    # Base64 has spare bits at the end: only the one spelling that we write counts.
    if len(found) != HASH_BYTES or b64encode(found).decode("ascii") != text:
        raise ValueError("a hash is 32 bytes in base64")
    return found


def _split(size: int) -> int:
    """The largest power of two that is smaller than the size (of 2 and more)."""
    return 1 << ((size - 1).bit_length() - 1)


def _root(begin: int, end: int, read: Read) -> bytes:
    """The hash over a range of leaves; ``begin`` is where a subtree of that many leaves, or more, begins."""
    hashes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        hashes.append(read(level, begin >> level))
        begin += 1 << level
    return _folded(hashes)


def _folded(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return EMPTY_ROOT
    found = hashes[-1]
    for each in reversed(hashes[:-1]):
        found = node(each, found)
    return found
