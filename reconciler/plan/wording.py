"""The routes of one name in words, whether they are for requests or for connections."""

from reconciler.model.resource import ResourceId
from reconciler.model.table import RouteTable
from reconciler.plan.fields import Fields, Wording
from reconciler.plan.tcp_fields import tcp_wording


def worded(table: RouteTable, named: str) -> dict[ResourceId, Fields]:
    """The fields of every route of a table with this name, as a plan that creates it tells them.

    Args:
        table: any.
        named: ``name`` or ``namespace/name``.
    """
    wording = Wording(table)
    connections = tcp_wording(table, wording.addresses) if table.tcp_routes else {}
    found = {name: wording.fields(name) for name in wording.routes if _is(name, named)}
    return found | {name: told.fields for name, told in connections.items() if _is(name, named)}


def _is(name: ResourceId, named: str) -> bool:
    return named in {name.name, f"{name.namespace}/{name.name}"}
