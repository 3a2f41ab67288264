"""A plan of what was made from what is served: found at the cost of the change, and the same."""

from dataclasses import replace
from random import Random

import pytest

from reconciler.compile import NOTHING, Compiled, Options, compile_routes, plan_change
from reconciler.plan import BlastRadius
from reconciler.recompile import Memory, recompile
from reconciler.resources import load_files
from tests.support.edits import EditedRepository
from tests.support.since import made_from

OPTIONS = Options(blast_radius=BlastRadius(max_delete_share=0.2, min_routes=3))
EDITS = 40


def same_plan(before: Compiled, after: Compiled) -> None:
    """The plan with what differs at hand is the plan without."""
    anew = replace(after, since=None)
    for fast_forward in (True, False, None):
        assert plan_change(before, after, OPTIONS, fast_forward) == plan_change(before, anew, OPTIONS, fast_forward)


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_since_is_the_plan_anew(seed: int) -> None:
    """Over edits of all kinds: weights, hosts, moves between hosts, deletions, new Mappings, other upstreams."""
    before = NOTHING
    for source in EditedRepository(seed).snapshots(EDITS):
        compiled = compile_routes(source, load_files(source, None).whole(), OPTIONS, before.resources)
        after = made_from(before, compiled)
        same_plan(before, after)
        same_plan(after, made_from(after, before))
        before = after


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_of_a_recompile_is_the_plan_anew(seed: int) -> None:
    """Where the compile itself says what differs, and shares the rest; some revisions are refused and never served."""
    chance, served, files, memory, short = Random(seed), NOTHING, None, None, 0
    for source in EditedRepository(seed).snapshots(EDITS):
        files = load_files(source, files)
        found = memory and recompile(memory, source, files, OPTIONS, served.resources)
        if not found:
            found = compile_routes(source, files.whole(), OPTIONS, served.resources)
            memory = Memory.of(source, files, found, OPTIONS, served.resources)
        same_plan(served, found)
        short += found.since is not None and found.since.base is served.token
        if chance.random() < 0.8:
            served = found
    assert short
