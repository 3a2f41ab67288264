"""One document on its way in, wherever it was written."""

from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.resources.finding import Finding, Place


@dataclass(frozen=True, slots=True)
class Unit:
    """A parsed document and its place.

    Attributes:
        findings: what was wrong with it as YAML; an error among them means there is no value.
        simple: plain JSON encoding of it is canonical.
        annotated: it was written in an annotation.
    """

    value: Json
    place: Place
    findings: tuple[Finding, ...] = ()
    simple: bool = True
    annotated: bool = False
