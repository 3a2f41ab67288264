"""What Mappings are placed in: as long as it stays the same, a changed Mapping concerns its own requests only."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.edge import Edge
from reconciler.table.attach import Places
from reconciler.table.documents import Documents


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All of a table but its Mappings.

    Attributes:
        documents: what it was made of.
        edge: with its services.
        places: what decides which virtual hosts take a rule, by the name of the listener.
        fixed_clusters: names of those that are there without a Mapping.
    """

    documents: Documents
    edge: Edge
    places: Mapping[str, Places]
    fixed_clusters: frozenset[str]
