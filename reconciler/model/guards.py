"""Which documents guard every request, so that it is dangerous to serve routes without them."""

from collections.abc import Iterable

from reconciler.model.module import ModuleResource
from reconciler.model.origin import Kind, ResourceId
from reconciler.model.resource import HostResource, Rejected, Resource
from reconciler.model.services import AuthServiceResource, RateLimitServiceResource


def guard_of(resource: Resource) -> Kind | None:
    """The kind of guard a resource is; None for most: a Module is one if it turns clients away by address.

    A Host is one: without any, all that Mappings name is served, in clear text too.
    """
    match resource:
        case AuthServiceResource():
            return Kind.AUTH_SERVICE
        case RateLimitServiceResource():
            return Kind.RATE_LIMIT_SERVICE
        case HostResource():
            return Kind.HOST
        case ModuleResource(http=http) if http.filters.ip_rules is not None:
            return Kind.MODULE
        case _:
            return None


def unguarded(
    served: Iterable[Resource], written: Iterable[Resource], rejected: Iterable[Rejected], absent: Iterable[ResourceId]
) -> tuple[str, ...]:
    """Guards that a revision asks for and of whose kind nothing is served, in words, sorted.

    Args:
        served: what is served.
        written: all good documents of the revision.
        rejected: the documents that gave no resource.
        absent: what is not served as the source has it, nor at an older version.
    """
    there = {guard_of(resource) for resource in served}
    gone = set(absent)
    wanted: list[tuple[Kind | None, ResourceId | None, str]] = [
        (guard_of(resource), resource.origin.id, "") for resource in written if resource.origin.id in gone
    ]
    wanted += [(document.guard, document.id, document.path) for document in rejected]
    missing = {
        str(name) if name is not None else f"what may be an {guard} in {path}"
        for guard, name, path in wanted
        if guard is not None and guard not in there and (name is None or name in gone)
    }
    return tuple(sorted(missing))
