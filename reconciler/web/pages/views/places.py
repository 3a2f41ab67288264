"""Where something is written, and who wrote it. Pure."""

from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.model.provenance import ObjectTouch, Provenance
from reconciler.web.pages.views import facts


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, or an object of the cluster.

    Attributes:
        where: ``routes/api.yaml:12``, or ``Service default/api``.
        commit: that last touched it; empty for an object, or where there is no history.
        by: the commit's author, or the object's field manager; empty where nobody knows.
        version: of the object; empty for a file.
    """

    where: str
    commit: str = ""
    by: str = ""
    version: str = ""


def place(value: Json) -> Place | None:
    """The place that a record names; None where there is none."""
    if not isinstance(value, dict):
        return None
    touched = facts.group(value, "object")
    line = facts.number(value.get("line"))
    where = str(Provenance(facts.text(value.get("path")), line))
    if touched:
        return Place(where, by=facts.told(touched.get("manager")), version=facts.text(touched.get("resource_version")))
    return Place(where, facts.text(value.get("commit")), facts.text(value.get("author")))


def place_of(provenance: Provenance) -> Place:
    """The place of something that is served now."""
    where = str(Provenance(provenance.path, provenance.line))
    touch = provenance.touch
    if isinstance(touch, ObjectTouch):
        return Place(where, by=touch.manager, version=touch.resource_version)
    return Place(where, touch.sha, touch.author) if touch else Place(where)
