"""What the reading verbs share: files of a folder or of a revision, compiled, nothing touched."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import click

from reconciler.cli.show import progress
from reconciler.cli.sources import cluster_source, git_source, needed_api_server, reads_cluster
from reconciler.cli.stages import stage_options
from reconciler.compile import Compiled, compile_routes, load_source
from reconciler.model.errors import Stalled, Transient
from reconciler.model.problem import rank
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


def read_from(origin: str | None, path: Path | None, settings: Loaded) -> Reading:
    """Reads what the flags of a verb name: a cluster, a folder or the repository; see `read`.

    Args:
        origin: ``cluster``, or None for files.
        path: the folder.
        settings: the effective settings.
    """
    if origin and path:
        raise click.UsageError("--from and PATH exclude each other")
    return read_cluster(settings) if origin else read(path, settings)


def read_cluster(settings: Loaded) -> Reading:
    """Reads and compiles what the objects of the cluster say by themselves, without any repository.

    Args:
        settings: what is read; where they name nothing, annotations, custom resources and Ingresses of our class.

    Raises:
        Stalled, Transient: there is no cluster, or it can't be read.
    """
    options, s = stage_options(settings), settings.settings
    if not reads_cluster(s):
        s = replace(s, annotations=True, custom_resources=True, ingresses=True)
    cluster = needed_api_server(s, "comparing with a cluster")
    objects = cluster_source(s, options.limits, cluster, lambda: None)
    progress(f"reading {objects.describe}")
    try:
        objects.start()
        known = objects.wait_synced(s.kube_timeout)
        view = objects.view()
    finally:
        objects.close()
        cluster.close()
    if not known:
        silent = f"the API server has not answered within {s.kube_timeout:g} s"
        raise Transient("ClusterNotRead", view.failure or silent)
    source = SourceSnapshot(
        revision=Revision("", "", view.digest),
        commit=None,
        files=tuple(file for _, file in sorted(view.files.items())),
        unreadable=tuple(sorted(view.refused)),
        problems=tuple(sorted(view.problems, key=rank)),
    )
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
