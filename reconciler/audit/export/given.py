"""What all that one export gives out has in common."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.audit.proof.signing import Signer
from reconciler.model.retention import Erased


@dataclass(frozen=True, slots=True)
class Given:
    """Beside the entries.

    Attributes:
        origin: name of the journal.
        records: how many it has.
        checkpoint: the newest signed one, as text; empty where nothing is signed.
        key: the public key that signs, as text; likewise.
        exported_at: when.
        wanted: which entries, in words.
        tool_version: of this program.
        erased: what retention deleted of the time that is asked for; None where it did not.
        signer: the journal's key, for what is signed anew; None where it is not at hand.
    """

    origin: str
    records: int
    checkpoint: str
    key: str
    exported_at: datetime
    wanted: str
    tool_version: str
    signer: Signer | None = None
    erased: Erased | None = None
