"""The checks that a revision passes before it is served, and what each said."""

from collections.abc import Iterable
from enum import StrEnum

from reconciler.model.problem import Code, Problem, Severity


class Check(StrEnum):
    """The checks, in their order.

    Attributes:
        SCHEMA: each document by itself: it can be read, and says what its kind allows.
        CROSS_CHECKS: what documents say of one another.
        CONFLICT: no two ask for the same.
        OWNERSHIP: each stands where it may.
        RENDER: Envoy resources were made of them.
        ENVOY: Envoy's own validation of these, or the word of the Envoys they were sent to.
    """

    SCHEMA = "schema"
    CROSS_CHECKS = "cross-checks"
    CONFLICT = "conflict"
    OWNERSHIP = "ownership"
    RENDER = "render"
    ENVOY = "envoy"


class CheckVerdict(StrEnum):
    """What a check said."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


COMPILED = frozenset(Check) - {Check.ENVOY}

_OTHERS = {
    Code.CONFLICT: Check.CONFLICT,
    Code.DUPLICATE_IDENTITY: Check.CONFLICT,
    Code.PORT_CONFLICT: Check.CONFLICT,
    Code.SHADOWED: Check.CONFLICT,
    Code.GROUP_DIFFERS: Check.CONFLICT,
    Code.WEIGHTS: Check.CONFLICT,
    Code.NOT_OWNER: Check.OWNERSHIP,
    Code.ENVOY_REJECTED: Check.ENVOY,
    Code.HOSTNAME_MISSING: Check.CROSS_CHECKS,
    Code.NEVER_SECURE: Check.CROSS_CHECKS,
    Code.NO_HOST: Check.CROSS_CHECKS,
    Code.NO_TLS: Check.CROSS_CHECKS,
    Code.SHADOW_ONLY: Check.CROSS_CHECKS,
    Code.UNKNOWN_REFERENCE: Check.CROSS_CHECKS,
    Code.UNUSED_LISTENER: Check.CROSS_CHECKS,
}
_NO_CHECKS = frozenset({Code.SOURCE_DARK, Code.SOURCE_STALE})


def check_of(code: Code) -> Check | None:
    """The check that finds such a thing; None for what is no fault of a document."""
    return None if code in _NO_CHECKS else _OTHERS.get(code, Check.SCHEMA)


def verdicts(ran: frozenset[Check], problems: Iterable[Problem]) -> dict[Check, CheckVerdict]:
    """What each check said: it failed if it found an error, whether or not it is known that it ran."""
    failed = {check_of(problem.code) for problem in problems if problem.severity is Severity.ERROR}

    def verdict(check: Check) -> CheckVerdict:
        if check in failed:
            return CheckVerdict.FAILED
        return CheckVerdict.PASSED if check in ran else CheckVerdict.NOT_RUN

    return {check: verdict(check) for check in Check}
