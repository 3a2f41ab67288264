"""Opens the journal for the verbs that add to it, also beside a running controller; and says who asks."""

import getpass
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from reconciler.audit import Journal, key_file
from reconciler.cli.anchoring import key_of
from reconciler.cli.audit.reading import opened
from reconciler.cli.clock import now
from reconciler.cli.journal import open_journal
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
    # One that is made here would sign what another one should.
    journal = open_journal(s, now, signer=lambda name, _begins: key_file.signer(key_of(s), name, make=False))
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
