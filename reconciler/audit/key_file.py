"""The file of the key that signs the journal: made once, never overwritten, and read by nobody but its owner. EDGE."""

import os
import secrets
import stat
from pathlib import Path

from reconciler.audit.proof.signing import LARGEST_KEY, PublicKey, Signer
from reconciler.model.errors import Stalled

NAME = "journal.key"
_PUBLIC = ".pub"
_SEED_BYTES = 32
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MISSING = (
    "Restore it, or name it with --journal-key-file: a journal goes on with the key that it began with. If that is "
    "lost, `reconciler audit key --adopt` begins with another one, which the journal tells."
)
_GROUP_MAY = stat.S_IRGRP  # as Kubernetes mounts Secrets for a Pod that has an fsGroup


def signer(path: Path, origin: str, *, make: bool) -> Signer:
    """The key in a file.

    Args:
        path: of the file: PKCS8 in PEM.
        origin: name of the journal, which is that of the key.
        make: make it where there is none, with mode 0600.

    Raises:
        Stalled: it is missing, others may read or change it, or it holds no key.
    """
    if make:
        _make(path, origin)
    try:
        return Signer.parse(_read(path), origin)
    except ValueError as error:
        raise _unusable(path, str(error), "Ed25519 keys in PEM (PKCS8) are taken.") from None


def public(path: Path, origin: str) -> PublicKey | None:
    """The public half of the key in a file; None where it can't be read, as by an auditor who may not."""
    try:
        if path.suffix == _PUBLIC:
            return PublicKey.parse(_read(path).decode("utf-8", "replace"))
        return Signer.parse(_read(path), origin).public
    except (Stalled, ValueError):
        return None


def publics(path: Path, origin: str) -> list[PublicKey]:
    """The public halves of the key in a file and of those it took the place of, as far as they can be read."""
    beside = sorted(each for each in path.parent.glob(f"{path.name}.*") if each != _fresh(path))
    found = (public(each, origin) for each in (path, *beside))
    return list(dict.fromkeys(key for key in found if key is not None))


def prepare(path: Path, new: Signer) -> Path:
    """Writes another key beside the one in a file, whose old one gets a name of its own; returns that.

    Raises:
        Stalled: it can't be written.
    """
    old = signer(path, new.public.name, make=False).public
    kept, fresh = path.with_name(f"{path.name}.{old.id.hex()}"), _fresh(path)
    try:
        fresh.unlink(missing_ok=True)
        _write(fresh, new.secret_pem())
        if not kept.exists():
            os.link(path, kept)
        # What it signed outside is known by this when the old key is destroyed.
        named = kept.with_name(f"{kept.name}{_PUBLIC}")
        if not named.exists():
            _write(named, f"{old}\n".encode())
        _sync(path.parent)
    except OSError as error:
        raise _unusable(path, f"it can't be replaced: {error.strerror}", "Check permissions.") from error
    return kept


def take(path: Path) -> None:
    """Puts the key that was prepared in the place of the one in a file.

    Raises:
        Stalled: it can't be.
    """
    try:
        _fresh(path).replace(path)
        _sync(path.parent)
    except OSError as error:
        hint = f"Move {_fresh(path)} to {path}: the journal has announced it already."
        raise _unusable(path, f"it can't be replaced: {error.strerror}", hint) from error


def _fresh(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def new(origin: str) -> Signer:
    """A key that nobody had before."""
    return Signer.of(secrets.token_bytes(_SEED_BYTES), origin)


def _make(path: Path, origin: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            return
        # Written beside it first: what dies here leaves no half a key. A link is made only where there is none yet.
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        _write(fresh, new(origin).secret_pem())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        _sync(path.parent)
    except OSError as error:
        raise _unusable(path, f"it can't be made: {error.strerror}", "Check --state or --journal-key-file.") from error


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_mode & _OF_OTHERS & ~_GROUP_MAY:
                hint = f"chmod 600 {path}; who may have read it can sign: think of a new key."
                raise _unusable(path, "others may read or change it", hint)
            return file.read(LARGEST_KEY + 1)
    except FileNotFoundError as error:
        raise _unusable(path, f"it can't be read: {error.strerror}", _MISSING) from error
    except OSError as error:
        raise _unusable(path, f"it can't be read: {error.strerror}", "Check --journal-key-file.") from error


def _unusable(path: Path, why: str, hint: str) -> Stalled:
    return Stalled("JournalKeyUnusable", f"the journal's key {path}: {why}", hint)
