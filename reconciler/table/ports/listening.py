"""The rules at the ports they are served on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from reconciler.model.edge import Edge
from reconciler.model.problem import Problem
from reconciler.model.table import Listener, VirtualHost
from reconciler.table.attach import Places, virtual_hosts
from reconciler.table.documents import Documents
from reconciler.table.ports.module_ports import default_port, redirecting, speaking_proxy, unheard
from reconciler.table.ports.port_problems import around_listeners
from reconciler.table.ports.ports import DefaultListener, bind, reachable, unwritten
from reconciler.table.ports.terminations import Terminations
from reconciler.table.ports.tls_redirects import sent_to_tls, unheard_redirects
from reconciler.table.resolve.services import past_auth
from reconciler.table.rules import Rule


@dataclass(frozen=True, slots=True)
class Listening:
    """The ports that are listened on.

    Attributes:
        listeners: each with its virtual hosts.
        places: what decides which rules these take, by the listener's name; none for one without HTTP.
    """

    listeners: tuple[Listener, ...]
    places: Mapping[str, Places]


def listening(
    rules: Sequence[Rule], documents: Documents, endings: Terminations, edge: Edge, default: DefaultListener
) -> Listening:
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
    places: dict[str, Places] = {}
    found = []
    for listener, bound in bindings:
        served: tuple[VirtualHost, ...] = ()
        if listener.stack.http:
            taking = Places.of(rules, bound, endings, implicit=documents.implicit)
            places[listener.name] = taking
            served = past_auth(_served(rules, (listener, taking), documents, endings), edge)
        port = replace(listener, virtual_hosts=served)
        found.append(port if opened else unwritten(port))
    return Listening(tuple(found), places)


def _served(
    rules: Sequence[Rule], port: tuple[Listener, Places], documents: Documents, endings: Terminations
) -> tuple[VirtualHost, ...]:
    listener, places = port
    found = virtual_hosts(rules, places, listener.security_model, endings)
    if not documents.implicit:
        return found
    of_hosts = [one for one in found if places.by_name[one.host] is not None]
    named = tuple(one for one in found if places.by_name[one.host] is None)
    named = redirecting(sent_to_tls(named, listener, documents.contexts.all), documents.module)
    return tuple(sorted((*of_hosts, *named), key=attrgetter("host")))


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
        *unheard(documents.module, listeners=bool(opened), hosts=not documents.implicit),
        *unheard_redirects(documents.contexts.all, listeners, hosts=not documents.implicit),
        *endings.problems,
    ]
