"""What would change, as values: sortable, printable, comparable, with a digest that names exactly this plan."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.digest import Digest, Json
from reconciler.model.origin import Attached
from reconciler.model.provenance import Provenance
from reconciler.model.resource import ResourceId


class Op(StrEnum):
    """What happens to a route or an xDS resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, order=True)
class FieldChange:
    """One field before and after, as people read it (``3000 ms``, ``/api/``); empty string is absent."""

    field: str
    before: str
    after: str


def fields_json(fields: Iterable[FieldChange]) -> Json:
    """Field changes as JSON values, an empty string for what is absent."""
    return [{"field": field.field, "before": field.before, "after": field.after} for field in fields]


@dataclass(frozen=True, slots=True)
class Change:
    """One route: what happens to it, which fields, and where either side was written.

    ``policies``: the MappingPolicies that have a say in it from now on; where there is none, those that had.
    """

    op: Op
    id: ResourceId
    fields: tuple[FieldChange, ...]
    before: Provenance | None
    after: Provenance | None
    policies: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class HostChange:
    """One listener or virtual host: what stands around the routes and decides where they answer.

    Attributes:
        listener: its name.
        host: the virtual host as people write it (``*.example.com``); empty for the listener itself.
        fields: ``address``, ``protocols``, ``security model``, ``insecure requests``, ``tls``…
        gained, lost: names of routes that exist before and after and now answer here, or no longer do.
    """

    op: Op
    listener: str
    host: str
    fields: tuple[FieldChange, ...]
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """As a JSON value with stable keys, for plans and records."""
        return {
            "op": str(self.op),
            "listener": self.listener,
            "host": self.host,
            "fields": fields_json(self.fields),
            "gained": list(self.gained),
            "lost": list(self.lost),
        }


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """Something all listeners have in common: a service that requests are shown to, or their settings.

    Attributes:
        subject: what it is (``AuthService default/auth``).
        sentence: what becomes of requests, where that must not be overlooked; else empty.
    """

    op: Op
    subject: str
    fields: tuple[FieldChange, ...]
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document that is served, or was, and says another thing than before; where either side was written."""

    op: Op
    id: ResourceId
    before: Provenance | None
    after: Provenance | None


@dataclass(frozen=True, slots=True, order=True)
class ResourceChange:
    """One xDS resource that would be sent or removed."""

    type_url: str
    name: str
    op: Op


class RefusalReason(StrEnum):
    """Why a plan is not applied without an override."""

    EMPTY_TABLE = "EmptyTable"
    TOO_MANY_DELETES = "TooManyDeletes"
    HISTORY_REWRITTEN = "HistoryRewritten"
    UNGUARDED = "Unguarded"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal and the sentence that explains it, with the override that names this plan."""

    reason: RefusalReason
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference between what was last applied and what is desired.

    Attributes:
        changes: routes, sorted by identity. A route of which only the provenance changed is not among them; its
            metadata does change, so ``resources`` shows it.
        resources: xDS resources, sorted.
        before, after: snapshot digests.
        refusals: why it must not be applied as it is.
        digest: names exactly this plan, for ``--allow-plan``.
        hosts: listeners and virtual hosts, sorted by name.
        edge: what all listeners have in common, sorted by subject.
        lifted: what it would be refused for, had nobody allowed this very plan.
        documents: which differ of those that are behind none of ``changes``, sorted.
    """

    changes: tuple[Change, ...]
    resources: tuple[ResourceChange, ...]
    before: Digest
    after: Digest
    routes_before: int
    routes_after: int
    refusals: tuple[Refusal, ...]
    digest: Digest
    hosts: tuple[HostChange, ...] = ()
    edge: tuple[EdgeChange, ...] = ()
    lifted: tuple[Refusal, ...] = ()
    documents: tuple[DocumentChange, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing would be sent."""
        return not self.changes and not self.resources and not self.hosts and not self.edge

    def count(self, op: Op) -> int:
        """How many routes are created, updated or deleted."""
        return sum(change.op is op for change in self.changes)
