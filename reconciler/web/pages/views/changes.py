"""What was, or would be, done to routes and hosts. Pure."""

from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.model.plan import FieldChange
from reconciler.web.pages.views import badges, facts
from reconciler.web.pages.views.badges import Badge
from reconciler.web.pages.views.diffs import FieldDiff, field_diff
from reconciler.web.pages.views.facts import Group
from reconciler.web.pages.views.places import Place, place


@dataclass(frozen=True, slots=True)
class ChangedRoute:
    """What is, or would be, done to one route."""

    badge: Badge
    kind: str
    namespace: str
    name: str
    fields: tuple[FieldDiff, ...]
    before: Place | None
    after: Place | None
    risks: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangedHost:
    """What is, or would be, done to a listener or a virtual host."""

    badge: Badge
    listener: str
    host: str
    fields: tuple[FieldDiff, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def changes_of(value: Json) -> tuple[FieldDiff, ...]:
    """Field changes of a record."""
    named = (
        (facts.text(one.get("field")), facts.text(one.get("before")), facts.text(one.get("after")))
        for one in facts.groups(value)
    )
    return tuple(field_diff(FieldChange(*one)) for one in named)


def changed_route(one: Group) -> ChangedRoute:
    """One route of a plan."""
    return ChangedRoute(
        badge=badges.of_op(facts.text(one.get("op"))),
        kind=facts.text(one.get("kind")),
        namespace=facts.text(one.get("namespace")),
        name=facts.text(one.get("name")),
        fields=changes_of(one.get("fields")),
        before=place(one.get("before")),
        after=place(one.get("after")),
        risks=risks_of(one),
        policies=tuple(facts.text(policy.get("name")) for policy in facts.groups(one.get("policies"))),
    )


def risks_of(one: Group) -> tuple[str, ...]:
    """What deserves a second look (``auth bypassed``)."""
    found = one.get("risks")
    return tuple(_risk(risk) for risk in found) if isinstance(found, list) else ()


def _risk(value: Json) -> str:
    return value.replace("-", " ") if isinstance(value, str) else facts.words(value)


def changed_host(one: Group) -> ChangedHost:
    """One listener or virtual host of a plan."""
    return ChangedHost(
        badges.of_op(facts.text(one.get("op"))),
        facts.text(one.get("listener")),
        facts.text(one.get("host")),
        changes_of(one.get("fields")),
        facts.texts(one.get("gained")),
        facts.texts(one.get("lost")),
    )
