"""What no document may name: services and Secrets that whoever runs Envoy keeps for itself."""

import re

from reconciler.model.problem import Code
from reconciler.model.tls import SecretRef
from reconciler.model.upstream import ServiceAddress
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.upstream.service import is_loopback, same_host

_REFUSED = re.compile(r"(\[.*\]|[^:]*)(?::([0-9]+))?")
_KUBERNETES = "svc"  # what follows a Service's name and namespace where the name goes on


def check_service(fields: Fields, service: ServiceAddress, name: str) -> None:
    """Report a service that a document may not have requests sent to.

    Args:
        fields: of the document.
        service: as it was read, so fully qualified.
        name: of the field that says so.
    """
    machine = fields.limits.machine
    if machine.loopback and not machine.own_ports and not machine.never_services:
        return
    inside = is_loopback(service.host)
    if inside and service.port in machine.own_ports:
        message = "this port of Envoy's own machine is the reconciler's, which hands out configuration and keys"
        hint = "a sidecar can have another port"
    elif inside and not machine.loopback:
        message = "what listens on Envoy's own machine is not for documents to open, its admin interface for one"
        hint = "who runs Envoy allows it by the setting loopback"
    elif any(_is_meant(service, one) for one in machine.never_services):
        message = "who runs Envoy keeps this service from documents, since it is for nobody's requests"
        hint = "name another service; the setting never_services lists those"
    else:
        return
    fields.report(Code.NOT_ALLOWED, message, name, expected="a service elsewhere", got=shown(service.host), hint=hint)


def check_secret(fields: Fields, written: str, namespace: str, *parts: str) -> None:
    """Report a Secret that no document may name.

    Args:
        fields: of the document.
        written: the name, in which the last dot may stand before a namespace: that is for a Module to say.
        namespace: where it is looked up otherwise.
        parts: where in the document.
    """
    name, dot, elsewhere = written.rpartition(".")
    meant = {str(SecretRef(namespace, written)), *([str(SecretRef(elsewhere, name))] if dot else [])}
    if not meant.isdisjoint(fields.limits.machine.never_secrets):
        message = "who runs Envoy keeps this Secret from documents"
        hint = "name another Secret; the setting never_secrets lists those"
        fields.report(Code.NOT_ALLOWED, message, *parts, expected="another Secret", got=shown(written), hint=hint)


def _is_meant(service: ServiceAddress, refused: str) -> bool:
    """Whether a service is one of ``NAME.NAMESPACE[:PORT]`` or ``ADDRESS[:PORT]``, in any spelling."""
    parts = _REFUSED.fullmatch(refused)
    if parts is None or (parts[2] and int(parts[2]) != service.port):
        return False
    host = parts[1].strip("[]")
    return same_host(service.host, host) or _names_service(service.host, host)


def _names_service(host: str, service: str) -> bool:
    """Whether a host is a Service of Kubernetes, or one of its Pods by name, to whatever resolves it.

    Its namespace may be left to the search list of Envoy's own, and the domain of the cluster is anything.
    """
    wanted, labels = service.split("."), host.rstrip(".").split(".")
    if len(wanted) != 2:  # noqa: PLR2004 - a name and a namespace
        return False
    if labels[1:] == wanted[:1]:
        return True
    return any(
        labels[at : at + 2] == wanted and labels[at + 2 : at + 3] in ([], [_KUBERNETES]) for at in range(len(labels))
    )
