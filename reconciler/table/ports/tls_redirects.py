"""``redirect_cleartext_from``: clear text on a port is sent to https, where no Host says what becomes of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from reconciler.model.match import HostMatch
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.resource import InsecureAction, SecurityModel
from reconciler.model.table import Guard, Listener, VirtualHost
from reconciler.model.tls_context import TlsContextResource


def sent_to_tls(
    virtual_hosts: tuple[VirtualHost, ...], listener: Listener, contexts: Iterable[TlsContextResource]
) -> tuple[VirtualHost, ...]:
    """The virtual hosts of no Host, on a listener; those that a TLSContext of their hosts wants so redirect."""
    asking = [one for one in contexts if one.settings.redirect_from == listener.port]
    if not asking or listener.security_model is SecurityModel.SECURE:
        return virtual_hosts
    meant = {hosts for one in asking for hosts in one.hosts}
    guard = Guard(InsecureAction.REDIRECT, by_header=listener.security_model is SecurityModel.XFP)
    return tuple(
        replace(own, guard=guard) if own.guard is None and _among(own, meant) else own for own in virtual_hosts
    )


def unheard_redirects(
    contexts: Iterable[TlsContextResource], listeners: Sequence[Listener], *, hosts: bool
) -> list[Problem]:
    """TLSContexts whose redirect comes to nothing: Hosts say what becomes of clear text, and Listeners open ports."""
    ports = {one.port for one in listeners if one.stack.http and one.security_model is not SecurityModel.SECURE}
    found = []
    for context in contexts:
        port = context.settings.redirect_from
        if port is None or port == 0:
            continue
        if hosts:
            why, hint = "the Hosts say what becomes of clear text", "set requestPolicy.insecure.action: Redirect there"
        elif not context.hosts:
            why, hint = "the TLSContext names no hosts", "add them"
        elif port not in ports:
            why = f"no Listener takes clear text on port {port}"
            hint = f"add a Listener with port {port}, besides one for each other port"
        else:
            continue
        found.append(
            Problem(
                Code.FIELD_IGNORED,
                Severity.WARNING,
                f"redirect_cleartext_from has no effect: {why}",
                context.origin.provenance,
                field="spec.redirect_cleartext_from",
                hint=f"Remove it, or {hint}",
                resource=str(context.origin.id),
            )
        )
    return found


def _among(virtual_host: VirtualHost, meant: Collection[HostMatch]) -> bool:
    return any(hosts in meant for hosts in virtual_host.host.covering())
