"""How a controller goes on from where the last one ended."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.apply import XdsTarget
from reconciler.cache import PartStore, SnapshotStore
from reconciler.compile import Options
from reconciler.model.snapshot import Snapshot
from reconciler.resources import LoadedFiles
from reconciler.state import Edges, State, restore


@dataclass(frozen=True, slots=True)
class Caches:
    """What an earlier run kept on disk. A disk that is full or broken costs time, and nothing else."""

    parts: PartStore
    snapshots: SnapshotStore

    @classmethod
    def below(cls, folder: Path, options: Options) -> "Caches":
        """Those of a state directory."""
        parts = PartStore(folder / "parts", options.limits, options.ambassador_id)
        return cls(parts, SnapshotStore(folder / "served", options.config_digest))

    def keep_files(self, files: LoadedFiles, changed: tuple[str, ...] | None) -> None:
        """Keep what files hold; see `Edges.keep`."""
        with suppress(OSError):
            self.parts.keep(files.parts, changed)

    def keep_served(self, state: State) -> None:
        """Keep what is served, if anything is that may be served again as it is."""
        if state.revision is not None and not state.unguarded:
            with suppress(OSError):
                self.snapshots.keep(state.applied.snapshot)


def resume(edges: Edges, options: Options, caches: Caches) -> State:
    """What the journal says is served; xDS serves it again at once, so that a dead forge harms nobody.

    What was kept of it is served before anything is compiled. After an interrupted apply nobody knows what the Envoys
    hold: they keep it until the first reconcile. So they do where a guard of every request can't be read as it could
    when it was served.

    Raises:
        Transient: the journal can't be read.
    """
    interrupted = edges.journal.unfinished()
    early = caches.snapshots.recall(edges.journal.served_digest()) if interrupted is None else None
    if early is not None:
        _serve(edges, early)
    kept = caches.parts.recall()
    state = replace(restore(edges.journal, options, kept), kept=kept)
    if interrupted is not None:
        edges.journal.interrupt(interrupted)
    elif state.revision is not None and not state.unguarded:
        _serve(edges, state.applied.snapshot)
    return state


def _serve(edges: Edges, snapshot: Snapshot) -> None:
    for target in edges.targets:
        if isinstance(target, XdsTarget):
            target.serve(snapshot)
