"""Who ends TLS for which host, and with what.

A Host says so itself, by a certificate (``tlsSecret``), by settings of its own (``tls``), by the name of a TLSContext
(``tlsContext``, or unsaid one called like the Host with ``-context`` behind it); where it says nothing, a TLSContext
whose ``hosts`` it is among does, or the ``tls`` Module. One that says so and cannot is not served: in clear text it
would be weaker than it asks to be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.model.match import HostMatch, MatchKind
from reconciler.model.origin import Origin, ResourceId
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import HostResource
from reconciler.model.tls import NO_TLS, Identity, Termination, TlsSettings
from reconciler.model.tls_context import TlsContextResource
from reconciler.table.ports.tls_contexts import TlsContexts

_RANK = (MatchKind.ANY, MatchKind.PREFIX, MatchKind.SUFFIX, MatchKind.EXACT)


@dataclass(frozen=True, slots=True)
class Terminations:
    """How TLS ends.

    Attributes:
        of_hosts: for the clients of each Host that says so itself.
        by_hosts: as TLSContexts say for whole sets of hosts, the narrowest first.
        stranded: Hosts and TLSContexts that can't do what they say, each with why.
        problems: findings besides.
    """

    of_hosts: Mapping[ResourceId, Termination] = field(default_factory=dict)
    by_hosts: Mapping[HostMatch, Termination] = field(default_factory=dict)
    stranded: tuple[tuple[ResourceId, Problem], ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def dark(self) -> frozenset[ResourceId]:
        """The Hosts that must not be served."""
        return frozenset(name for name, _ in self.stranded)

    def of(self, domain: HostMatch, host: HostResource | None) -> Termination | None:
        """How TLS ends for the clients of a virtual host; None: nobody says.

        Args:
            domain: of the virtual host.
            host: the Host behind it, if there is one.
        """
        if host is not None and host.tls != NO_TLS:
            return self.of_hosts.get(host.origin.id)
        if not self.by_hosts:
            return None
        return next((self.by_hosts[hosts] for hosts in domain.covering() if hosts in self.by_hosts), None)


NO_TERMINATIONS = Terminations()


def terminations(hosts: Sequence[HostResource], contexts: TlsContexts) -> Terminations:
    """How TLS ends, from Hosts and TLSContexts in order of identity."""
    if not contexts.by_name and all(host.tls == NO_TLS for host in hosts):
        return NO_TERMINATIONS
    of_hosts: dict[ResourceId, Termination] = {}
    stranded: list[tuple[ResourceId, Problem]] = []
    problems: list[Problem] = []
    borrowed: set[ResourceId] = set()
    for host in hosts:
        if host.tls == NO_TLS:
            continue
        context = _context_of(host, contexts)
        ending = context if isinstance(context, Problem) else _termination(host, context, contexts)
        if isinstance(ending, Problem):
            stranded.append((host.origin.id, ending))
            continue
        of_hosts[host.origin.id] = ending
        if isinstance(context, TlsContextResource):
            borrowed.add(context.origin.id)
            problems += _other_hosts(host, context)
    by_hosts, lacking, contested = _for_sets_of_hosts(contexts, borrowed)
    return Terminations(of_hosts, by_hosts, (*stranded, *lacking), (*problems, *contested))


def _context_of(host: HostResource, contexts: TlsContexts) -> TlsContextResource | Problem | None:
    """The TLSContext a Host names, or is called after; None when it goes without."""
    if host.tls.context:
        return contexts.named(host.origin, host.tls.context, "tlsContext.name")
    if host.tls.settings is not None:
        return None
    implied = contexts.by_name.get(f"{host.origin.id.name}-context", ())
    return next((one for one in implied if one.origin.id.namespace == host.origin.id.namespace), None)


def _termination(
    host: HostResource, context: TlsContextResource | None, contexts: TlsContexts
) -> Termination | Problem:
    """How a Host ends TLS, or why it can't."""
    settings = host.tls.settings or (context.settings if context else TlsSettings())
    namespace = context.origin.id.namespace if context else host.origin.id.namespace
    own, lent = _own_identity(host, contexts), contexts.identity(settings, namespace)
    if own is not None and lent is not None and own != lent:
        return _two_certificates(host, context)
    identity = own or lent
    if identity is None:
        return _no_certificate(host, context)
    return _ending(str(host.origin.id), identity, settings, namespace, contexts)


def _own_identity(host: HostResource, contexts: TlsContexts) -> Identity | None:
    tls = host.tls
    if not tls.secret:
        return None
    if tls.namespace:
        return contexts.secret(tls.secret, tls.namespace, split_names=False)
    return contexts.secret(tls.secret, host.origin.id.namespace)


def _ending(name: str, identity: Identity, settings: TlsSettings, namespace: str, contexts: TlsContexts) -> Termination:
    return Termination(
        name=name,
        identity=identity,
        authorities=contexts.authorities(settings, namespace),
        required=bool(settings.required),
        crl=contexts.revoked(settings, namespace),
        parameters=settings.parameters,
    )


def _for_sets_of_hosts(
    contexts: TlsContexts, borrowed: Iterable[ResourceId]
) -> tuple[dict[HostMatch, Termination], list[tuple[ResourceId, Problem]], list[Problem]]:
    """What TLSContexts say of their ``hosts``; those without a certificate; those whose hosts another has."""
    found: dict[HostMatch, tuple[Termination, TlsContextResource]] = {}
    lacking: list[tuple[ResourceId, Problem]] = []
    contested: list[Problem] = []
    for context in contexts.all:
        if not context.hosts:
            continue
        namespace = context.origin.id.namespace
        identity = contexts.identity(context.settings, namespace)
        if identity is None:
            if context.origin.id not in borrowed:  # a Host lends it a certificate
                lacking.append((context.origin.id, _lacking(context)))
            continue
        ending = _ending(str(context.origin.id), identity, context.settings, namespace, contexts)
        for hosts in context.hosts:
            before = found.setdefault(hosts, (ending, context))
            if replace(before[0], name="") != replace(ending, name=""):
                contested.append(_contested(context, hosts, before[1].origin))
    narrowest = sorted(found, key=lambda hosts: (-_RANK.index(hosts.kind), -len(hosts.value), hosts.value))
    return {hosts: found[hosts][0] for hosts in narrowest}, lacking, contested


def _two_certificates(host: HostResource, context: TlsContextResource | None) -> Problem:
    where = f"{context.origin.id} has another" if context else "tls has another"
    return Problem(
        Code.FIELDS_CONTRADICT,
        Severity.ERROR,
        f"has a certificate of its own and {where}, so it is not served",
        host.origin.provenance,
        field="spec.tlsSecret",
        hint="Leave the certificate out in one of the two places",
        resource=str(host.origin.id),
        related=(context.origin.provenance,) if context else (),
    )


def _no_certificate(host: HostResource, context: TlsContextResource | None) -> Problem:
    where = f"neither it nor {context.origin.id} has" if context else "it has no"
    return Problem(
        Code.MISSING_FIELD,
        Severity.ERROR,
        f"{where} a certificate to end TLS with, so it is not served rather than in clear text"
        if context
        else f"{where} certificate to end TLS with, so it is not served rather than in clear text",
        host.origin.provenance,
        field="spec.tlsSecret",
        expected="tlsSecret: {name: …}",
        resource=str(host.origin.id),
        related=(context.origin.provenance,) if context else (),
    )


def _other_hosts(host: HostResource, context: TlsContextResource) -> Iterable[Problem]:
    """The other implementation reports this and goes on with the TLSContext; so it is here."""
    if not context.hosts or any(hosts.overlaps(host.hostname) for hosts in context.hosts):
        return
    yield Problem(
        Code.FIELDS_CONTRADICT,
        Severity.WARNING,
        f"uses {context.origin.id}, which is for other hosts: {', '.join(map(str, context.hosts))}",
        host.origin.provenance,
        field="spec.tlsContext" if host.tls.context else "metadata.name",
        hint=f"Add {host.hostname} to its `hosts`, or leave `hosts` out",
        resource=str(host.origin.id),
        related=(context.origin.provenance,),
    )


def _lacking(context: TlsContextResource) -> Problem:
    return Problem(
        Code.MISSING_FIELD,
        Severity.ERROR,
        "is for clients of its hosts and has no certificate to show them",
        context.origin.provenance,
        field="spec.secret",
        expected="secret, or cert_chain_file and private_key_file",
        resource=str(context.origin.id),
    )


def _contested(context: TlsContextResource, hosts: HostMatch, winner: Origin) -> Problem:
    return Problem(
        Code.CONFLICT,
        Severity.WARNING,
        f"is for {hosts}, for which {winner.id} has other TLS settings; those are used",
        context.origin.provenance,
        field="spec.hosts",
        hint="Write each host into one TLSContext, or give its Host a `tlsContext`",
        resource=str(context.origin.id),
        related=(winner.provenance,),
    )
