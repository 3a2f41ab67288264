"""The Module ``ambassador``: settings of all listeners, and defaults of all Mappings."""

from reconciler.model.module import ModuleResource
from reconciler.model.resource import Origin
from reconciler.resources.fields import Fields
from reconciler.resources.module.defaults import read_defaults
from reconciler.resources.module.http import read_http
from reconciler.resources.module.ignored import report_ignored


def read_ambassador(origin: Origin, config: Fields) -> ModuleResource:
    """The Module of a config; what is wrong with it was reported."""
    report_ignored(config)
    return ModuleResource(
        origin=origin,
        defaults=read_defaults(config),
        http=read_http(config),
        port=config.integer("service_port"),
        own_namespace=config.flag("use_ambassador_namespace_for_service_resolution"),
        split_secret_names=config.inside("defaults").flag("tls_secret_namespacing", default=True),
    )
