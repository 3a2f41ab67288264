"""Who asked the API server for what, as its audit log tells."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.cluster.calls import Document


class Request(NamedTuple):
    """What RBAC decides on, without namespace and name.

    Attributes:
        verb: e.g. ``get``, ``list``, ``watch``, ``patch``.
        group: the API group, empty for the core.
        resource: e.g. ``configmaps``; for what is no resource, the path, e.g. ``/version``.
        subresource: e.g. ``status``, or empty.
    """

    verb: str
    group: str
    resource: str
    subresource: str = ""


def events_of(log: Path, user: str) -> Iterator[Document]:
    """The events of the audit log that are about one user's requests, in the order they were answered.

    A request is there when it is answered: a watch as soon as it has begun (stage ``ResponseStarted``) and once more
    when it ends, all else when it is over (stage ``ResponseComplete``).
    """
    mark = json.dumps({"username": user}, separators=(",", ":"))[1:-1]
    with log.open() as lines:
        for line in lines:
            if mark in line and line.endswith("\n"):  # the last one may be half written
                event: Document = json.loads(line)
                if event["user"]["username"] == user:
                    yield event


def request_of(event: Document) -> Request:
    """What an event's request was."""
    about = event.get("objectRef")
    if about is None:
        return Request(event["verb"], "", event["requestURI"].partition("?")[0])
    return Request(event["verb"], about.get("apiGroup", ""), about["resource"], about.get("subresource", ""))
