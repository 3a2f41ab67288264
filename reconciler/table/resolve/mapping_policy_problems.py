"""What is to be said of MappingPolicies, in words."""

from collections.abc import Iterator, Sequence

from reconciler.model.mapping_policy import MappingPolicyResource, Part
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import Provenance
from reconciler.model.resource import MappingResource

_LISTED = 5  # Mappings or services named in a message


def nobody(policy: MappingPolicyResource, chosen: Sequence[str]) -> Iterator[Problem]:
    """Warnings for names that no Mapping has, or labels that none has."""
    namespace = policy.origin.id.namespace
    if policy.selector is not None:
        if not chosen:
            labels = ", ".join(f"{key}: {value}" for key, value in policy.selector)
            message = f"no Mapping in the namespace {namespace} has the labels it selects by ({labels})"
            yield _warning(policy, Code.UNKNOWN_REFERENCE, "selector", message, "Correct the labels, or add them")
        return
    missing = [name for name in policy.mappings if name not in chosen]
    if missing:
        message = f"there is no Mapping {_listed(missing)} in the namespace {namespace}"
        hint = "Correct the name, or remove it"
        yield _warning(policy, Code.UNKNOWN_REFERENCE, "mappings", message, hint)


def without_effect(policy: MappingPolicyResource, part: Part, why: str, of: Sequence[MappingResource]) -> Problem:
    """A part that does nothing to some Mappings.

    Args:
        policy: which says it.
        part: what.
        why: what each of the Mappings does instead, as the end of a sentence.
        of: those Mappings.
    """
    names = _listed([str(mapping.origin.id) for mapping in of])
    message = f"{part} has no effect on {names}, which {why}"
    related = tuple(mapping.origin.provenance for mapping in of[:_LISTED])
    return _warning(policy, Code.FIELD_IGNORED, part, message, "Say it in one of the two places", *related)


def unverified(policy: MappingPolicyResource, of: Sequence[MappingResource]) -> Problem:
    """Somebody wrote that any certificate will do: said again in every plan, until it is no longer so."""
    services = _listed(sorted({str(mapping.service) for mapping in of}))
    message = f"the certificate of {services} is not verified: whoever stands between can read and change everything"
    hint = "Give the authority that signed it in ca_secret or ca_file, and remove verify: false"
    related = tuple(mapping.origin.provenance for mapping in of[:_LISTED])
    return _warning(policy, Code.UNVERIFIED_TLS, f"{Part.UPSTREAM_TLS}.verify", message, hint, *related)


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _warning(
    policy: MappingPolicyResource, code: Code, field: str, message: str, hint: str, *related: Provenance
) -> Problem:
    return Problem(
        code,
        Severity.WARNING,
        message,
        policy.origin.provenance,
        field=f"spec.{field}",
        hint=hint,
        resource=str(policy.origin.id),
        related=related,
    )
