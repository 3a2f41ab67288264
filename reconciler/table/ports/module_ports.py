"""What the Module says of ports, which is only heard where no Listener says it."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.model.module import ModuleResource
from reconciler.model.ports import Stack
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import InsecureAction, ListenerResource
from reconciler.model.table import Guard, VirtualHost
from reconciler.table.ports.ports import Binding, DefaultListener

_REDIRECT_HTTP = Guard(InsecureAction.REDIRECT, by_header=True)


def default_port(default: DefaultListener, module: ModuleResource | None) -> DefaultListener:
    """The listener of the settings, at the Module's port if it has one."""
    return replace(default, port=module.port) if module and module.port else default


def speaking_proxy(
    bindings: Sequence[Binding], listeners: Sequence[ListenerResource], module: ModuleResource | None
) -> Sequence[Binding]:
    """The listeners; the one that no Listener describes expects the PROXY protocol if the Module says so."""
    if listeners or module is None or not module.http.connections.proxy_protocol:
        return bindings
    return [(replace(listener, stack=Stack(proxy=True)), hosts) for listener, hosts in bindings]


def redirecting(virtual_hosts: tuple[VirtualHost, ...], module: ModuleResource | None) -> tuple[VirtualHost, ...]:
    """The virtual hosts of no Host; those that guard nothing redirect clear text if the Module says so."""
    if module is None or not module.http.redirect_http:
        return virtual_hosts
    return tuple(replace(host, guard=host.guard or _REDIRECT_HTTP) for host in virtual_hosts)


def unheard(module: ModuleResource | None, *, listeners: bool, hosts: bool) -> list[Problem]:
    """Settings that a Listener or Host takes the place of."""
    if module is None:
        return []
    found = []
    if listeners and module.port is not None:
        found.append(_unheard(module, "service_port", "the Listeners say which ports there are"))
    if listeners and module.http.connections.proxy_protocol:
        found.append(_unheard(module, "use_proxy_proto", "the Listeners say what they speak", "protocol: HTTPPROXY"))
    if hosts and module.http.redirect_http:
        why = "the Hosts say what becomes of insecure requests"
        found.append(_unheard(module, "x_forwarded_proto_redirect", why, "requestPolicy.insecure.action: Redirect"))
    return found


def _unheard(module: ModuleResource, field: str, why: str, instead: str = "") -> Problem:
    return Problem(
        Code.FIELD_IGNORED,
        Severity.WARNING,
        f"{field} has no effect: {why}",
        module.origin.provenance,
        field=f"spec.config.{field}",
        hint=f"Write {instead} there" if instead else "Remove it",
        resource=str(module.origin.id),
    )
