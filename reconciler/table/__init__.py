"""PURE: resources → the RouteTable (virtual hosts, match order, groups, weights), and what it answers to a request.

Read ``build`` first: it is the whole way in one page. Its steps:

- ``documents``: resources by kind; the next kind gets its attribute there
- ``resolve``: what Mappings leave to others (``settle``: the Module's defaults, names, TLS, MappingPolicies), services,
  clusters; the next default goes into ``resolve.defaults``, the next kind that can be named into
  ``resolve.references``, the next service into ``resolve.services``
- ``rules``: Mappings as routes in match order (``order``, ``shares``, ``actions``, ``policies``); the next condition is
  handed on there, counts in ``order.specificity`` if the language says so, and must be known to ``matcher.conditions``
- ``attach``, ``domains``: which rules go into which virtual host
- ``rebuild``: the same for a few changed Mappings at the cost of the change, with what ``standing`` knows of the table
- ``ports``: listeners, TLS and TCPMappings at their ports, and what does not come about there
- ``matcher``: what the table answers to a request, and why
"""

from reconciler.table.build import Built, build
from reconciler.table.matcher.answer import Answer, Answered, BadRequest, Forwarded, HungUp, NotFound, Redirected
from reconciler.table.matcher.explain import Candidate, Explanation, NearMiss, explain
from reconciler.table.matcher.requested import at_listener, requested
from reconciler.table.matcher.words import asked_first, in_words
from reconciler.table.ports.ports import DefaultListener
from reconciler.table.rebuild import Rebuilt, rebuild
from reconciler.table.standing import Regrouping, Standing
from reconciler.table.surroundings import Surroundings

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
    "Rebuilt",
    "Redirected",
    "Regrouping",
    "Standing",
    "Surroundings",
    "asked_first",
    "at_listener",
    "build",
    "explain",
    "in_words",
    "rebuild",
    "requested",
]
