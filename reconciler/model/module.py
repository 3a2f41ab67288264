"""The ``ambassador`` Module: what holds for everything that does not say otherwise."""

from dataclasses import dataclass

from reconciler.model.edge import DEFAULT_HTTP, HttpSettings
from reconciler.model.origin import Origin
from reconciler.model.policy import NO_POLICY, LimitEntry, RoutePolicy
from reconciler.model.upstream import ANY_UPSTREAM, Upstream


@dataclass(frozen=True, slots=True)
class MappingDefaults:
    """What a Mapping gets that does not say otherwise; None and empty: nothing is said here either.

    Attributes:
        timeout_ms: of the whole request, milliseconds; 0 for none.
        resolver: name of a resolver, as written.
        label_domain: of labels that name none; empty for ``ambassador``.
        labels: what comes first in every label group, by domain.
    """

    timeout_ms: int | None = None
    resolver: str = ""
    policy: RoutePolicy = NO_POLICY
    upstream: Upstream = ANY_UPSTREAM
    label_domain: str = ""
    labels: tuple[tuple[str, tuple[LimitEntry, ...]], ...] = ()


NO_DEFAULTS = MappingDefaults()


@dataclass(frozen=True, slots=True)
class ModuleResource:
    """The ``ambassador`` Module.

    Attributes:
        http: settings of every listener.
        port: to listen on, where there is no Listener.
        split_secret_names: the last dot of a Secret's name stands before a namespace, where nothing else is said.
        own_namespace: unqualified services are in the Module's namespace, not in that of who names them.
    """

    origin: Origin
    defaults: MappingDefaults = NO_DEFAULTS
    http: HttpSettings = DEFAULT_HTTP
    port: int | None = None
    own_namespace: bool = False
    split_secret_names: bool = True
