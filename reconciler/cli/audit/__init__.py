"""``reconciler audit``: who changed what, when, and what Envoy said; and whether the journal is as it was written."""

from reconciler.cli.verbs import verbs

_VERBS = (
    "log",
    "show",
    "history",
    "blame",
    "at",
    "diff",
    "trace",
    "verify",
    "prove:prove",
    "prove:key",
    "prove:checkpoint",
    "prove:anchors",
    "export",
    "prune",
    "hold",
)


@verbs(*(f"reconciler.cli.audit.{verb}" for verb in _VERBS))
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
