"""Settings to the journal: a file in the state directory, or a schema of a PostgreSQL database."""

import os
import re
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from reconciler.audit import Journal
from reconciler.audit.proof.signing import Signer
from reconciler.model.digest import digest_bytes
from reconciler.model.errors import Stalled
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
    signer: Signer | None = None,
    alone: bool = False,
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
        origin=name_of(s),
        schema=schema_of(s.journal_schema, s.replica),
        alone=alone,
    )


def name_of(s: Settings) -> str:
    """The name of this replica's journal, as checkpoints and the key have it."""
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
