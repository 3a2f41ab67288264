"""Names that mean nothing, or several things."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from reconciler.model.origin import Origin
from reconciler.model.problem import Code, Problem, Severity

_LISTED = 8  # names in a message


class Named(Protocol):
    """A document that can be named."""

    @property
    def origin(self) -> Origin:
        """Where it stands."""


def several(origin: Origin, field: str, message: str, found: Sequence[Named]) -> Problem:
    """A name that several documents have, all of them in other namespaces.

    Args:
        origin: of the document that names them.
        field: where, below ``spec``.
        message: what is so.
        found: what has the name.
    """
    return Problem(
        Code.UNKNOWN_REFERENCE,
        Severity.ERROR,
        message,
        origin.provenance,
        field=f"spec.{field}",
        expected=" or ".join(f"{one.origin.id.name}.{one.origin.id.namespace}" for one in found[:_LISTED]),
        hint="Write name.namespace",
        resource=str(origin.id),
        related=tuple(one.origin.provenance for one in found[:_LISTED]),
    )


def unknown(origin: Origin, field: str, message: str, known: Iterable[str], *, hint: str, alone: str) -> Problem:
    """A name that nothing has.

    Args:
        origin: of the document that says it.
        field: where, below ``spec``.
        message: what is so.
        known: the names there are.
        hint: what to do where there are some.
        alone: and where there are none.
    """
    names = sorted(known)
    listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    return Problem(
        Code.UNKNOWN_REFERENCE,
        Severity.ERROR,
        message,
        origin.provenance,
        field=f"spec.{field}",
        expected=f"one of {listed}" if listed else "",
        hint=hint if listed else alone,
        resource=str(origin.id),
    )
