"""What went wrong with a request, as an error that says what to do. Pure: no I/O."""

import re
from dataclasses import dataclass

from reconciler.cluster.types import ObjectType
from reconciler.model.digest import Json
from reconciler.model.errors import ReconcileError, Stalled, Transient
from reconciler.model.text import printable

_LONGEST = 400  # characters of the server's words: enough for what matters, and no log is flooded


class Conflict(Transient):
    """Somebody else wrote the object in between, owns a field of it, or made it first."""


class Expired(Transient):
    """A watch or a list can't go on from its version: list again from the start.

    ``ahead``: the server has not come that far, as after it was restored from a backup.
    """

    def __init__(self, reason: str, message: str, hint: str = "", *, ahead: bool = False) -> None:
        super().__init__(reason, message, hint)
        self.ahead = ahead


class Silent(Transient):
    """Nothing came in time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the server, as RBAC names it.

    Attributes:
        verb: ``get``, ``list``, ``watch``, ``create``, ``update``, ``patch`` or ``delete``.
        name: of the object, also where it is selected from a collection; empty for a whole one.
    """

    verb: str
    kind: ObjectType
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def resource(self) -> str:
        """As the rule of a Role has it, e.g. ``services/status``."""
        return self.kind.plural + (f"/{self.subresource}" if self.subresource else "")

    def __str__(self) -> str:
        what = f"{self.resource} {self.name!r}" if self.name else self.resource
        return f"{self.verb} {what}" + (f" in namespace {self.namespace}" if self.namespace else "")

    @property
    def rule(self) -> str:
        """The rule that allows it, as one writes it into a Role; no wider than what was asked for."""
        by_name = self.name and self.verb in {"list", "watch"}  # who selects one object needs no other
        names = f', resourceNames: ["{self.name}"]' if by_name else ""
        return f'{{apiGroups: ["{self.kind.group}"], resources: ["{self.resource}"], verbs: ["{self.verb}"]{names}}}'


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no success.

    Attributes:
        code: the HTTP status.
        status: the ``Status`` object of the API; empty where the body is none.
        retry_after_s: what the server asks to wait.
    """

    code: int
    status: dict[str, Json]
    retry_after_s: float = 0.0

    @property
    def words(self) -> str:
        """What the server says, bounded, on one line."""
        return bounded(str(self.status.get("message") or ""))

    @property
    def reason(self) -> str:
        """Such as ``AlreadyExists``."""
        return str(self.status.get("reason") or "")

    @property
    def details(self) -> dict[str, Json]:
        """What the words are about."""
        details = self.status.get("details")
        return details if isinstance(details, dict) else {}

    @property
    def is_of_kubernetes(self) -> bool:
        """Whether the API server said that, and not a proxy in front of it or its own page for unknown paths."""
        return self.status.get("kind") == "Status"

    @property
    def is_busy(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.code == 429 or 500 <= self.code < 600  # noqa: PLR2004 - HTTP


def bounded(words: str) -> str:
    """Words of others on one line of bounded length."""
    line = printable(re.sub(r"\s+", " ", words[: 4 * _LONGEST]).strip())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def error_of(asked: Asked, answer: Answer) -> ReconcileError:
    """What an answer means for the caller."""
    match answer.code:
        case 401:
            return Transient(
                "ClusterCredentialsRefused",
                f"the API server does not accept the credentials: {answer.words or 'Unauthorized'}",
                "they were read anew; is the token expired, or that of another cluster?",
            )
        case 403:
            return _forbidden(asked, answer)
        case 404:
            return _missing(asked, answer)
        case 409:
            return Conflict("ClusterConflict", f"{asked}: {answer.words}", "read again what is there, then decide anew")
        case 410 | 504 if answer.code == 410 or "Too large resource version" in answer.words:  # noqa: PLR2004
            # The second: etcd was restored from a backup, and knows less than it did.
            ahead = answer.code != 410  # noqa: PLR2004
            return Expired("ClusterVersionExpired", f"{asked}: {answer.words}", "list again", ahead=ahead)
        case 429:
            return Transient("ClusterBusy", f"{asked}: the API server asks to slow down: {answer.words}")
        case code if code >= 500:  # noqa: PLR2004 - HTTP
            return Transient("ClusterUnavailable", f"{asked}: the API server answers {code}: {answer.words}")
        case code if not answer.is_of_kubernetes:
            return unreadable(f"{asked}: status {code} without a reason")
    return Stalled("ClusterRefused", f"{asked}: the API server refuses ({answer.code}): {answer.words}")


def unreadable(what: str) -> Transient:
    """Something answers that does not speak as an API server does."""
    return Transient(
        "ClusterAnswerUnreadable",
        f"not the answer of an API server: {what}",
        "is the address that of the API server, or does a proxy in between answer with a page of its own?",
    )


def _forbidden(asked: Asked, answer: Answer) -> Stalled:
    causes = answer.details.get("causes")
    if isinstance(causes, list) and any(
        isinstance(c, dict) and c.get("reason") == "NamespaceTerminating" for c in causes
    ):
        return Stalled(
            "ClusterNamespaceMissing", f"{asked}: the namespace is being deleted", "make it again, or name another"
        )
    if " cannot " not in answer.words:  # not RBAC's own sentence: a quota, an admission policy
        return Stalled("ClusterForbidden", f"{asked}: not permitted: {answer.words}")
    role = f"a Role in {asked.namespace}" if asked.namespace else "a ClusterRole"
    return Stalled(
        "ClusterForbidden", f"not permitted to {asked}: {answer.words}", f"{role} with the rule {asked.rule} allows it"
    )


def _missing(asked: Asked, answer: Answer) -> Stalled:
    if not answer.is_of_kubernetes:
        return Stalled(
            "ClusterTypeMissing",
            f"the API server knows no {asked.kind.plural} of {asked.kind.api_version}",
            f"install the CustomResourceDefinition of {asked.kind.kind}, or a version of the cluster that has it",
        )
    if answer.details.get("kind") == "namespaces":
        return Stalled("ClusterNamespaceMissing", f"{asked}: there is no such namespace", "make it, or name another")
    return Stalled("ClusterRefused", f"{asked}: {answer.words}")
