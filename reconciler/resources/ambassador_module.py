"""The Module ``ambassador``: settings of all listeners, and defaults of all Mappings."""

from reconciler.model.module import ModuleResource
from reconciler.model.resource import Origin
from reconciler.resources.fields import Fields
from reconciler.resources.module_defaults import read_defaults


def read_ambassador(origin: Origin, config: Fields) -> ModuleResource:
    """The Module of a config; what is wrong with it was reported."""
    return ModuleResource(
        origin=origin,
        defaults=read_defaults(config),
        own_namespace=config.flag("use_ambassador_namespace_for_service_resolution"),
    )
