"""The rules of Ingresses, and the ports of the Services they name."""

from collections import defaultdict
from collections.abc import Mapping
from functools import partial

from reconciler.cluster import ObjectKey
from reconciler.model.limits import Limits
from reconciler.model.provenance import object_path
from reconciler.sources.cluster.reduction import RULES, IngressRules, Input, Ports, rules_input, unread

_NO_PORTS: Mapping[str, int] = {}


class NamedPorts:
    """Puts numbers in place of the names of ports, and knows which Ingresses a change of a Service concerns.

    Args:
        limits: of one object.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ports: dict[ObjectKey, Mapping[str, int]] = {}
        self._rules: dict[ObjectKey, IngressRules] = {}
        self._using: defaultdict[ObjectKey, set[ObjectKey]] = defaultdict(set)

    def take_ports(self, service: ObjectKey, ports: Ports) -> frozenset[ObjectKey]:
        """The ports of a Service now; which Ingresses that concerns."""
        if ports:
            self._ports[service] = dict(ports)
        else:
            self._ports.pop(service, None)
        return frozenset(self._using.get(service, ()))

    def take_rules(self, ingress: ObjectKey, rules: IngressRules | None) -> None:
        """The rules of an Ingress now; None where there are none."""
        old = self._rules.pop(ingress, None)
        for service in self._services(ingress, old):
            self._using[service].discard(ingress)
            if not self._using[service]:
                del self._using[service]
        for service in self._services(ingress, rules):
            self._using[service].add(ingress)
        if rules is not None:
            self._rules[ingress] = rules

    def resolved(self, ingress: ObjectKey) -> Input | None:
        """The rules of an Ingress with the ports as they are known now; None where there are none."""
        rules = self._rules.get(ingress)
        if rules is None:
            return None
        try:
            return rules_input(rules, partial(self._ports_of, ingress[0]), self._limits)
        except Exception as error:  # noqa: BLE001 - a bug; all other objects wait for this one
            return unread(object_path("Ingress", *ingress) + RULES, rules.touch, error)

    def _ports_of(self, namespace: str, service: str) -> Mapping[str, int]:
        return self._ports.get((namespace, service), _NO_PORTS)

    @staticmethod
    def _services(ingress: ObjectKey, rules: IngressRules | None) -> frozenset[ObjectKey]:
        return frozenset((ingress[0], service) for service in rules.services) if rules else frozenset()
