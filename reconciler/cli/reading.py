"""What the reading verbs share: files of a folder or of a revision, compiled, nothing touched."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.show import progress
from reconciler.cli.sources import git_source
from reconciler.cli.wiring import stage_options
from reconciler.compile import Compiled, compile_routes, load_source
from reconciler.model.errors import Stalled
from reconciler.model.source import Revision, SourceSnapshot
from reconciler.resources import Loaded as LoadedResources
from reconciler.settings import Loaded
from reconciler.sources import DirectorySource


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a source: its files, its resources, and what they compile to."""

    source: SourceSnapshot
    loaded: LoadedResources
    compiled: Compiled


def read(path: Path | None, settings: Loaded, previous: Revision | None = None) -> Reading:
    """Reads and compiles a folder as it is on disk, or the repository of the settings at its ref.

    Args:
        path: the folder; None for the repository.
        settings: the effective settings.
        previous: the revision last applied, to tell whether the history goes on from there.

    Raises:
        Stalled, Transient: neither can be read.
    """
    options = stage_options(settings)
    source = _fetch(path, settings, previous)
    loaded = load_source(source, options)
    return Reading(source, loaded, compile_routes(source, loaded, options))


def _fetch(path: Path | None, settings: Loaded, previous: Revision | None) -> SourceSnapshot:
    if path is not None:
        return DirectorySource(path).fetch(None)
    if not settings.settings.repo:
        raise Stalled("NoSource", "neither a PATH nor a repository is given", "name a folder, or --repo URL --ref REF")
    # A clone of its own: the state directory may belong to a running controller.
    with tempfile.TemporaryDirectory(prefix="reconciler-") as scratch:
        source = git_source(settings.settings, Path(scratch) / "clone")
        progress(f"fetching {source.describe}")
        try:
            return source.fetch(previous)
        finally:
            source.close()
