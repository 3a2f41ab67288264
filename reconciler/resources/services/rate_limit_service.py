"""RateLimitService: who decides whether there have been too many requests."""

from reconciler.model.origin import Origin
from reconciler.model.services import RateLimitServiceResource, RateLimitSettings
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.upstream.backend import check_version, read_backend

DEFAULT_TIMEOUT_MS = 20


def read_rate_limit_service(envelope: Envelope, origin: Origin, fields: Fields) -> RateLimitServiceResource | None:
    """The RateLimitService of a document; None when its service was reported."""
    check_version(fields)
    backend = read_backend(fields, "service", envelope.namespace, grpc=True)
    settings = RateLimitSettings(
        domain=fields.text("domain") or "",
        timeout_ms=fields.integer("timeout_ms") or DEFAULT_TIMEOUT_MS,
        failure_mode_deny=fields.flag("failure_mode_deny"),
        resource_exhausted=fields.inside("grpc").flag("use_resource_exhausted_code"),
    )
    return None if backend is None else RateLimitServiceResource(origin, backend, settings)
