"""TLSContexts by name: towards upstreams, and what they give to whoever ends TLS."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from reconciler.model.match import ANY_HOST
from reconciler.model.origin import Kind, Origin
from reconciler.model.ports import TcpMappingResource
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import is_cluster_path
from reconciler.model.resource import MappingResource, Resource, ResourceId
from reconciler.model.tls import Authorities, Identity, SecretRef, TlsSettings, UpstreamTls
from reconciler.model.tls_context import TlsContextResource
from reconciler.model.tls_module import TlsModuleResource
from reconciler.table.resolve.unknown import several, unknown

SERVER = "server"  # the block of the ``tls`` Module that is about clients

# Whether a document, by the path of its `Provenance`, may use what is a namespace's own.
Lends: TypeAlias = Callable[[str, str], bool]


def lend_all(_namespace: str, _path: str) -> bool:
    """Nobody keeps anything for itself."""
    return True


Speaker = TypeVar("Speaker", MappingResource, TcpMappingResource)


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """All TLSContexts, those of the ``tls`` Module among them.

    Attributes:
        by_name: in order of identity.
        split_names: the last dot of a Secret's name stands before a namespace, where nothing else is said.
        lends: see `Lends`.
    """

    by_name: dict[str, list[TlsContextResource]]
    split_names: bool = True
    lends: Lends = field(default=lend_all, compare=False, repr=False)

    @classmethod
    def of(cls, resources: Sequence[Resource], *, split_names: bool = True, lends: Lends = lend_all) -> "TlsContexts":
        """The TLSContexts among the resources of a table, which are in order of identity."""
        by_name: dict[str, list[TlsContextResource]] = defaultdict(list)
        for resource in resources:
            if isinstance(resource, TlsContextResource):
                by_name[resource.origin.id.name].append(resource)
            elif isinstance(resource, TlsModuleResource):
                for name, context in _of_module(resource):
                    by_name[name].append(context)
        return cls(dict(by_name), split_names, lends)

    @property
    def all(self) -> list[TlsContextResource]:
        """Every TLSContext, by name and namespace."""
        return [context for _, found in sorted(self.by_name.items()) for context in found]

    def find(self, written: str, namespace: str) -> list[TlsContextResource]:
        """What a name means in a namespace: its own, else the only one of all others; several to choose from, or none.

        ``name.namespace`` is understood where no TLSContext has the whole as its name.
        """
        found = self.by_name.get(written)
        if found is None:
            name, _, namespace = written.rpartition(".")
            return [one for one in self.by_name.get(name, ()) if one.origin.id.namespace == namespace]
        return [one for one in found if one.origin.id.namespace == namespace] or found

    def named(self, origin: Origin, written: str, where: str = "tls") -> TlsContextResource | Problem:
        """The TLSContext of a name, or why there is not one.

        Args:
            origin: of the document that names it.
            written: the name.
            where: the field, below ``spec``.
        """
        found = self.find(written, origin.id.namespace)
        usable = [one for one in found if self._lent(one.origin, origin)]
        if found and not usable:
            return _not_lent(origin, where, found[0])
        return usable[0] if len(usable) == 1 else self._not_one(origin, written, where, usable)

    def _lent(self, context: Origin, origin: Origin) -> bool:
        """Whether a document may use a TLSContext; one of the repository is for all, as a Module's block is."""
        if not is_cluster_path(context.provenance.path) or context.id.kind is Kind.MODULE:
            return True
        return self.lends(context.id.namespace, origin.provenance.path)

    def upstream(self, origin: Origin, written: str) -> UpstreamTls | Problem:
        """How to speak TLS to the upstream of a document that names a TLSContext, or why nobody may.

        Never in clear text: a TLSContext without authorities leaves them to the CA file of the settings.
        """
        context = self.named(origin, written)
        if isinstance(context, Problem):
            return context
        settings, namespace = context.settings, context.origin.id.namespace
        return UpstreamTls(
            authorities=self.authorities(settings, namespace),
            identity=self.identity(settings, namespace),
            sni=settings.sni,
            parameters=settings.parameters,
            crl=self.revoked(settings, namespace),
        )

    def identity(self, settings: TlsSettings, namespace: str) -> Identity | None:
        """The certificate of some settings of a document in a namespace; None without one."""
        if settings.secret:
            return self.secret(settings.secret, namespace, settings.split_names)
        return settings.key_pair

    def authorities(self, settings: TlsSettings, namespace: str) -> Authorities | None:
        """Whom the other side's certificate must be signed by; None when nothing is said."""
        if settings.ca_secret:
            return self.secret(settings.ca_secret, namespace, settings.split_names)
        return settings.ca_file or None

    def revoked(self, settings: TlsSettings, namespace: str) -> Authorities | None:
        """Where the revoked certificates stand; None when nothing is said."""
        if settings.crl_secret:
            return self.secret(settings.crl_secret, namespace, settings.split_names)
        return settings.crl_file or None

    def secret(self, written: str, namespace: str, split_names: bool | None = None) -> SecretRef:
        """The Secret of a name as written in a namespace."""
        split = self.split_names if split_names is None else split_names
        name, dot, elsewhere = written.rpartition(".")
        return SecretRef(elsewhere, name) if split and dot else SecretRef(namespace, written)

    def _not_one(self, origin: Origin, written: str, where: str, found: Sequence[TlsContextResource]) -> Problem:
        if found:
            message = f"several TLSContexts are called {written}, none of them in its namespace"
            return several(origin, where, message, found)
        return unknown(
            origin,
            where,
            f"names a TLSContext that there is not: {written}; it is not served rather than in clear text",
            self.by_name,
            hint="Correct the name, or add the TLSContext",
            alone="There is no TLSContext at all: add it",
        )


def speaking_tls(
    mappings: Iterable[Speaker], contexts: TlsContexts
) -> tuple[list[Speaker], list[tuple[ResourceId, Problem]]]:
    """Mappings with the TLS settings they name looked up, and those that name what is not there, each with why."""
    found: list[Speaker] = []
    stranded: list[tuple[ResourceId, Problem]] = []
    for mapping in mappings:
        if not mapping.tls_context:
            found.append(mapping)
            continue
        tls = contexts.upstream(mapping.origin, mapping.tls_context)
        if isinstance(tls, Problem):
            stranded.append((mapping.origin.id, tls))
        else:
            found.append(replace(mapping, upstream=replace(mapping.upstream, tls=tls)))
    return found, stranded


def _not_lent(origin: Origin, where: str, context: TlsContextResource) -> Problem:
    namespace = context.origin.id.namespace
    return Problem(
        Code.NOT_ALLOWED,
        Severity.ERROR,
        f"names {context.origin.id}, which an object of another namespace holds, so it is not served",
        origin.provenance,
        field=f"spec.{where}",
        hint=f"Write a TLSContext of its own, or have that of {namespace} written in the repository, or an Ownership "
        "declare both as namespaces of one team",
        resource=str(origin.id),
        related=(context.origin.provenance,),
    )


def _of_module(module: TlsModuleResource) -> Iterable[tuple[str, TlsContextResource]]:
    if module.server is not None:
        yield SERVER, TlsContextResource(module.origin, (ANY_HOST,), module.server)
    for name, settings in module.named:
        yield name, TlsContextResource(module.origin, (), settings)
