"""The only two errors an edge may raise.

The type says what happens next, so callers need no knowledge of the library that failed::

    ReconcileError
    ├── Stalled    a person must act; retrying the same input cannot help
    └── Transient  retry with backoff; keep serving the last applied
"""


class ReconcileError(Exception):
    """An expected failure at an edge.

    Args:
        reason: CamelCase condition reason, e.g. ``GitFetchFailed``; documented in docs/reference.
        message: one sanitised sentence: what, where, expected and got. Never holds a secret.
        hint: what to do next.
    """

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class Stalled(ReconcileError):
    """A person must act: wait for a new revision or a new setting."""


class Transient(ReconcileError):
    """Passing trouble: retry with backoff and keep serving what was last applied."""
