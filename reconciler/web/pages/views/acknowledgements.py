"""What each Envoy said. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.web.pages.views import badges, facts
from reconciler.web.pages.views.badges import Badge
from reconciler.web.pages.views.facts import Group


@dataclass(frozen=True, slots=True)
class Word:
    """What one Envoy said to one type."""

    type: str
    version: str
    badge: Badge
    evidence: str
    detail: str


@dataclass(frozen=True, slots=True)
class Node:
    """One Envoy, or a directory, and what it said."""

    target: str
    node: str
    words: tuple[Word, ...]


def nodes_of(acks: Sequence[Group]) -> tuple[Node, ...]:
    """The words of a record, by who said them."""
    nodes: dict[tuple[str, str], list[Word]] = {}
    for ack in acks:
        word = Word(
            type_word(facts.text(ack.get("type"))),
            facts.text(ack.get("version")),
            badges.of_ack(facts.text(ack.get("state"))),
            facts.text(ack.get("evidence")),
            facts.text(ack.get("detail")),
        )
        nodes.setdefault((facts.text(ack.get("target")), facts.text(ack.get("node"))), []).append(word)
    return tuple(Node(target, node, tuple(words)) for (target, node), words in nodes.items())


def type_word(type_url: str) -> str:
    """``Cluster`` for ``type.googleapis.com/envoy.config.cluster.v3.Cluster``."""
    return type_url.rpartition(".")[2] or type_url
