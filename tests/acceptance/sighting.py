"""What peers saw, by the id every request carries."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

QUERY_HEADER = "x-query"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A request as a peer saw it.

    Attributes:
        headers: by name in lower case; values of one name joined with a comma.
        names: of the headers as they were spelt.
        protocol: ``HTTP/1.1``, ``HTTP/2``, ``websocket``, ``grpc`` or ``tcp``.
        certificate: names in the client's certificate.
    """

    peer: str
    method: str = ""
    path: str = ""
    host: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    body: str = ""
    protocol: str = ""
    sni: str = ""
    certificate: tuple[str, ...] = ()


@dataclass(slots=True)
class Board:
    """Where all peers note what they see."""

    sightings: dict[str, list[Sighting]] = field(default_factory=lambda: defaultdict(list))

    def note(self, query: str, sighting: Sighting) -> int:
        """Adds one; returns how often its peer has seen this request by now."""
        self.sightings[query].append(sighting)
        return self.count(query, sighting.peer)

    def of(self, query: str, peer: str = "") -> list[Sighting]:
        """All sightings of a request, or those of one peer."""
        return [seen for seen in self.sightings.get(query, ()) if not peer or seen.peer == peer]

    def count(self, query: str, peer: str = "") -> int:
        """How often a request was seen."""
        return len(self.of(query, peer))


def joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name in lower case."""
    found: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found
