"""What is compiled at the cost of a change is what is compiled from everything."""

from random import Random

import pytest

from reconciler.compile import NOTHING, Compiled, Options, compile_routes
from reconciler.envoy import RenderOptions, Routing, Sharding
from reconciler.merge import ConflictPolicy
from reconciler.recompile import Memory, recompile
from reconciler.resources import load_files
from tests.support.edits import EditedRepository

_EDITS = 40


@pytest.mark.parametrize(
    ("seed", "options", "secured"),
    [
        (0, Options(), False),
        (1, Options(conflicts=ConflictPolicy.SPLIT), False),
        (2, Options(render=RenderOptions(routing=Routing.TREE)), False),
        (3, Options(render=RenderOptions(sharding=Sharding.BUCKETS)), False),
        (4, Options(), True),
        (5, Options(render=RenderOptions(routing=Routing.TREE, sharding=Sharding.HOSTS)), True),
    ],
)
def test_incremental_equals_cold(seed: int, options: Options, secured: bool) -> None:
    """Over random edits, applied and refused, with conflicts, broken files and other kinds among them."""
    chance = Random(seed)
    files, memory, served = None, None, NOTHING
    short = 0
    for source in EditedRepository(seed, secured=secured).snapshots(_EDITS):
        files = load_files(source, files)
        cold = compile_routes(source, files.whole(), options, served.resources)
        found = memory and recompile(memory, source, files, options, served.resources)
        if found:
            _same(found, cold)
            short += 1
        else:
            found = cold
            memory = Memory.of(source, files, cold, options, served.resources)
        if chance.random() < 0.8:  # otherwise it is refused, and what was served stays
            served = found
    assert short > 1


def _same(found: Compiled, cold: Compiled) -> None:
    assert found.resources == cold.resources
    assert found.problems == cold.problems
    assert found.quarantined == cold.quarantined
    assert found.table == cold.table
    assert found.snapshot == cold.snapshot
    assert found == cold
    assert found.unsettled == cold.unsettled
