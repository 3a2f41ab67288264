"""Settings to the journal: a file in the state directory, or a schema of a PostgreSQL database."""

import os
import re
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from reconciler.audit import Journal, KeyOf
from reconciler.audit.proof.signing import DEFAULT_NAME, Signer
from reconciler.cli.clock import now
from reconciler.model.digest import digest_bytes
from reconciler.model.errors import ReconcileError, Stalled
from reconciler.settings import Settings

JOURNAL = "journal.db"
_REPLICA = "{replica}"
_LONGEST_SCHEMA = 63  # bytes of a name in PostgreSQL
_TELLING = 16  # digits by which two names that were cut are told apart


def open_journal(
    s: Settings,
    clock: Callable[[], datetime],
    *,
    read_only: bool = False,
    signer: Signer | KeyOf | None = None,
    alone: bool = False,
    longest_s: float | None = None,
    adopt: bool = False,
) -> Journal:
    """The journal of these settings; see `Journal.open`.

    Raises:
        Stalled, Transient: it can't be opened.
    """
    return Journal.open(
        _place(s),
        clock,
        read_only=read_only,
        signer=signer,
        origin=_wanted_name(s),
        schema=schema_of(s.journal_schema, s.replica),
        alone=alone,
        longest_s=longest_s,
        adopt=adopt,
    )


def name_of(s: Settings) -> str:
    """The name of this journal, as checkpoints and the key have it: what it was signed as, whatever settings say."""
    with suppress(ReconcileError), closing(open_journal(s, now, read_only=True)) as journal:
        known = journal.proofs().origin()
        if known:
            return known
    return _wanted_name(s) or DEFAULT_NAME


def _wanted_name(s: Settings) -> str:
    """What the settings say; empty where they don't."""
    if s.journal_name == DEFAULT_NAME:
        return ""
    return re.sub(r"[\s+]", "_", s.journal_name.replace(_REPLICA, _replica(s.replica)))


def _replica(setting: str) -> str:
    return setting or os.environ.get("POD_NAME") or socket.gethostname()


def schema_of(setting: str, replica: str) -> str:
    """The schema of this replica's journal; where it names the replica, in letters that PostgreSQL takes unquoted."""
    if _REPLICA not in setting:
        return setting
    name = _replica(replica)
    made = setting.replace(_REPLICA, re.sub(r"[^a-z0-9_]", "_", name.lower()))
    made = f"_{made}" if made[0].isdigit() else made
    if len(made) <= _LONGEST_SCHEMA:
        return made
    return f"{made[: _LONGEST_SCHEMA - _TELLING - 1]}_{digest_bytes(made.encode())[-_TELLING:]}"


def _place(s: Settings) -> Path | str:
    url = s.journal_url.reveal().strip()
    if s.journal_url_file:
        try:
            url = s.journal_url_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "not text"
            raise Stalled("InvalidSettings", f"{s.journal_url_file}: {said}", "see --journal-url-file") from None
    if not url:
        return s.state / JOURNAL
    # Without it, what was meant for a database would be the name of a file, password and all.
    if "://" not in url:
        hint = "Give postgresql://USER:PASSWORD@HOST/DATABASE."
        raise Stalled("InvalidSettings", "the journal's URL names no kind of database", hint)
    return url
