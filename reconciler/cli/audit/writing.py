"""Opens the journal for the verbs that add to it, also beside a running controller; and says who asks."""

import getpass
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from reconciler.audit import Journal, key_file
from reconciler.cli.audit.reading import opened
from reconciler.cli.clock import now
from reconciler.cli.journal import name_of, open_journal
from reconciler.model.happening import Actor
from reconciler.settings import Loaded


@contextmanager
def writable(settings: Loaded) -> Iterator[Journal]:
    """The journal of these settings; signs what it adds.

    Raises:
        Stalled: there is none, it is damaged, or its key can't be used.
    """
    with opened(settings):  # never makes one
        pass
    s = settings.settings
    signer = key_file.signer(s.journal_key_file or s.state / key_file.NAME, name_of(s), make=True)
    journal = open_journal(s, now, signer=signer)
    try:
        yield journal
    finally:
        journal.close()


def asker() -> Actor:
    """Who types here, as this machine calls them; nobody where it does not know."""
    name = ""
    with suppress(KeyError, OSError):
        name = getpass.getuser()
    return Actor(name, f"command line on {platform.node()}")
