"""Why a TCPMapping is not served, or not quite as written."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from reconciler.model.match import HostMatch
from reconciler.model.ports import TcpContest, TcpMappingResource
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.table import Listener

Report: TypeAlias = Callable[[TcpMappingResource], Problem]


def misplaced(
    listener: Listener, host: HostMatch | None, servers: Sequence[object], free: Sequence[object]
) -> Report | None:
    """Why TCPMappings for ``host`` have no place on a listener; None when they have.

    Args:
        listener: of their port.
        host: None for all connections.
        servers: the names they are about that somebody has a certificate for.
        free: those of them that nobody else on the port has.
    """
    port, stack = listener.port, listener.stack
    if host is None:
        return _shared_with_http(port) if stack.http else None
    if not stack.tls:
        return _no_tls_there(port, http=stack.http)
    if not servers:
        return _no_certificate(host)
    return None if free else _taken(port, host)


def _error(code: Code, message: str, field: str, hint: str) -> Report:
    def report(mapping: TcpMappingResource) -> Problem:
        origin = mapping.origin
        return Problem(
            code, Severity.ERROR, message, origin.provenance, field=field, hint=hint, resource=str(origin.id)
        )

    return report


def _shared_with_http(port: int) -> Report:
    message = f"asks for all connections to port {port}, where a Listener speaks HTTP"
    return _error(Code.PORT_CONFLICT, message, "spec.port", "Use another port, or a Listener with `protocol: TCP`")


def _no_tls_there(port: int, *, http: bool) -> Report:
    message = f"is about TLS connections, and the Listener of port {port} does not look for TLS"
    protocol = "HTTPS" if http else "TLS"
    return _error(Code.PORT_CONFLICT, message, "spec.host", f"Give that Listener `protocol: {protocol}`")


def _no_certificate(host: HostMatch) -> Report:
    message = f"TLS connections for {host} cannot be ended: no Host for that name has a certificate"
    hint = "Add a Host with `tlsSecret` or `tlsContext` for the name, or leave out `host` to forward all bytes"
    return _error(Code.NO_TLS, message, "spec.host", hint)


def _taken(port: int, host: HostMatch) -> Report:
    message = f"TLS connections for {host} to port {port} already belong to a Host or to narrower TCPMappings"
    return _error(Code.PORT_CONFLICT, message, "spec.host", "Use another port, or another name")


def idle_timeouts(members: Iterable[TcpMappingResource]) -> list[Problem]:
    """A finding for each member of a group whose idle timeout is not the one of the group, the first one's."""
    groups: dict[TcpContest, list[TcpMappingResource]] = defaultdict(list)
    for member in members:
        if member.idle_timeout_ms is not None:
            groups[member.group].append(member)
    return [
        Problem(
            Code.FIELD_IGNORED,
            Severity.WARNING,
            f"idle_timeout_ms has no effect: {group[0].origin.id} shares these connections and says "
            f"{group[0].idle_timeout_ms}",
            member.origin.provenance,
            field="spec.idle_timeout_ms",
            hint="Write the same in both",
            resource=str(member.origin.id),
            related=(group[0].origin.provenance,),
        )
        for group in groups.values()
        for member in group
        if member.idle_timeout_ms != group[0].idle_timeout_ms
    ]
