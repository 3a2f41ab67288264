"""Which objects of a cluster are read."""

from dataclasses import dataclass

from reconciler.model.limits import DEFAULT_LIMITS, Limits

DEFAULT_INGRESS_CLASS = "reconciler"


@dataclass(frozen=True, slots=True)
class ClusterReading:
    """What is read, and where.

    Attributes:
        annotations: the ``getambassador.io/config`` annotations of Services and Ingresses.
        ingresses: the rules of Ingresses of our class.
        custom_resources: the kinds of the language as objects of their own.
        namespaces: only there; empty for everywhere.
        label_selector: only objects with such labels, in the API's own syntax; empty for all.
        ingress_class: the class of Ingresses that is ours.
        limits: ``max_file_bytes`` of one object, ``max_files`` and ``max_total_bytes`` of all.
    """

    annotations: bool = True
    ingresses: bool = False
    custom_resources: bool = False
    namespaces: tuple[str, ...] = ()
    label_selector: str = ""
    ingress_class: str = DEFAULT_INGRESS_CLASS
    limits: Limits = DEFAULT_LIMITS
