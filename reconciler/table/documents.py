"""The documents a table is made of, by what they are for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from reconciler.model.mapping_policy import MappingPolicyResource
from reconciler.model.module import NO_DEFAULTS, MappingDefaults, ModuleResource
from reconciler.model.platform import serves_all_that_is_named
from reconciler.model.ports import TcpMappingResource
from reconciler.model.resource import HostResource, ListenerResource, MappingResource, Resource
from reconciler.model.services import ServiceResource
from reconciler.table.ports.tls_contexts import Lends, TlsContexts, lend_all
from reconciler.table.resolve.defaults import module_of
from reconciler.table.resolve.references import References


@dataclass(frozen=True, slots=True)
class Documents:
    """All resources of a table, each kind in order of identity. A new kind gets its attribute here.

    Attributes:
        module: the ``ambassador`` Module, if there is one.
        mappings, tcp_mappings: what is to be routed.
        policies: what is said of Mappings elsewhere.
        hosts, listeners: what faces clients.
        services: those that requests are shown to.
        references: what can be named: resolvers, CircuitBreakers, OutlierDetections.
        contexts: TLSContexts, those of the ``tls`` Module among them.
        implicit: every host that a Mapping names is served: there is no Host, or none but those of guests.
        endpoints_watched: Kubernetes is asked for endpoints where a resolver says so, and not DNS instead.
    """

    module: ModuleResource | None
    mappings: Sequence[MappingResource]
    tcp_mappings: Sequence[TcpMappingResource]
    policies: Sequence[MappingPolicyResource]
    hosts: Sequence[HostResource]
    listeners: Sequence[ListenerResource]
    services: Sequence[ServiceResource]
    references: References
    contexts: TlsContexts
    implicit: bool
    endpoints_watched: bool = False

    @classmethod
    def of(
        cls,
        resources: Iterable[Resource],
        *,
        endpoints_watched: bool = False,
        platform_namespaces: Sequence[str] = (),
        lends: Lends = lend_all,
    ) -> "Documents":
        """The resources by kind; the same for every order of them. ``platform_namespaces``: see `Limits`."""
        ordered = sorted(resources, key=attrgetter("origin.id.kind", "origin.id.namespace", "origin.id.name"))
        module = module_of(ordered)
        hosts = tuple(one for one in ordered if isinstance(one, HostResource))
        return cls(
            module=module,
            mappings=tuple(one for one in ordered if isinstance(one, MappingResource)),
            tcp_mappings=tuple(one for one in ordered if isinstance(one, TcpMappingResource)),
            policies=tuple(one for one in ordered if isinstance(one, MappingPolicyResource)),
            hosts=hosts,
            listeners=tuple(one for one in ordered if isinstance(one, ListenerResource)),
            services=tuple(one for one in ordered if isinstance(one, ServiceResource)),
            references=References.of(ordered),
            contexts=TlsContexts.of(ordered, split_names=module.split_secret_names if module else True, lends=lends),
            implicit=serves_all_that_is_named(hosts, platform_namespaces),
            endpoints_watched=endpoints_watched,
        )

    @property
    def selecting(self) -> list[HostResource]:
        """The Hosts that select Mappings by label, in order of identity."""
        return [host for host in self.hosts if host.mapping_selector is not None]

    @property
    def defaults(self) -> MappingDefaults:
        """What the Module says for Mappings that do not say otherwise."""
        return self.module.defaults if self.module else NO_DEFAULTS
