"""What the next record attaches to: only an end of the journal that its own key signed.

The key would else launder what somebody wrote who has none: the next signature would be over that, too.
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from reconciler.audit.proof import merkle, note
from reconciler.audit.proof.chain import FIRST_PREVIOUS
from reconciler.audit.proof.merkle import Frontier
from reconciler.audit.proof.signing import PublicKey
from reconciler.audit.store.listing import damaged
from reconciler.audit.store.proving import reader
from reconciler.model.digest import Digest
from reconciler.model.errors import Stalled
from reconciler.model.text import plural

_ADOPT = (
    "Restore that key; or, if it is lost, see `reconciler audit verify` and begin with another one by "
    "`reconciler audit key --adopt`, which the journal tells."
)


@dataclass(frozen=True, slots=True)
class End:
    """The end of a journal.

    Attributes:
        size: how many records it has; ``hash``: of the last one.
        frontier: the right edge of the tree over them.
        checkpoint: what signs them; empty for nothing.
    """

    size: int = 0
    hash: Digest = FIRST_PREVIOUS
    frontier: Frontier = field(default_factory=Frontier)
    checkpoint: str = ""


@dataclass(slots=True)
class Left:
    """How this process left the journal; threads that write it set this one after the other, in any order."""

    end: End = field(default_factory=End)

    def check(self, connection: Connection, found: End, key: PublicKey, origin: str) -> None:
        """Lets nothing be appended to an end that the key did not sign, or that does not continue what was left.

        Args:
            connection: reads the tree.
            found: in the database.
            key: of who is about to append.
            origin: which journal it should be.

        Raises:
            Stalled: for one of these reasons.
        """
        left = self.end
        if found == left:
            return  # nobody else wrote: saves looking at a signature with every record
        if found.size < left.size:
            raise damaged(f"the journal had {plural(left.size, 'record')} a moment ago, and now it has {found.size}")
        signed = _signed(found.checkpoint, key)
        if (signed.origin, signed.size, signed.root) != (origin, found.size, found.frontier.root()):
            raise damaged("the end of the journal is not what its checkpoint signs: records were written anew")
        read = reader(connection)
        where = merkle.inclusion(found.size - 1, found.size, read)
        if merkle.root_by(_leaf(found.hash), found.size - 1, found.size, where) != signed.root:
            raise damaged("the last record is not what the journal's checkpoint signs: it was written anew")
        # Another process of ours may have appended to what this one left.
        proof = merkle.consistency(left.size, found.size, read)
        if not merkle.check_consistency(left.size, left.frontier.root(), found.size, signed.root, proof):
            raise damaged(f"the first {plural(left.size, 'record')} are not those of a moment ago")


def _leaf(hash_: Digest) -> bytes:
    try:
        return merkle.leaf(hash_)
    except ValueError as error:
        raise damaged("the hash of the last record is damaged") from error


def _signed(text: str, key: PublicKey) -> note.Checkpoint:
    if not text:
        raise Stalled("JournalKeyUnusable", "nothing signs what the journal has so far", _ADOPT)
    try:
        return note.opened(text, [key])
    except note.Unsigned:
        words = f"the key {key.id.hex()} did not sign what the journal has so far: another one did"
        raise Stalled("JournalKeyUnusable", words, _ADOPT) from None
    except ValueError as error:
        raise damaged(f"the journal's checkpoint does not count: {error}") from error
