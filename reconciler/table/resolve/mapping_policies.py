"""What MappingPolicies say, in the Mappings they are about.

Stronger than what a Module says, weaker than what a Mapping says itself.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reconciler.model.attachment import attachments
from reconciler.model.mapping_policy import MappingPolicyResource, Part, TlsOverride
from reconciler.model.origin import Attached
from reconciler.model.problem import Problem
from reconciler.model.resource import MappingResource, ResourceId
from reconciler.model.tls import TlsSettings, UpstreamTls
from reconciler.table.documents import Documents
from reconciler.table.ports.tls_contexts import TlsContexts
from reconciler.table.resolve.mapping_policy_problems import nobody, unverified, without_effect

_VERIFIED = UpstreamTls()
_OF_FORWARDS = frozenset({Part.RETRY_POLICY, Part.CORS, Part.OUTLIER_DETECTION, Part.UPSTREAM_TLS})
_OF_UPSTREAMS = frozenset({Part.OUTLIER_DETECTION, Part.UPSTREAM_TLS})

Parts = dict[Part, MappingPolicyResource]


@dataclass(frozen=True, slots=True)
class PolicyWorld:
    """What policies are applied with.

    Attributes:
        written: every Mapping by identity as it was written, before a Module had a say.
        policies: in order of identity; merge has left at most one for each part of a Mapping.
        contexts: looks up Secrets.
    """

    written: dict[ResourceId, MappingResource]
    policies: Sequence[MappingPolicyResource]
    contexts: TlsContexts

    @classmethod
    def of(cls, documents: Documents) -> "PolicyWorld":
        """From the documents of a table; without a policy nothing is looked up."""
        written = {mapping.origin.id: mapping for mapping in documents.mappings} if documents.policies else {}
        return cls(written, documents.policies, documents.contexts)


@dataclass(slots=True)
class _Found:
    """What is to be said of policies: collected, so that each is told once and not once for every Mapping."""

    idle: dict[tuple[ResourceId, Part, str], list[MappingResource]] = field(default_factory=lambda: defaultdict(list))
    open: dict[ResourceId, list[MappingResource]] = field(default_factory=lambda: defaultdict(list))


def with_policies(
    mappings: Sequence[MappingResource], world: PolicyWorld
) -> tuple[list[MappingResource], list[Problem]]:
    """The Mappings with what policies say of them, in the same order, and warnings for what has no effect.

    Without a policy all stay the same objects.
    """
    if not world.policies:
        return list(mappings), []
    asked: dict[ResourceId, Parts] = defaultdict(dict)
    problems: list[Problem] = []
    for policy, chosen in attachments(world.policies, world.written.values()):
        problems += nobody(policy, [mapping.origin.id.name for mapping in chosen])
        for mapping in chosen:
            for part in policy.parts:
                asked[mapping.origin.id].setdefault(part, policy)
    found = _Found()
    applied = [
        _applied(mapping, asked[mapping.origin.id], world, found) if mapping.origin.id in asked else mapping
        for mapping in mappings
    ]
    policies = {policy.origin.id: policy for policy in world.policies}
    problems += (without_effect(policies[name], part, why, of) for (name, part, why), of in found.idle.items())
    problems += (unverified(policies[name], of) for name, of in found.open.items())
    return applied, problems


def _applied(mapping: MappingResource, parts: Parts, world: PolicyWorld, found: _Found) -> MappingResource:
    own = world.written[mapping.origin.id]
    effective: Parts = {}
    for part, policy in parts.items():
        why = _idle(part, own, parts)
        if why:
            found.idle[policy.origin.id, part, why].append(own)
        else:
            effective[part] = policy
            mapping = _with(mapping, part, policy, world.contexts)
    tls = effective.get(Part.UPSTREAM_TLS)
    if tls is not None and tls.upstream_tls is not None and not tls.upstream_tls.verify:
        found.open[tls.origin.id].append(own)
    sources = {Attached(p.origin.id.qualified, p.origin.provenance) for p in effective.values()}
    return replace(mapping, policies=tuple(sorted(sources, key=lambda source: source.name)))


def _idle(part: Part, own: MappingResource, parts: Parts) -> str:
    """Why a part does nothing to a Mapping; empty if it does something."""
    said = {
        Part.RETRY_POLICY: own.policy.retry is not None,
        Part.CORS: own.policy.cors is not None,
        Part.OUTLIER_DETECTION: own.upstream.outliers is not None or bool(own.outlier_detection),
        Part.UPSTREAM_TLS: bool(own.tls_context),
    }
    if said.get(part):
        return "names a TLSContext, which is stronger" if part is Part.UPSTREAM_TLS else "says it itself"
    if own.redirect is not None and part in {*_OF_FORWARDS, Part.DIRECT_RESPONSE}:
        return "redirects and forwards nothing"
    if own.shadow and part not in _OF_UPSTREAMS:
        return "is a shadow, whose answers are dropped"
    if Part.DIRECT_RESPONSE in parts and part in _OF_FORWARDS and not own.shadow:
        return f"is answered by {parts[Part.DIRECT_RESPONSE].origin.id} and forwards nothing"
    if part is Part.UPSTREAM_TLS and own.service is not None and not own.service.tls:
        return "speaks to its service in clear text, without https://"
    return ""


def _with(
    mapping: MappingResource, part: Part, policy: MappingPolicyResource, contexts: TlsContexts
) -> MappingResource:
    match part:
        case Part.MAINTENANCE:
            return replace(mapping, answer=policy.maintenance)
        case Part.DIRECT_RESPONSE:
            return mapping if mapping.answer is not None else replace(mapping, answer=policy.direct_response)
        case Part.LOCAL_RATE_LIMIT:
            return replace(mapping, policy=replace(mapping.policy, local_limit=policy.local_rate_limit))
        case Part.RETRY_POLICY:
            return replace(mapping, policy=replace(mapping.policy, retry=policy.retry_policy))
        case Part.CORS:
            return replace(mapping, policy=replace(mapping.policy, cors=policy.cors))
        case Part.OUTLIER_DETECTION:
            return replace(mapping, upstream=replace(mapping.upstream, outliers=policy.outlier_detection))
        case Part.UPSTREAM_TLS:
            tls = _tls(policy, policy.upstream_tls or TlsOverride(), contexts)
            return mapping if tls == _VERIFIED else replace(mapping, upstream=replace(mapping.upstream, tls=tls))


def _tls(policy: MappingPolicyResource, said: TlsOverride, contexts: TlsContexts) -> UpstreamTls:
    settings = TlsSettings(ca_secret=said.ca_secret, ca_file=said.ca_file)
    authorities = contexts.authorities(settings, policy.origin.id.namespace)
    return UpstreamTls(authorities=authorities, sni=said.sni, verify=said.verify)
