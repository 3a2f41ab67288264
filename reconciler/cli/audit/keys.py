"""Public keys and checkpoints as they are named on a command line."""

from collections.abc import Sequence
from pathlib import Path

import click

from reconciler.audit.proof import note
from reconciler.audit.proof.signing import LARGEST_KEY, PublicKey
from reconciler.model.text import plural

_LARGEST_FILE = 64 * 1024 * 1024  # of checkpoints: three hundred thousand


def public_keys(given: Sequence[str]) -> list[PublicKey]:
    """Each is the text of a key, or a file that holds one, as text or in PEM.

    Raises:
        click.BadParameter: one is neither.
    """
    return [_key(text) for text in given]


def checkpoints(files: Sequence[Path]) -> list[str]:
    """The notes of some files, which may have many, as an anchor's file has.

    Raises:
        click.BadParameter: one can't be read.
    """
    return [text for file in files for text in _notes(file)]


def _key(text: str) -> PublicKey:
    try:
        path = Path(text)
        if "+" not in text or path.is_file():
            with path.open("rb") as file:
                text = file.read(LARGEST_KEY + 1).decode("utf-8", "replace")
        return PublicKey.parse(text)
    except OSError as error:
        raise click.BadParameter(f"{text}: {error.strerror}; give a key, or a file that holds one") from error
    except ValueError as error:
        raise click.BadParameter(f"{text:.200}: {error}") from error


def _notes(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise click.BadParameter(f"{path}: {error.strerror}") from error
    if len(content) > _LARGEST_FILE:
        raise click.BadParameter(f"{path} is larger than any list of checkpoints")
    notes = note.split(content.decode("utf-8", "replace"))
    # What else stands there must not pass for a change of the journal; where nothing else does, it is told as it is.
    fine = [text for text in notes if _readable(text)]
    if fine and len(fine) < len(notes):
        many = plural(len(notes) - len(fine), "note")
        click.echo(f"{path}: {many} passed over: no whole checkpoint", err=True)
    return fine or notes


def _readable(text: str) -> bool:
    try:
        note.claimed(text)
    except ValueError:
        return False
    return True
