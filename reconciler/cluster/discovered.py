"""What an API server says it knows: its groups, and their types. Pure: no I/O."""

from reconciler.cluster.failures import unreadable
from reconciler.cluster.types import ObjectType
from reconciler.model.digest import Json

Body = dict[str, Json]


def types_of(answer: Body, like: ObjectType) -> frozenset[str]:
    """The types of the group and version of ``like``, by the names in paths, from an ``APIResourceList``.

    Raises:
        Transient: it is none of that group and version.
    """
    version = answer.get("groupVersion")
    resources = _named(answer.get("resources") or [])  # null for none
    if answer.get("kind") != "APIResourceList" or version != like.api_version or resources is None:
        raise unreadable(f"no list of the types of {like.api_version}")
    return frozenset(resources)


def knows(answer: Body, like: ObjectType) -> bool:
    """Whether the group and version of ``like`` are among those of an ``APIGroupList``.

    Raises:
        Transient: it is none; every server has some group.
    """
    groups = _named(answer.get("groups"))
    if answer.get("kind") != "APIGroupList" or not groups:
        raise unreadable("no list of groups")
    versions = groups.get(like.group, {}).get("versions")
    listed = [one.get("version") for one in versions if isinstance(one, dict)] if isinstance(versions, list) else []
    return like.version in listed


def _named(values: Json) -> dict[str, Body] | None:
    """What a list holds, by name; None where that is no list of things with names."""
    if not isinstance(values, list):
        return None
    found = {str(value.get("name") or ""): value for value in values if isinstance(value, dict)}
    return found if "" not in found and all(isinstance(value, dict) for value in values) else None
