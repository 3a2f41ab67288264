"""Versions of objects and of lists, as the API server counts them.

https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from dataclasses import dataclass

from reconciler.cluster.types import ObjectKey
from reconciler.model.digest import Json

_MOST_DIGITS = 39  # more than 128 bits need


@dataclass(frozen=True, slots=True)
class Version:
    """Which object, and which version of it: a name may be given again.

    Attributes:
        number: the ``resourceVersion``; empty where it is not told.
    """

    uid: str
    number: str


def identity(body: dict[str, Json]) -> tuple[ObjectKey, Version]:
    """What an object is called, and which version of it this is."""
    metadata = body.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    key = str(names.get("namespace") or ""), str(names.get("name") or "")
    return key, Version(str(names.get("uid") or ""), str(names.get("resourceVersion") or ""))


def goes_on(before: str, now: str) -> bool:
    """Whether ``now`` can be later than ``before``, or the same: both are numbers, and it is no smaller one.

    Where it is not, the data of the server was restored from a backup, or is another's: versions that were given before
    are given again, to other contents.
    """
    return all(map(_is_number, (before, now))) and int(before) <= int(now)


def goes_back(before: str, now: str) -> bool:
    """Whether ``now`` is surely earlier than ``before``: both are numbers, and it is the smaller one."""
    return all(map(_is_number, (before, now))) and int(now) < int(before)


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdecimal() and len(version) <= _MOST_DIGITS
