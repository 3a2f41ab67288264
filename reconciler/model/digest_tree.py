"""One digest over many named things, kept up to date at the cost of what changes: a Merkle tree of two levels.

Names fall into buckets by a checksum. Every bucket has a digest, its seal, and the digest of all seals is that of the
whole: it depends on the content only, not on how it came about. Two trees are compared seal by seal, so that finding
what differs between them costs what differs.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import compress, count
from operator import ne
from zlib import crc32

from reconciler.model.digest import Digest, digest_bytes

_BUCKETS = 512  # a change costs one of them, some 20 names of 10,000, and hashing 16 KB of seals
_NOTHING: Mapping[str, Digest] = {}
_UNSEALED = bytes(32)


@dataclass(frozen=True, slots=True)
class DigestTree:
    """Digests by name.

    Attributes:
        buckets: the digests; nobody may change them.
        seals: the digest of every bucket; zeros for an empty one.
        digest: of everything.
    """

    buckets: tuple[Mapping[str, Digest], ...]
    seals: tuple[bytes, ...]
    digest: Digest

    @classmethod
    def of(cls, digests: Mapping[str, Digest]) -> "DigestTree":
        """The tree of these digests."""
        return EMPTY_TREE.with_changes((), digests)

    def with_changes(self, removed: Iterable[str], put: Mapping[str, Digest]) -> "DigestTree":
        """The tree without ``removed`` and with ``put``, which may be new or replace; equal to one made anew.

        Args:
            removed: names that go; one that isn't there is no error.
            put: digests by name; no name that is removed.
        """
        touched: dict[int, dict[str, Digest]] = {}
        for name in removed:
            place = _place(name)
            (touched.get(place) or touched.setdefault(place, dict(self.buckets[place]))).pop(name, None)
        for place, digests in _by_place(put).items():
            touched.setdefault(place, dict(self.buckets[place])).update(digests)
        if not touched:
            return self
        buckets, seals = list(self.buckets), list(self.seals)
        for place, bucket in touched.items():
            buckets[place] = bucket or _NOTHING
            seals[place] = _seal(bucket) if bucket else _UNSEALED
        return DigestTree(tuple(buckets), tuple(seals), digest_bytes(b"".join(seals)))

    def differing(self, other: "DigestTree") -> frozenset[str]:
        """Names that only one of both has, or that both have with different digests."""
        if self.seals is other.seals:
            return frozenset()
        found: set[str] = set()
        for place in compress(count(), map(ne, self.seals, other.seals)):
            found.update(name for name, _ in self.buckets[place].items() ^ other.buckets[place].items())
        return frozenset(found)


def _place(name: str) -> int:
    return crc32(name.encode("utf-8", "surrogatepass")) % _BUCKETS


def _by_place(digests: Mapping[str, Digest]) -> Mapping[int, dict[str, Digest]]:
    found: defaultdict[int, dict[str, Digest]] = defaultdict(dict)
    for name, digest in digests.items():
        found[_place(name)][name] = digest
    return found


def _seal(bucket: Mapping[str, Digest]) -> bytes:
    # With their lengths before them, so that no name can pretend to be two.
    text = "".join(f"{len(name)}:{name}{len(bucket[name])}:{bucket[name]}" for name in sorted(bucket))
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


EMPTY_TREE = DigestTree((_NOTHING,) * _BUCKETS, (_UNSEALED,) * _BUCKETS, digest_bytes(_UNSEALED * _BUCKETS))
