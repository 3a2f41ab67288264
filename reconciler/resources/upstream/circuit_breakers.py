"""``circuit_breakers``: limits on what is under way with an upstream."""

from reconciler.model.origin import Origin
from reconciler.model.policy import Priority
from reconciler.model.problem import Code
from reconciler.model.upstream import CircuitBreaker
from reconciler.model.upstream_resources import CircuitBreakerResource
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields


def read_circuit_breakers(fields: Fields, name: str = "circuit_breakers") -> tuple[CircuitBreaker, ...]:
    """The limits of each priority, sorted; Envoy takes one set of limits for each."""
    found: dict[Priority, CircuitBreaker] = {}
    for limits in fields.each(name):
        priority = Priority((limits.text("priority") or Priority.DEFAULT).upper())
        if priority in found:
            message = f"a second entry for priority {priority.lower()}: Envoy takes one"
            hint = "write its limits into the first"
            limits.report(Code.FIELDS_CONTRADICT, message, "priority", hint=hint)
            continue
        found[priority] = CircuitBreaker(
            priority,
            max_connections=limits.integer("max_connections"),
            max_pending_requests=limits.integer("max_pending_requests"),
            max_requests=limits.integer("max_requests"),
            max_retries=limits.integer("max_retries"),
        )
    return tuple(found[priority] for priority in sorted(found))


def read_circuit_breaker(_envelope: Envelope, origin: Origin, fields: Fields) -> CircuitBreakerResource:
    """The CircuitBreaker of a document."""
    breaker = CircuitBreaker(
        max_connections=fields.integer("max_connections"),
        max_pending_requests=fields.integer("max_pending"),
        max_requests=fields.integer("max_requests"),
        max_retries=fields.integer("max_retries"),
    )
    return CircuitBreakerResource(origin, breaker)
