"""PURE: resources → the RouteTable (virtual hosts, match order, groups, weights), and what it answers to a request."""

from reconciler.table.build import Built, build
from reconciler.table.matcher.answer import Answer, Answered, BadRequest, Forwarded, HungUp, NotFound, Redirected
from reconciler.table.matcher.explain import Candidate, Explanation, NearMiss, explain
from reconciler.table.ports.ports import DefaultListener

__all__ = [
    "Answer",
    "Answered",
    "BadRequest",
    "Built",
    "Candidate",
    "DefaultListener",
    "Explanation",
    "Forwarded",
    "HungUp",
    "NearMiss",
    "NotFound",
    "Redirected",
    "build",
    "explain",
]
