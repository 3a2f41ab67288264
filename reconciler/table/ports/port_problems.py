"""What does not work as written around listeners: certificates, security models, ports."""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.match import MatchKind
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import HostResource, InsecureAction, ListenerResource, SecurityModel
from reconciler.model.table import Listener, VirtualHost
from reconciler.table.ports.ports import serves


def around_listeners(
    listeners: Sequence[Listener], resources: Sequence[ListenerResource], hosts: Sequence[HostResource]
) -> list[Problem]:
    """All findings around listeners.

    Args:
        listeners: with everything they serve.
        resources: those that were written.
        hosts: all, each its hostname's only one at every listener.
    """
    bound = {(one.port, one.stack.transport): [host for host in hosts if one.binds(host)] for one in resources}
    served = [
        (listener, virtual_host, host)
        for listener in listeners
        if listener.stack.http
        for virtual_host, host in _owners(listener, bound.get((listener.port, listener.stack.transport), hosts))
    ]
    closed = [finding for listener, one, host in served for finding in _closed_to_tls(one, host, listener)]
    # Clear text is meant to be turned away where the same Host answers over TLS on some port.
    over_tls = {host.origin.id for listener, one, host in served if listener.stack.tls and one.termination is not None}
    shut = [
        finding
        for listener, _, host in served
        if host.origin.id not in over_tls
        for finding in _never_secure(host, listener)
    ]
    return [*closed, *shut, *_unopened(listeners, hosts), *_unused(listeners, resources)]


def _owners(listener: Listener, hosts: Iterable[HostResource]) -> Iterator[tuple[VirtualHost, HostResource]]:
    """The virtual hosts of a listener that a Host asks for."""
    by_name = {host.hostname: host for host in hosts}
    for virtual_host in listener.virtual_hosts:
        if virtual_host.host in by_name:
            yield virtual_host, by_name[virtual_host.host]


def _closed_to_tls(virtual_host: VirtualHost, host: HostResource, listener: Listener) -> Iterator[Problem]:
    """TLS connections to the listener do not reach the Host."""
    if not listener.stack.tls:
        return
    if virtual_host.termination is None:
        only = "" if listener.stack.udp else "; only clear text is served there"
        yield Problem(
            Code.NO_TLS,
            Severity.WARNING,
            f"has no certificate, so TLS connections for {host.hostname} to {listener.stack.transport} port "
            f"{listener.port} find nothing{only}",
            host.origin.provenance,
            resource=str(host.origin.id),
            hint="Add `tlsSecret` or `tlsContext`, or use a Listener with `protocol: HTTP`",
        )
    elif virtual_host.host.kind is MatchKind.PREFIX:
        yield Problem(
            Code.NO_TLS,
            Severity.WARNING,
            f"TLS connections to port {listener.port} cannot be told by the beginning of a host name, so those for "
            f"{host.hostname} find it only where another Host with the same settings is asked for",
            host.origin.provenance,
            field="spec.hostname",
            expected="an exact host, * or *.example.com",
            resource=str(host.origin.id),
            hint="Write one Host for each name",
        )


def _never_secure(host: HostResource, listener: Listener) -> Iterator[Problem]:
    """The Host turns away every request of the listener, since none of them can count as secure."""
    if listener.security_model is not SecurityModel.XFP or listener.trusted_hops:
        return
    if listener.stack.udp or host.insecure_action is InsecureAction.ROUTE:
        return
    yield Problem(
        Code.NEVER_SECURE,
        Severity.WARNING,
        f"no request on port {listener.port} counts as secure, so each gets {host.insecure_action}: securityModel "
        "XFP believes x-forwarded-proto only of trusted proxies, and l7Depth says there are none",
        host.origin.provenance,
        resource=str(host.origin.id),
        hint="behind a proxy that ends TLS set the Listener's l7Depth to 1; to serve clear text set "
        "requestPolicy.insecure.action to Route",
    )


def _unopened(listeners: Sequence[Listener], hosts: Sequence[HostResource]) -> Iterator[Problem]:
    """A Host expects clear text on a port nobody listens on: Listeners open ports, and nothing else does."""
    opened = {listener.port for listener in listeners if listener.stack.http and not listener.stack.udp}
    for host in hosts:
        if host.insecure_port is not None and host.insecure_port not in opened:
            yield Problem(
                Code.FIELD_IGNORED,
                Severity.WARNING,
                f"additionalPort has no effect: no Listener speaks HTTP on port {host.insecure_port}",
                host.origin.provenance,
                field="spec.requestPolicy.insecure.additionalPort",
                resource=str(host.origin.id),
                hint=f"Add a Listener with `port: {host.insecure_port}` and `protocol: HTTP`",
            )


def _unused(listeners: Sequence[Listener], resources: Sequence[ListenerResource]) -> Iterator[Problem]:
    """A port stays closed, since there is nothing to serve on it."""
    closed = {(listener.port, listener.stack.transport) for listener in listeners if not serves(listener)}
    for resource in resources:
        if (resource.port, resource.stack.transport) in closed:
            missing = "Host with a certificate" if resource.stack.udp else "TCPMapping"
            yield Problem(
                Code.UNUSED_LISTENER,
                Severity.WARNING,
                f"{resource.stack.transport} port {resource.port} stays closed: there is no {missing} for it",
                resource.origin.provenance,
                resource=str(resource.origin.id),
                hint=f"Add a {missing}, or remove this Listener",
            )
