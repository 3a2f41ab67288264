"""Which documents guard every request, so that it is dangerous to serve routes without them."""

from collections.abc import Iterable

from reconciler.model.module import ModuleResource
from reconciler.model.origin import Kind, ResourceId
from reconciler.model.resource import HostResource, Rejected, Resource
from reconciler.model.services import AuthServiceResource, RateLimitServiceResource
from reconciler.model.tls import TlsSettings
from reconciler.model.tls_context import TlsContextResource
from reconciler.model.tls_module import TlsModuleResource


def guard_of(resource: Resource) -> Kind | None:
    """The kind of guard a resource is; None for most.

    A Module is one if it turns clients away by address, runs a script or wants certificates of clients, which a
    TLSContext may want, too. A Host is one: without any, all that Mappings name is served, in clear text too.
    """
    match resource:
        case AuthServiceResource():
            return Kind.AUTH_SERVICE
        case RateLimitServiceResource():
            return Kind.RATE_LIMIT_SERVICE
        case HostResource():
            return Kind.HOST
        case ModuleResource(http=http) if http.filters.ip_rules is not None or http.filters.lua:
            return Kind.MODULE
        case TlsModuleResource(server=TlsSettings(required=True)):
            return Kind.MODULE
        case TlsContextResource(settings=TlsSettings(required=True)):
            return Kind.TLS_CONTEXT
        case _:
            return None


def unguarded(
    served: Iterable[Resource], written: Iterable[Resource], rejected: Iterable[Rejected], absent: Iterable[ResourceId]
) -> tuple[str, ...]:
    """Guards that a revision asks for and in whose place nothing is served, in words, sorted.

    One of the same kind stands in for most; for a Module only one of the same name, and for a TLSContext none: each
    guards hosts of its own.

    Args:
        served: what is served.
        written: all good documents of the revision.
        rejected: the documents that gave no resource.
        absent: what is not served as the source has it, nor at an older version.
    """
    there = {_place(guard, resource.origin.id) for resource in served if (guard := guard_of(resource))}
    gone = set(absent)
    wanted: list[tuple[Kind | None, ResourceId | None, str]] = [
        (guard_of(resource), resource.origin.id, "") for resource in written if resource.origin.id in gone
    ]
    wanted += [(document.guard, document.id, document.path) for document in rejected]
    missing = {
        str(name) if name is not None else f"what may be an {guard} in {path}"
        for guard, name, path in wanted
        if guard is not None and _place(guard, name) not in there and (name is None or name in gone)
    }
    return tuple(sorted(missing))


def _place(guard: Kind, name: ResourceId | None) -> tuple[str, ...]:
    """Guards of one place stand in for each other."""
    if name is None or guard not in (Kind.MODULE, Kind.TLS_CONTEXT):
        return (guard,)
    return (guard, name.name) if guard is Kind.MODULE else (guard, name.namespace, name.name)
