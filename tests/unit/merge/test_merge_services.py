"""Services of which there is one."""

from reconciler.merge import merge
from reconciler.model.problem import Code
from reconciler.model.resource import Kind, Origin, Resource, ResourceId
from reconciler.model.services import (
    AuthServiceResource,
    AuthSettings,
    Backend,
    LogDriver,
    LogServiceResource,
    RateLimitServiceResource,
    RateLimitSettings,
    RemoteLogSettings,
)
from reconciler.model.upstream import ServiceAddress
from tests.support.mappings import provenance

BACKEND = Backend(ServiceAddress("a.default", 80))


def origin(kind: Kind, name: str, day: int = 1, document: str = "") -> Origin:
    return Origin(ResourceId(kind, "default", name), provenance(name, day), (document or name).encode())


def auth(name: str, day: int = 1, timeout_ms: int = 1) -> Resource:
    """An AuthService; another timeout makes it another document."""
    at = origin(Kind.AUTH_SERVICE, name, day, f"{name}{timeout_ms}")
    return AuthServiceResource(at, BACKEND, AuthSettings(timeout_ms=timeout_ms))


def test_a_second_auth_service_is_a_conflict() -> None:
    """The older one stays, whatever their names."""
    old, young = auth("z", day=1), auth("a", day=2)
    merged = merge([young, old], [])
    assert merged.resources == (old,)
    assert [(p.code, p.resource) for p in merged.problems] == [(Code.CONFLICT, "AuthService default/a")]
    assert merged.quarantined == ((young.origin.id, False),)


def test_what_is_served_stays() -> None:
    """Age is that of the last touch, so that a newcomer with an old commit changes nothing."""
    serving = auth("b", day=9)
    merged = merge([serving, auth("a", day=1)], [], last_good=[serving])
    assert merged.resources == (serving,)
    changed = auth("b", day=20, timeout_ms=2)
    merged = merge([changed, auth("a", day=1)], [], last_good=[serving])
    assert merged.resources == (changed,)


def test_kinds_do_not_meet_and_logs_may_be_many() -> None:
    """One of each kind, and any number of LogServices."""
    limit = RateLimitServiceResource(origin(Kind.RATE_LIMIT_SERVICE, "l"), BACKEND, RateLimitSettings())
    logs = [
        LogServiceResource(origin(Kind.LOG_SERVICE, name), BACKEND, RemoteLogSettings(LogDriver.HTTP)) for name in "ab"
    ]
    merged = merge([auth("a"), limit, *logs], [])
    assert merged.problems == ()
    assert len(merged.resources) == 4
