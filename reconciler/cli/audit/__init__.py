"""``reconciler audit``: who changed what, when, and what Envoy said; and whether the journal is as it was written."""

import click

from reconciler.cli.audit.log import log
from reconciler.cli.audit.show import show
from reconciler.cli.audit.verify import verify


@click.group()
def audit() -> None:
    """Read the journal; also while a controller writes it.

    \b
    Examples:
      reconciler audit log --mapping shop/checkout
      reconciler audit show 3f2a9c1
      reconciler audit verify
    """


for verb in (log, show, verify):
    audit.add_command(verb)
