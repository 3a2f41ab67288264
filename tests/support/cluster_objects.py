"""Objects of a cluster from a file, as the source would show them: what golden cases read beside their folder."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from reconciler.cluster import ObjectKey
from reconciler.model.source import SourceSnapshot
from reconciler.sources.cluster import ClusterReading, ClusterView
from reconciler.sources.cluster.holding import Holding
from reconciler.sources.cluster.reduction import Reduced, reduce_custom, reduce_ingress, reduce_service


def view_of(objects: Sequence[dict[str, Any]], reading: ClusterReading) -> ClusterView:
    """What is known of a cluster that holds these objects."""
    groups: defaultdict[str, dict[ObjectKey, Reduced]] = defaultdict(dict)
    for body in objects:
        kind, metadata = body["kind"], body["metadata"]
        if (reduced := _reduced(kind, body, reading)) is not None:
            groups[kind][metadata["namespace"], metadata["name"]] = reduced
    holding = Holding(reading.limits)
    for group, members in groups.items():
        holding.put(group, members)
    return holding.view(synced=True, failure="", stale_s=0.0)


def _reduced(kind: str, body: dict[str, Any], reading: ClusterReading) -> Reduced | None:
    match kind:
        case "Service":
            return reduce_service(body, reading, annotations=reading.annotations, ports=reading.ingresses)
        case "Ingress":
            return reduce_ingress(body, reading)
    return reduce_custom(body, kind, reading)


def with_objects(source: SourceSnapshot, path: Path, reading: ClusterReading) -> SourceSnapshot:
    """A snapshot with the objects of a file beside its own files."""
    objects = [body for body in yaml.load_all(path.read_text(), _Loader) if body]
    view = view_of(objects, reading)
    return replace(
        source,
        files=tuple(sorted((*source.files, *view.files.values()), key=lambda file: file.path)),
        unreadable=tuple(sorted((*source.unreadable, *view.refused))),
        problems=(*source.problems, *(refused.problem for _, refused in sorted(view.refused.items()))),
    )


class _Loader(yaml.SafeLoader):
    """Leaves times as they are written: the API gives them as text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the class it is of has them
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
