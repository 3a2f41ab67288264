"""How the parts of a controller are, asked when somebody looks."""

import time
from collections.abc import Sequence

from reconciler.audit.anchor import Anchoring
from reconciler.cli.announce import Voice
from reconciler.loop import Loop
from reconciler.model.decision import Decision
from reconciler.model.health import Health, SourceHealth
from reconciler.sources import CombinedSource
from reconciler.web import StatusBoard


def health_of(
    loops: Sequence[Loop], voices: Sequence[Voice], board: StatusBoard, anchorings: Sequence[Anchoring] = ()
) -> Health:
    """The health of a controller; of one that does not run yet, nothing is told."""
    if not loops:
        return Health()
    loop, announcer = loops[0], voices[0].announcer if voices else None
    source = loop.edges.source
    return Health(
        source.health() if isinstance(source, CombinedSource) else (_of_git(loop, board),),
        announcer.posted if announcer else 0,
        announcer.dropped if announcer else 0,
        bool(loop.suspended),
        loop.edges.clerk.trouble,
        loop.edges.clerk.unrecorded,
        anchors=tuple(state for anchoring in anchorings for state in anchoring.states()),
        pages=board.pages(),
    )


def _of_git(loop: Loop, board: StatusBoard) -> SourceHealth:
    last = board.last
    failure = last.message if last and last.decision is Decision.FAILED else ""
    stale = time.monotonic() - board.heard_at
    return SourceHealth("git", stale, failure, not board.heard, loop.state.holdings()["files"])
