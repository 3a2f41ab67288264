"""``reconciler audit``: who changed what, when, and what Envoy said; and whether the journal is as it was written."""

import click

from reconciler.cli.audit.at import at
from reconciler.cli.audit.blame import blame
from reconciler.cli.audit.diff import diff
from reconciler.cli.audit.export import export
from reconciler.cli.audit.history import history
from reconciler.cli.audit.hold import hold
from reconciler.cli.audit.log import log
from reconciler.cli.audit.prove import anchors, checkpoint, key, prove
from reconciler.cli.audit.prune import prune
from reconciler.cli.audit.show import show
from reconciler.cli.audit.trace import trace
from reconciler.cli.audit.verify import verify


@click.group()
def audit() -> None:
    """Read the journal, hold and prune it; also while a controller writes it.

    \b
    Examples:
      reconciler audit log --mapping shop/checkout
      reconciler audit show 3f2a9c1
      reconciler audit blame shop/checkout
      reconciler audit at 24h
      kubectl logs deployment/envoy | reconciler audit trace
      reconciler audit verify
    """


for verb in (log, show, history, blame, at, diff, trace, verify, prove, key, checkpoint, anchors, export, prune, hold):
    audit.add_command(verb)
