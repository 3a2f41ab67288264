"""Mappings with all that they leave to other documents: what they say in the end, or why they can't be served.

The weakest first: what the Module says for all, what a name stands for, what MappingPolicies say. What a Mapping says
itself is stronger than any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.origin import ResourceId
from reconciler.model.ports import TcpMappingResource
from reconciler.model.problem import Problem
from reconciler.model.resource import MappingResource
from reconciler.table.documents import Documents
from reconciler.table.ports.tls_contexts import speaking_tls
from reconciler.table.resolve.balancing_notes import balancing_notes
from reconciler.table.resolve.defaults import with_defaults
from reconciler.table.resolve.mapping_policies import PolicyWorld, with_policies
from reconciler.table.resolve.references import resolved, resolved_tcp


@dataclass(frozen=True, slots=True)
class Settled:
    """Mappings that need no other document any more.

    Attributes:
        mappings, tcp_mappings: in order of identity.
        problems: findings besides.
        stranded: those that name what is not there, each with why.
    """

    mappings: Sequence[MappingResource]
    tcp_mappings: Sequence[TcpMappingResource]
    problems: tuple[Problem, ...]
    stranded: tuple[tuple[ResourceId, Problem], ...]


def settle(documents: Documents) -> Settled:
    """What Mappings and TCPMappings say, with what others say for them."""
    named, lost = resolved(with_defaults(documents.mappings, documents.module), documents.references)
    speaking, insecure = speaking_tls(named, documents.contexts)
    mappings, from_policies = with_policies(speaking, PolicyWorld.of(documents))

    named_tcp, lost_tcp = resolved_tcp(documents.tcp_mappings, documents.references, documents.defaults.resolver)
    tcp_mappings, insecure_tcp = speaking_tls(named_tcp, documents.contexts)
    return Settled(
        mappings,
        tcp_mappings,
        problems=(
            *from_policies,
            *balancing_notes(mappings, documents.module, endpoints_watched=documents.endpoints_watched),
        ),
        stranded=(*lost, *lost_tcp, *insecure, *insecure_tcp),
    )
