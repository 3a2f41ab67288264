"""The rules at the ports they are served on."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.model.edge import Edge
from reconciler.model.problem import Problem
from reconciler.model.table import Listener, VirtualHost
from reconciler.table.attach import virtual_hosts
from reconciler.table.documents import Documents
from reconciler.table.ports.module_ports import default_port, redirecting, speaking_proxy, unheard
from reconciler.table.ports.port_problems import around_listeners
from reconciler.table.ports.ports import Binding, DefaultListener, bind, reachable, unwritten
from reconciler.table.ports.terminations import Terminations
from reconciler.table.ports.tls_redirects import sent_to_tls, unheard_redirects
from reconciler.table.resolve.services import past_auth
from reconciler.table.rules import Rule


def listening(
    rules: Sequence[Rule], documents: Documents, endings: Terminations, edge: Edge, default: DefaultListener
) -> tuple[Listener, ...]:
    """Every listener with its virtual hosts; TCPMappings come later.

    Args:
        rules: all rules in match order.
        documents: their Hosts are bound to their Listeners.
        endings: how TLS ends.
        edge: with its services.
        default: address of every listener, and the port where there is no Listener.
    """
    opened, module = documents.listeners, documents.module
    bindings = speaking_proxy(bind(opened, documents.hosts, default_port(default, module)), opened, module)
    found = []
    for binding in bindings:
        served = past_auth(_served(rules, binding, documents, endings), edge)
        listener = replace(binding[0], virtual_hosts=served)
        found.append(listener if opened else unwritten(listener))
    return tuple(found)


def _served(
    rules: Sequence[Rule], binding: Binding, documents: Documents, endings: Terminations
) -> tuple[VirtualHost, ...]:
    listener, bound = binding
    if not listener.stack.http:
        return ()
    if documents.hosts:
        return virtual_hosts(rules, bound, listener.security_model, endings)
    found = virtual_hosts(rules, None, listener.security_model, endings)
    return redirecting(sent_to_tls(found, listener, documents.contexts.all), documents.module)


def placed(listeners: Iterable[Listener]) -> set[str]:
    """Names of the routes that requests can come to."""
    return {
        route.name
        for listener in listeners
        for virtual_host in listener.virtual_hosts
        if reachable(listener, virtual_host)
        for route in virtual_host.routes
    }


def port_problems(listeners: Sequence[Listener], documents: Documents, endings: Terminations) -> list[Problem]:
    """What Hosts, Listeners, TLSContexts and the Module ask of ports that does not come about."""
    opened, hosts = documents.listeners, documents.hosts
    lit = [host for host in hosts if host.origin.id not in endings.dark]
    return [
        *around_listeners(listeners, opened, lit),
        *unheard(documents.module, listeners=bool(opened), hosts=bool(hosts)),
        *unheard_redirects(documents.contexts.all, listeners, hosts=bool(hosts)),
        *endings.problems,
    ]
