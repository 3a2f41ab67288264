"""The Merkle tree against the known vectors of RFC 6962, against the RFC's own words, and against itself altered."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.proof import merkle
from reconciler.audit.proof.merkle import Frontier, check_consistency, root_by
from reconciler.model.digest import digest_bytes

# Of the test suite of Certificate Transparency: contents of leaves, and the root over the first ones.
CONTENTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
KNOWN = [sha256(b"\x00" + bytes.fromhex(each)).digest() for each in CONTENTS]
MANY = [sha256(b"%d" % number).digest() for number in range(300)]
SIZES = st.integers(0, len(MANY))


def mth(leaves: list[bytes]) -> bytes:
    """The Merkle Tree Hash, as section 2.1 says it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


class Tree:
    """A tree as the journal keeps it: complete subtrees, as the frontier gave them out."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.nodes = {(0, position): each for position, each in enumerate(leaves)}
        self.roots = [Frontier().root()]
        self.frontier = Frontier()
        for each in leaves:
            self.frontier, completed = self.frontier.append(each)
            self.nodes |= {(one.level, one.position): one.hash for one in completed}
            self.roots.append(self.frontier.root())

    def read(self, level: int, position: int) -> bytes:
        """A complete subtree."""
        return self.nodes[level, position]


GROWN = Tree(MANY)


def test_the_known_roots() -> None:
    """The eight trees of the reference suite, and the empty one."""
    assert [root.hex() for root in Tree(KNOWN).roots] == ROOTS


def test_known_proofs() -> None:
    """Paths of the reference suite, by their length and what they lead to."""
    tree = Tree(KNOWN)
    assert merkle.inclusion(0, 1, tree.read) == ()
    assert [each.hex()[:8] for each in merkle.inclusion(0, 8, tree.read)] == ["96a296d2", "5f083f0a", "6b47aaf2"]
    assert [each.hex()[:8] for each in merkle.inclusion(5, 8, tree.read)] == ["bc1a0643", "ca854ea1", "d37ee418"]
    assert [each.hex()[:8] for each in merkle.inclusion(2, 3, tree.read)] == ["fac54203"]
    assert [each.hex()[:8] for each in merkle.consistency(1, 8, tree.read)] == ["96a296d2", "5f083f0a", "6b47aaf2"]
    assert [each.hex()[:8] for each in merkle.consistency(6, 8, tree.read)] == ["0ebc5d34", "ca854ea1", "d37ee418"]
    assert [each.hex()[:8] for each in merkle.consistency(2, 5, tree.read)] == ["5f083f0a", "bc1a0643"]


def test_every_size_has_the_root_the_rfc_says() -> None:
    """Appending one by one gives what the definition gives for all at once."""
    for size in (*range(70), 127, 128, 129, 255, 256, 257, 300):
        assert GROWN.roots[size] == mth(MANY[:size])


def test_a_frontier_reads_back() -> None:
    """What is stored of a tree is enough to go on with it; other bytes are refused."""
    frontier = Frontier()
    for each in MANY:
        content = frontier.encode()
        assert Frontier.decode(content) == frontier
        for wrong in (content[:-1], content + b"\x00", b""):
            with pytest.raises(ValueError, match="no frontier"):
                Frontier.decode(wrong)
        frontier = frontier.append(each)[0]


@given(SIZES, SIZES)
def test_every_inclusion_checks_at_its_place_alone(one: int, other: int) -> None:
    """For any leaf of any tree; not at another place, in another tree, nor for another leaf."""
    index, size = min(one, other), max(one, other) + 1
    if size > len(MANY):
        return
    proof, root = merkle.inclusion(index, size, GROWN.read), GROWN.roots[size]
    assert root_by(MANY[index], index, size, proof) == root
    # As section 2.1.1 says it, in other words.
    assert proof == path(index, MANY[:size])
    assert root_by(MANY[index - 1], index, size, proof) != root or size == 1
    assert root_by(MANY[index], index, size, proof) != GROWN.roots[size - 1]
    for elsewhere in {0, index - 1, index + 1, size - 1, size} - {index}:
        assert root_by(MANY[index], elsewhere, size, proof) != root


def path(index: int, leaves: list[bytes]) -> tuple[bytes, ...]:
    """PATH(m, D[n]) of section 2.1.1."""
    if len(leaves) == 1:
        return ()
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < k:
        return (*path(index, leaves[:k]), mth(leaves[k:]))
    return (*path(index - k, leaves[k:]), mth(leaves[:k]))


@given(SIZES, SIZES, st.data())
def test_no_altered_proof_checks(one: int, other: int, data: st.DataObject) -> None:
    """With a bit turned, a hash left out, doubled, added or exchanged, neither kind of proof holds."""
    old, new = sorted((one, other))
    if old < new:
        for wrong in altered(merkle.inclusion(old, new, GROWN.read), data):
            assert root_by(MANY[old], old, new, wrong) != GROWN.roots[new]
    for wrong in altered(merkle.consistency(old, new, GROWN.read), data):
        assert not check_consistency(old, GROWN.roots[old], new, GROWN.roots[new], wrong)


def altered(proof: tuple[bytes, ...], data: st.DataObject) -> list[tuple[bytes, ...]]:
    """Some wrong proofs."""
    more = [(*proof, MANY[0]), (MANY[0], *proof), (*proof, *[MANY[0]] * 65)]
    if proof:
        at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
        turned = (int.from_bytes(proof[at], "big") ^ (1 << bit)).to_bytes(32, "big")
        more += [(*proof[:at], turned, *proof[at + 1 :]), (*proof[:at], *proof[at + 1 :])]
        more += [(*proof[:at], proof[at], *proof[at:])]
        if len(proof) > 1:
            more.append((*proof[1:], proof[0]))
    return more


@given(SIZES, SIZES)
def test_every_consistency_checks_between_its_trees_alone(one: int, other: int) -> None:
    """Any tree continues any smaller one; and not one with another root."""
    old, new = sorted((one, other))
    proof = merkle.consistency(old, new, GROWN.read)
    assert check_consistency(old, GROWN.roots[old], new, GROWN.roots[new], proof)
    assert proof == (subproof(old, MANY[:new], whole=True) if 0 < old < new else ())
    foreign = sha256(b"another").digest()
    assert not check_consistency(old, foreign, new, GROWN.roots[new], proof)
    assert not check_consistency(old, GROWN.roots[old], new, foreign, proof) or old == 0
    assert not check_consistency(new + 1, GROWN.roots[new], new, GROWN.roots[new], proof)


def subproof(old: int, leaves: list[bytes], *, whole: bool) -> tuple[bytes, ...]:
    """SUBPROOF(m, D[n], b) of section 2.1.2."""
    if old == len(leaves):
        return () if whole else (mth(leaves),)
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old <= k:
        return (*subproof(old, leaves[:k], whole=whole), mth(leaves[k:]))
    return (*subproof(old - k, leaves[k:], whole=False), mth(leaves[:k]))


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (0, 0), (1, 1), (5, 3)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    """A leaf outside of the tree, and an older tree that is larger."""
    with pytest.raises(ValueError, match="leaves"):
        merkle.inclusion(index, size, GROWN.read)
    with pytest.raises(ValueError, match="leaves"):
        merkle.consistency(size + 1, size, GROWN.read)


def test_leaves_are_made_from_hashes() -> None:
    """The 32 bytes behind a zero byte; anything that is no hash is refused."""
    assert merkle.leaf(digest_bytes(b"x")) == sha256(b"\x00" + sha256(b"x").digest()).digest()
    for wrong in ("", "sha256:", "sha256:00", f"md5:{'0' * 64}", f"sha256:{'g' * 64}"):
        with pytest.raises(ValueError, match=r"hash|hexadecimal"):
            merkle.leaf(wrong)  # type: ignore[arg-type]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=64))
def test_proofs_read_back(proof: list[bytes]) -> None:
    """As JSON has them."""
    assert merkle.from_text(merkle.to_text(proof)) == tuple(proof)


@pytest.mark.parametrize("wrong", [None, "", {}, [1], ["AA=="], ["A" * 43 + "B="], ["ä" * 44], ["AAAA"] * 65])
def test_what_is_no_proof(wrong: object) -> None:
    """Anything else is refused; the spare bits of base64, too."""
    with pytest.raises(ValueError, match=r".+"):
        merkle.from_text(wrong)
