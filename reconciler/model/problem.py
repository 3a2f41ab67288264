"""A finding as a value: what is wrong, where, what was expected, and what to do."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.provenance import Provenance


class Severity(StrEnum):
    """``ERROR`` quarantines the resource it names; the others never change what is served."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Code(StrEnum):
    """Every kind of finding. Each has a section in docs/reference/problems.md."""

    ALIAS_LIMIT = "alias-limit"
    ANNOTATION_INVALID = "annotation-invalid"
    BAD_REGEX = "bad-regex"
    CONFLICT = "conflict"
    DEPTH_LIMIT = "depth-limit"
    DUPLICATE_IDENTITY = "duplicate-identity"
    DUPLICATE_KEY = "duplicate-key"
    ENVOY_REJECTED = "envoy-rejected"
    FIELD_IGNORED = "field-ignored"
    FIELD_UNSUPPORTED = "field-unsupported"
    FIELDS_CONTRADICT = "fields-contradict"
    FILE_TOO_LARGE = "file-too-large"
    FOREIGN_KIND = "foreign-kind"
    GROUP_DIFFERS = "group-differs"
    HOSTNAME_MISSING = "hostname-missing"
    INVALID_SERVICE = "invalid-service"
    INVALID_VALUE = "invalid-value"
    MISSING_FIELD = "missing-field"
    NEVER_SECURE = "never-secure"
    NO_HOST = "no-host"
    NO_TLS = "no-tls"
    NOT_ALLOWED = "not-allowed"
    NOT_OWNER = "not-owner"
    NOT_A_REGULAR_FILE = "not-a-regular-file"
    NOT_UTF8 = "not-utf8"
    NOT_YAML = "not-yaml"
    OPEN_CORS = "open-cors"
    PORT_CONFLICT = "port-conflict"
    SHADOWED = "shadowed"
    SHADOW_ONLY = "shadow-only"
    SIZE_LIMIT = "size-limit"
    SOURCE_DARK = "source-dark"
    SOURCE_STALE = "source-stale"
    UNKNOWN_API_VERSION = "unknown-api-version"
    UNKNOWN_FIELD = "unknown-field"
    UNKNOWN_KIND = "unknown-kind"
    UNKNOWN_REFERENCE = "unknown-reference"
    UNSUPPORTED_KIND = "unsupported-kind"
    UNUSED_LISTENER = "unused-listener"
    UNVERIFIED_TLS = "unverified-tls"
    WEIGHTS = "weights"
    WRONG_TYPE = "wrong-type"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding.

    Attributes:
        field: dotted path inside the document, e.g. ``spec.timeout_ms``; empty for the whole.
        resource: ``Mapping default/httpbin`` where it is known.
        related: the other places involved, e.g. the winner of a conflict.
    """

    code: Code
    severity: Severity
    message: str
    provenance: Provenance
    field: str = ""
    expected: str = ""
    got: str = ""
    hint: str = ""
    resource: str = ""
    related: tuple[Provenance, ...] = ()

    def __str__(self) -> str:
        subject = f"{self.resource}: " if self.resource else ""
        at = f" at {self.field}" if self.field else ""
        want = f"; expected {self.expected}" if self.expected else ""
        have = f", got {self.got}" if self.got else ""
        hint = f". {self.hint}" if self.hint else ""
        return f"{self.provenance}: {self.severity} [{self.code}] {subject}{self.message}{at}{want}{have}{hint}"


def rank(problem: Problem) -> tuple[int, str, int, str, str]:
    """Sort key, best first: errors before warnings, then by place."""
    order = (Severity.ERROR, Severity.WARNING, Severity.INFO)
    place = problem.provenance
    return order.index(problem.severity), place.path, place.line, problem.code, problem.field


def order(problem: Problem) -> tuple[tuple[int, str, int, str, str], tuple[str, str, str, str, str]]:
    """Sort key that tells any two problems apart: by `rank`, and then by what they say."""
    words = (problem.resource, problem.message, problem.expected, problem.got, problem.hint)
    return rank(problem), words
