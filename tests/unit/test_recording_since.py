"""What the journal is told of a change is all of it."""

import pytest

from reconciler.audit.store.served import NOTHING_KEPT, amend, compared
from reconciler.compile import NOTHING, Options, compile_routes
from reconciler.recompile import Memory, recompile
from reconciler.recording import documents_of
from reconciler.resources import load_files
from tests.support.edits import EditedRepository

EDITS = 40


@pytest.mark.parametrize("seed", range(8))
def test_what_a_recompile_says_differs_is_all_that_differs(seed: int) -> None:
    """Rows, digests and order of the documents served are those of comparing all, places and commits among them."""
    options, served, files, memory, short = Options(), NOTHING, None, None, 0
    kept = NOTHING_KEPT
    for source in EditedRepository(seed).snapshots(EDITS):
        files = load_files(source, files)
        found = memory and recompile(memory, source, files, options, served.resources)
        if not found:
            found = compile_routes(source, files.whole(), options, served.resources)
            memory = Memory.of(source, files, found, options, served.resources)
        documents = documents_of(found)
        anew = compared(kept, documents.all())
        if documents.base is not None and documents.base is served.token:
            told = amend(kept, documents.changed)
            assert (set(told.gone), set(told.come)) == (set(anew.gone), set(anew.come))
            assert (told.kept.origins, told.kept.tree) == (anew.kept.origins, anew.kept.tree)
            short += 1
        kept, served = anew.kept, found
    assert short
