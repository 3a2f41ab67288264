"""Which documents guard every request, so that it is dangerous to serve routes without them."""

from collections.abc import Iterable

from reconciler.model.module import ModuleResource
from reconciler.model.origin import Kind, ResourceId
from reconciler.model.ownership import OwnershipResource
from reconciler.model.resource import HostResource, Rejected, Resource
from reconciler.model.services import AuthServiceResource, RateLimitServiceResource
from reconciler.model.tls import TlsSettings
from reconciler.model.tls_context import TlsContextResource
from reconciler.model.tls_module import TlsModuleResource


def guard_of(resource: Resource) -> Kind | None:
    """The kind of guard a resource is; None for most.

    A Module is one if it turns clients away by address, runs a script or wants certificates of clients, which a
    TLSContext may want, too. A Host is one: without any, all that Mappings name is served, in clear text too. An
    Ownership guards hosts against those who do not own them.
    """
    match resource:
        case AuthServiceResource():
            return Kind.AUTH_SERVICE
        case RateLimitServiceResource():
            return Kind.RATE_LIMIT_SERVICE
        case HostResource():
            return Kind.HOST
        case OwnershipResource():
            return Kind.OWNERSHIP
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

    One of the same kind stands in for most; for a Module only one of the same name, and for a TLSContext or Ownership
    none: each guards hosts of its own. Where nobody can tell which Ownership a file was to hold, one served from there
    stands in.

    Args:
        served: what is served.
        written: all good documents of the revision.
        rejected: the documents that gave no resource.
        absent: what is not served as the source has it, nor at an older version.
    """
    standing = [(guard, resource.origin) for resource in served if (guard := guard_of(resource))]
    there = {_place(guard, origin.id, "") for guard, origin in standing}
    there |= {_place(guard, None, origin.provenance.path) for guard, origin in standing if guard is Kind.OWNERSHIP}
    gone = set(absent)
    wanted: list[tuple[Kind | None, ResourceId | None, str]] = [
        (guard_of(resource), resource.origin.id, "") for resource in written if resource.origin.id in gone
    ]
    wanted += [(document.guard, document.id, document.path) for document in rejected]
    missing = {
        str(name) if name is not None else f"what may be an {guard} in {path}"
        for guard, name, path in wanted
        if guard is not None and _place(guard, name, path) not in there and (name is None or name in gone)
    }
    return tuple(sorted(missing))


def _place(guard: Kind, name: ResourceId | None, path: str) -> tuple[str, ...]:
    """Guards of one place stand in for each other."""
    if guard is Kind.OWNERSHIP and name is None:
        return (guard, path)
    if name is None or guard not in (Kind.MODULE, Kind.TLS_CONTEXT, Kind.OWNERSHIP):
        return (guard,)
    return (guard, name.name) if guard is Kind.MODULE else (guard, name.namespace, name.name)
