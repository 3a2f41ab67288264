"""The target that touches nothing."""

from reconciler.apply.dry_run import DryRunTarget
from reconciler.apply.target import Target
from tests.support.xds_model import cluster, snapshot


def test_a_dry_run_keeps_nothing() -> None:
    """Whatever is applied, nothing is acknowledged and nothing is observed afterwards."""
    target: Target = DryRunTarget()
    assert target.apply(snapshot([cluster("a")])) == ()
    assert target.observe() is None
    target.close()
