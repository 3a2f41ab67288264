"""A copy stays true where the server's data was restored, and where what uses the copy has a bug."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.cluster import SERVICES, Body, Pace, Reflector, connect
from tests.support.scripted_api import Said, ScriptedApi, event, page, scripted
from tests.support.waiting import eventually

PACE = Pace(watch_s=60, retry_s=0.02, retry_cap_s=0.05)
GONE = Said(event("ERROR", code=410, kind="Status", message="too old"))
ENDED = Said(b"")

Follow = Callable[..., Reflector[str]]


def listing(version: str, content: str, uid: str = "u", number: str = "5") -> Said:
    """A list of one object, of a version of its own."""
    metadata = {"namespace": "a", "name": "a", "uid": uid, "resourceVersion": number}
    items = [{"metadata": metadata, "content": content}]
    return Said(json.dumps({"metadata": {"resourceVersion": version}, "items": items}).encode())


def content_of(body: Body) -> str:
    """What is kept of an object."""
    return str(body.get("content", ""))


def known(reflector: Reflector[str]) -> list[str]:
    """What is kept."""
    return list(reflector.copy().objects.values())


@pytest.fixture
def script() -> Iterator[ScriptedApi]:
    """Somebody at the address of an API server."""
    with scripted(ENDED) as script:
        yield script


@pytest.fixture
def follow(script: ScriptedApi, tmp_path: Path) -> Iterator[Follow]:
    """Begins to follow."""
    with ExitStack() as stack:

        def begin(on_change: Callable[[], None] = lambda: None) -> Reflector[str]:
            cluster = connect(script.settings(tmp_path, request_s=2.0, patience_s=0.1))
            assert cluster
            stack.callback(cluster.close)
            reflector = Reflector(cluster, SERVICES, content_of, on_change, pace=PACE)
            stack.callback(reflector.close)
            reflector.start()
            return reflector

        yield begin


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (listing("200", "old"), listing("100", "new")),
        (listing("200", "old"), listing("99999999999999999999999999999999999999999", "new")),
        (listing("20b", "old"), listing("20c", "new")),
        (listing("200", "old"), listing("300", "new", uid="v")),
    ],
    ids=["restored", "no-version", "words", "made-anew"],
)
def test_the_same_version_is_believed_only_where_it_is_one(
    script: ScriptedApi, follow: Follow, before: Said, after: Said
) -> None:
    """Data from a backup gives numbers again, to other contents; a name is given again, too."""
    script.answers[:] = [before, GONE, after, ENDED]
    reflector = follow()
    eventually(lambda: known(reflector) == ["new"], seconds=5)


def test_data_that_was_restored_is_known_by_what_was_heard_last(script: ScriptedApi, follow: Follow) -> None:
    """A bookmark says how far the server was, though the list was older."""
    script.answers[:] = [listing("200", "old"), Said(event("BOOKMARK", "", "400")), GONE, listing("300", "new"), ENDED]
    reflector = follow()
    eventually(lambda: known(reflector) == ["new"], seconds=5)


def test_a_version_that_goes_back_is_listed_anew(script: ScriptedApi, follow: Follow) -> None:
    """A bookmark from before what was listed: the server has other data than it had, and so may have gaps."""
    script.answers[:] = [listing("200", "old"), Said(event("BOOKMARK", "", "100")), listing("300", "new"), ENDED]
    reflector = follow()
    eventually(lambda: known(reflector) == ["new"], seconds=5)


def test_a_bug_of_who_is_told_keeps_nobody_from_being_told(script: ScriptedApi, follow: Follow) -> None:
    """Of a list and of an event: it is said, the copy goes on, and who was not told is told again."""
    told: list[list[str]] = []
    reflectors: list[Reflector[str]] = []
    fails = [True]

    def tell() -> None:
        if fails[0]:
            raise KeyError("x")
        told.append(sorted(key[1] for key in reflectors[0].copy().objects))

    script.answers[:] = [page("a")]
    reflectors.append(follow(tell))
    eventually(lambda: "InternalError: KeyError" in reflectors[0].copy().failure)
    fails[0] = False
    eventually(lambda: ["a"] in told)
    fails[0] = True
    script.answers[:] = [page("a", "b"), Said(event("ADDED", "c")), page("a", "b", "c")]
    eventually(lambda: "InternalError: KeyError" in reflectors[0].copy().failure)
    fails[0] = False
    eventually(lambda: ["a", "b", "c"] in told)
