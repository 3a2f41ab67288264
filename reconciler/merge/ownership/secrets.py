"""Which Secrets of Kubernetes a document names: whoever may name one has Envoy show it, or verify with it."""

from collections.abc import Callable, Iterator

from reconciler.model.mapping_policy import MappingPolicyResource
from reconciler.model.resource import HostResource, Resource
from reconciler.model.tls import SecretRef, TlsSettings
from reconciler.model.tls_context import TlsContextResource
from reconciler.model.tls_module import TlsModuleResource


def foreign_secret(resource: Resource, lends: Callable[[str], bool]) -> tuple[str, SecretRef] | None:
    """The first field of a document that names a Secret which its author may not use, and that Secret.

    Args:
        resource: of the document.
        lends: whether its author may use what is a namespace's own.
    """
    return next(((field, secret) for field, secret in secrets_of(resource) if not lends(secret.namespace)), None)


def secrets_of(resource: Resource) -> Iterator[tuple[str, SecretRef]]:
    """The Secrets that a document names, each with the field.

    The last dot of a name stands before a namespace unless the document itself denies that. A Module may, for all; it
    is then not heard here, where it is not yet known which one is served.
    """
    namespace = resource.origin.id.namespace
    match resource:
        case TlsContextResource(settings=settings):
            yield from _of_settings(settings, namespace, "spec")
        case HostResource(tls=tls):
            if tls.secret:
                named = SecretRef(tls.namespace, tls.secret) if tls.namespace else _meant(tls.secret, namespace)
                yield "spec.tlsSecret", named
            if tls.settings is not None:
                yield from _of_settings(tls.settings, namespace, "spec.tls")
        case TlsModuleResource(server=server, named=blocks):
            if server is not None:
                yield from _of_settings(server, namespace, "spec.config.server")
            for name, settings in blocks:
                yield from _of_settings(settings, namespace, f"spec.config.{name}")
        case MappingPolicyResource(upstream_tls=tls) if tls is not None and tls.ca_secret:
            yield "spec.upstream_tls.ca_secret", _meant(tls.ca_secret, namespace)


def _of_settings(settings: TlsSettings, namespace: str, where: str) -> Iterator[tuple[str, SecretRef]]:
    for field in ("secret", "ca_secret", "crl_secret"):
        written = getattr(settings, field)
        if written:
            yield f"{where}.{field}", _meant(written, namespace, split=settings.split_names is not False)


def _meant(written: str, namespace: str, *, split: bool = True) -> SecretRef:
    name, dot, elsewhere = written.rpartition(".")
    return SecretRef(elsewhere, name) if split and dot else SecretRef(namespace, written)
