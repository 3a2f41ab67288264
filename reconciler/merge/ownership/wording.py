"""What is said of a document that is not its author's to write."""

from reconciler.merge.ownership.holders import Claimant
from reconciler.merge.ownership.register import Trespass
from reconciler.model.origin import Origin
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import Provenance
from reconciler.model.resource import MappingResource

_LENT = (
    "Name a Secret of its own namespace, or write this in an object of that one or in the repository, or declare both "
    "as namespaces of one team"
)


def not_owner(
    origin: Origin, claimant: Claimant, found: Trespass, *, about: MappingResource | None = None, enforced: bool = True
) -> Problem:
    """A document asks for what belongs to others, or to nobody.

    Args:
        origin: of the document.
        claimant: who wrote it.
        found: why it may not stand there.
        about: the Mapping of others that a MappingPolicy is about.
        enforced: False: it is served all the same.
    """
    message, remedy = _told(claimant, found)
    if about is not None:
        message = f"is about {about.origin.id}, which {message}"
    if not enforced:
        message += "; it is served all the same, since `enforce` is false there"
    return Problem(
        found.code,
        Severity.ERROR if enforced else Severity.WARNING,
        message,
        origin.provenance,
        field=("" if about else found.field),
        hint=remedy,
        resource=str(origin.id),
        related=(found.rule,) if found.rule else (),
    )


def unknown_team(team: str, origin: Origin, at: Provenance) -> Problem:
    """A rule names a team that is not there: fewer may claim than somebody thought."""
    return Problem(
        Code.UNKNOWN_REFERENCE,
        Severity.WARNING,
        f"no Ownership declares the team {team}, so nobody owns anything by it",
        at,
        field="spec.rules",
        expected="a team of `teams`",
        hint="Declare it, or correct its name",
        resource=str(origin.id),
    )


def _told(claimant: Claimant, found: Trespass) -> tuple[str, str]:
    """What is wrong, and what helps."""
    if found.code is Code.NOT_ALLOWED:
        return f"names the Secret {found.claims} of another namespace, and stands in {claimant}", _LENT
    if found.rule is None:
        return f"bears {found.claims} and stands in {claimant}", found.remedy
    at = _place(found.rule)
    if found.holders is None:
        message = f"asks for {found.claims}, which nobody owns, and by {at} nobody may have what nobody owns"
        return message, "Have a rule added to an Ownership that says whose it is"
    message = f"asks for {found.claims}: by {at} that is for {found.holders}, and not for {claimant}"
    helps = f"Let {found.holders} write it, or have {claimant} added to the owners"
    return message, f"{helps}, or {found.remedy}" if found.remedy else helps


def _place(rule: Provenance) -> str:
    return f"{rule.path}:{rule.line}" if rule.line else rule.path
