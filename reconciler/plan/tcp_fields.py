"""TCP routes in words: every fact of a TCPMapping that decides where connections go."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.provenance import Provenance
from reconciler.model.resource import ResourceId
from reconciler.model.table import Listener, RouteTable, TcpRoute
from reconciler.plan.fields import Fields
from reconciler.plan.quoting import quoted

_WHOLE = 100  # percent


@dataclass(frozen=True, slots=True)
class WordedTcp:
    """One TCPMapping in words, and where it was written."""

    fields: Fields
    provenance: Provenance


def tcp_wording(table: RouteTable, addresses: Mapping[str, str]) -> dict[ResourceId, WordedTcp]:
    """The TCP routes of a table by identity.

    Args:
        table: any.
        addresses: upstreams in words, by cluster name.
    """
    found: dict[ResourceId, list[tuple[Listener, TcpRoute]]] = defaultdict(list)
    for listener in table.listeners:
        for route in listener.tcp_routes:
            found[route.id].append((listener, route))
    return {
        name: WordedTcp(_fields(listener, route, addresses), route.provenance)
        for name, places in found.items()
        for listener, route in places
    }


def _fields(listener: Listener, route: TcpRoute, addresses: Mapping[str, str]) -> Fields:
    idle = route.idle_timeout_ms
    fields = {
        "port": f"{listener.address}:{listener.port}",
        "connections": ", ".join(
            f"TLS for {quoted(str(host))} ended as {quoted(how.name)}" for host, how in route.servers
        )
        or "all",
        "share": f"{route.percent} % of connections" if route.percent != _WHOLE else "",
        "to": addresses.get(route.cluster) or quoted(route.cluster),
        "idle timeout": "" if idle is None else f"{idle} ms" if idle else "none",
    }
    return {name: value for name, value in fields.items() if value}
