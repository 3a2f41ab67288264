"""Walks an export record by record: hashes, chain, tree, proofs, announced keys. Raises `Bad` with the place."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.audit.proof import lines, note
from reconciler.audit.proof.chain import FIRST_PREVIOUS, SCHEMA_VERSION
from reconciler.audit.proof.deleted import Deleted
from reconciler.audit.proof.merkle import Frontier, check_consistency, leaf, root_by
from reconciler.audit.proof.note import Checkpoint
from reconciler.audit.proof.signing import PublicKey
from reconciler.model.audit import Event
from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.happening import Happening

_MOST_ROOTS = 100
_MOST_KEYS = 1_000


@dataclass(frozen=True, slots=True)
class Bad(Exception):
    """What does not verify; ``record`` is None where it is no record's fault."""

    line: int
    record: int | None
    finding: str


@dataclass(frozen=True, slots=True)
class _Torn:
    """A record that does not attach to the one before, while it isn't known which of the two was changed.

    Attributes:
        other: the tree as it is if the one before had the hash that this one names.
    """

    sequence: int
    line: int
    other: Frontier


@dataclass(slots=True)
class Walk:
    """What was learnt so far; its size doesn't depend on how many records there were.

    Attributes:
        keys: whose signatures count; grows by those that are announced.
        head: hash of a record that must be there; empty for none.
        wanted: sizes at which the root is kept in ``roots``.
        previous: hash of the last record, as its line says.
        compared: sizes of the checkpoints from elsewhere that it was held against.
        sized: the root that inclusion proofs led to, with the first record of each.
    """

    keys: list[PublicKey]
    head: str = ""
    wanted: frozenset[int] = frozenset()
    header: lines.Header | None = None
    line: int = 0
    records: int = 0
    pruned: Deleted = field(default_factory=Deleted)
    previous: Digest | None = None
    frontier: Frontier = field(default_factory=Frontier)
    roots: dict[int, bytes] = field(default_factory=dict)
    sized: dict[bytes | None, tuple[int, int]] = field(default_factory=dict)
    head_seen: bool = False
    compared: list[int] = field(default_factory=list)
    _before: Frontier = field(default_factory=Frontier)
    _torn: _Torn | None = None

    def begin(self, line: bytes) -> lines.Header:
        """Takes the first line in."""
        self.line = 1
        try:
            self.header = lines.read_header(line)
        except ValueError as error:
            raise Bad(1, None, f"the first line: {error}") from None
        return self.header

    def record(self, sequence: int, line: bytes) -> None:
        """Takes the line in that should hold this record."""
        self.line += 1
        record, body = self._read(sequence, line)
        if record.sequence != sequence:
            what = "is missing" if record.sequence > sequence else "is missing, or an earlier one was put in"
            raise self._bad(sequence, f"it {what}: here stands record {record.sequence}")
        if record.content is None:
            self.pruned.found(sequence, self.line)
        else:
            self._attach(sequence, body)
            self._learn(sequence, body)
        self._count(record)

    def end(self, line: bytes) -> tuple[lines.Footer, Checkpoint, PublicKey]:
        """Takes the last line in; returns it with the checkpoint that is signed, and by whom."""
        self.line += 1
        footer = self._footer(line)
        try:
            checkpoint, key = note.signed_by(footer.checkpoint, self.keys)
        except ValueError as error:
            raise self._bad(None, f"the checkpoint: {error}") from None
        header = self._header()
        for name, said, signed in (
            ("origin", header.origin, checkpoint.origin),
            ("size", header.size, checkpoint.size),
            ("public_key", header.public_key, str(key)),
        ):
            if said != signed and (said or name != "public_key"):
                raise Bad(1, None, f"the first line says {name} {said!s:.100}, but what was signed says {signed}")
        return footer, checkpoint, key

    def judge(self, checkpoint: Checkpoint, known: int) -> None:
        """Holds all records against the root that was signed.

        Args:
            checkpoint: the signed one.
            known: so many of the records are as a checkpoint has them that was kept elsewhere.
        """
        mine = self.frontier.root() if self.whole else checkpoint.root
        for root, (sequence, line) in sorted(self.sized.items(), key=lambda item: item[1]):
            # Where all proofs lead to what the records together lead to, they say nothing about one of them alone.
            if root != checkpoint.root and (root != mine or checkpoint.root in self.sized):
                raise Bad(line, sequence, "it is not the record that was signed: its hash or its proof was changed")
        if self._torn is not None:
            blamed = self._torn.sequence - (self._torn.other.root() == checkpoint.root)
            raise self._changed(blamed, self._torn)
        if mine != checkpoint.root:
            only = self.records if known == self.records - 1 else None
            finding = (
                f"the records do not have the root that was signed: one of {known + 1} to {self.records} was changed, "
                "and all after it were written anew"
            )
            raise Bad(self.line - 1 if only else self.line, only, finding)

    @property
    def whole(self) -> bool:
        """Whether the file says that it holds all of the journal."""
        header = self._header()
        return header.first == 1 and header.last == header.size

    def _read(self, sequence: int, line: bytes) -> tuple[lines.Record, dict[str, Json]]:
        if not line:
            raise self._bad(sequence, "it is missing: the file was cut off here")
        if lines.is_footer(line):
            raise self._bad(sequence, "it is missing: here stands the last line of the file")
        try:
            record, body = lines.read_record(line)
            leaf(record.hash)
        except ValueError as error:
            raise self._bad(sequence, str(error)) from None
        if record.content is not None and digest_bytes(record.content) != record.hash:
            raise self._bad(sequence, "its content does not have the hash beside it: one of them was changed")
        if record.proof is None and not self.whole:
            raise self._bad(sequence, "it has no proof, as every record of a part of a journal must")
        return record, body

    def _attach(self, sequence: int, body: dict[str, Json]) -> None:
        """Holds the record against the one before, and settles which of two was changed."""
        before = self.previous if sequence > 1 else FIRST_PREVIOUS
        named = body.get("previous")
        if self._torn is not None and self._torn.sequence == sequence - 1 and self.whole:
            # The one between is vouched for by this one, so that what it says of the one before it holds.
            raise self._changed(self._torn.sequence - (named == before), self._torn)
        if before is None or named == before or self._torn is not None:
            return
        try:
            other = self._before.append(leaf(Digest(str(named))))[0]
        except ValueError:
            raise self._bad(sequence, "it does not name the record before by its hash") from None
        if sequence == 1:
            raise self._bad(sequence, "it is the first record and names one before")
        self._torn = _Torn(sequence, self.line, other)

    def _learn(self, sequence: int, body: dict[str, Json]) -> None:
        """Takes in what the record says that matters here: new keys, deleted contents."""
        schema = body.get("schema")
        if type(schema) is not int or not 1 <= schema <= SCHEMA_VERSION:
            raise self._bad(sequence, f"it has schema {schema!r:.40}; this program knows {SCHEMA_VERSION}")
        happened = body.get("happened")
        if body.get("event") != Event.NOTE or not isinstance(happened, list):
            return
        if Happening.KEY_CHANGED in happened:
            self._trust(sequence, body.get("announcement"))
        if Happening.RETENTION_DELETE in happened:
            self.pruned.told(body)

    def _trust(self, sequence: int, text: Json) -> None:
        if not isinstance(text, str) or len(self.keys) >= _MOST_KEYS:
            raise self._bad(sequence, "it tells of a new key and has no announcement of it")
        try:
            key = note.announced(text, self._header().origin, self.keys)
        except ValueError:
            return  # by an old key that was not given; then what the new one signs does not count either
        if key not in self.keys:
            self.keys.append(key)

    def _count(self, record: lines.Record) -> None:
        leaf_hash, size = leaf(record.hash), self._header().size
        self._before = self.frontier
        self.frontier = self.frontier.append(leaf_hash)[0]
        if self._torn is not None and self._torn.sequence <= record.sequence:
            torn = self._torn
            self._torn = _Torn(torn.sequence, torn.line, torn.other.append(leaf_hash)[0])
        if record.proof is not None:
            root = root_by(leaf_hash, record.sequence - 1, size, record.proof)
            if len(self.sized) > _MOST_ROOTS:
                raise self._bad(record.sequence, "its proof leads to yet another root than those before")
            self.sized.setdefault(root, (record.sequence, self.line))
        self.records += 1
        self.previous = record.hash
        self.head_seen = self.head_seen or record.hash == self.head
        if record.sequence in self.wanted:
            self.roots[record.sequence] = self.frontier.root()

    def _footer(self, line: bytes) -> lines.Footer:
        if not line:
            raise self._bad(None, "the last line, with the signed checkpoint, is missing: the file was cut off")
        try:
            return lines.read_footer(line)
        except ValueError as error:
            if lines.is_footer(line):
                raise self._bad(None, f"the last line: {error}") from None
        try:
            again = lines.read_record(line)[0].sequence
        except ValueError:
            raise self._bad(None, "the last line has no signed checkpoint") from None
        raise self._bad(again, "it was put in: the last line, with the signed checkpoint, must stand here")

    def _changed(self, blamed: int, torn: _Torn) -> Bad:
        if blamed == torn.sequence:
            return Bad(torn.line, blamed, "it does not attach to the record before, and is not as it was written")
        return Bad(torn.line - 1, blamed, "its hash is not the one that the next record attaches to: it was changed")

    def _header(self) -> lines.Header:
        if self.header is None:
            raise Bad(1, None, "there is no first line")
        return self.header

    def _bad(self, record: int | None, finding: str) -> Bad:
        return Bad(self.line, record, finding)


def continued(earlier: Sequence[lines.Earlier], newest: Checkpoint, keys: Sequence[PublicKey]) -> dict[int, Checkpoint]:
    """The earlier checkpoints of a last line by size, each proven to be continued by the newest; ValueError if not.

    Those that only other keys signed say nothing, nor do those of other journals: they are passed over.
    """
    found = {}
    for one in earlier:
        try:
            old = note.opened(one.text, keys)
        except note.Unsigned:
            continue
        if old.origin != newest.origin:
            continue
        if not check_consistency(old.size, old.root, newest.size, newest.root, one.proof):
            raise ValueError(f"the newest checkpoint does not continue the earlier one of {old.size} records")
        found[old.size] = old
    return found
