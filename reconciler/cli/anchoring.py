"""Settings to the places where the journal's checkpoints are left, and to the key that signs them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from reconciler.audit import Journal, KeyOf, key_file
from reconciler.audit.anchor import Anchoring, InConfigMap, InFile, Place, entry_name
from reconciler.audit.proof.signing import PublicKey
from reconciler.cli import log
from reconciler.cli.journal import name_of
from reconciler.cli.sources import git_settings, needed_api_server
from reconciler.model.health import AnchorHealth
from reconciler.settings import Settings
from reconciler.sources import InRef

FOLDER = "anchors"


def key_of(s: Settings) -> Path:
    """Where the key is."""
    return s.journal_key_file or s.state / key_file.NAME


def signer_of(s: Settings) -> KeyOf:
    """Gives the key that signs the journal; made only with the journal itself, and where the settings name none.

    It raises `Stalled` where it can't be used.
    """
    return lambda name, begins: key_file.signer(key_of(s), name, make=begins and s.journal_key_file is None)


def public_of(s: Settings) -> PublicKey | None:
    """The public half; None where there is no key, or it may not be read."""
    return key_file.public(key_of(s), name_of(s))


def publics_of(s: Settings) -> list[PublicKey]:
    """The same with those of older keys that are kept beside it, the present one first."""
    return key_file.publics(key_of(s), name_of(s))


def places_of(stack: ExitStack, s: Settings, folder: Path) -> Sequence[Place]:
    """Where checkpoints are left; what is opened for them is closed with the stack.

    Args:
        stack: closes.
        s: the settings.
        folder: for what the repository needs on this disk; of one process alone.

    Raises:
        Stalled, Transient: a setting can't be used.
    """
    return list(_places(stack, s, folder))


def _places(stack: ExitStack, s: Settings, folder: Path) -> Iterator[Place]:
    name = name_of(s)
    for place in s.anchor:
        kind, _, where = place.partition(":")
        if kind == "file":
            yield InFile(Path(where), name, publics_of(s), _warning(place))
        elif kind == "git":
            yield InRef(git_settings(s, folder), where, entry_name(name))
        else:
            cluster = needed_api_server(s, f"the anchor {place}")
            stack.callback(cluster.close)
            yield InConfigMap(cluster, where, name)


def _warning(place: str) -> Callable[[str], None]:
    return lambda words: log.log_anchor(AnchorHealth(place, failure=words))


def anchoring_of(
    stack: ExitStack, s: Settings, journal: Journal, state: Path, clock: Callable[[], datetime]
) -> Anchoring:
    """Leaves checkpoints of a journal in the background once it is started, and a last one when the stack is left.

    Raises:
        Stalled, Transient: a setting can't be used, or the journal can't be read.
    """
    proofs = journal.proofs()
    places = places_of(stack, s, state / FOLDER)
    known = proofs.left() if places else {}
    made = Anchoring(proofs, places, s.anchor_interval, clock, log.log_anchor, known, publics_of(s))
    stack.callback(made.close)
    return made
