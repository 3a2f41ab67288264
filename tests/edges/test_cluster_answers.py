"""What answers at the address of an API server and is none, or speaks oddly: told in words, and never trusted."""

import json
from pathlib import Path

import pytest

from reconciler.cluster import SERVICES, Body, Cluster, Expired, Reflector, Scope, connect
from reconciler.cluster.reflector import Pace
from reconciler.model.errors import Stalled, Transient
from tests.support.scripted_api import Said, ScriptedApi, event, page, scripted
from tests.support.waiting import eventually

QUICK = Pace(watch_s=60, retry_s=0.02, retry_cap_s=0.05)


def opened(script: ScriptedApi, directory: Path, **settings: object) -> Cluster:
    """A door to it; impatient."""
    cluster = connect(script.settings(directory, **{"request_s": 2.0, "patience_s": 0.1, **settings}))
    assert cluster
    return cluster


@pytest.mark.parametrize(
    "said",
    [
        Said(b"<html>Please log in</html>"),
        Said(b"[1, 2]"),
        Said(b'{"items": []}'),
        Said(b'{"metadata": {"resourceVersion": "1"}, "items": "x"}'),
        Said(b"[" * 100_000),
        Said(b"\xff\xfe"),
        Said(b"", status=204),
        Said(b"<html>", status=418),
    ],
    ids=["page", "array", "no-version", "no-items", "deep", "binary", "empty", "teapot"],
)
def test_what_is_no_api_server_is_told_as_such(tmp_path: Path, said: Said) -> None:
    """The address may be wrong, or a proxy answers with a page of its own."""
    with scripted(said) as script, pytest.raises(Transient) as raised:
        opened(script, tmp_path).list(SERVICES)
    assert raised.value.reason == "ClusterAnswerUnreadable"
    assert "topsecret" not in str(raised.value)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """The token is for the API server, not for whoever it is sent on to."""
    with scripted(page("a")) as elsewhere:
        away = Said(b"", status=302, location=f"http://127.0.0.1:{elsewhere.port}/api/v1/services")
        with scripted(away) as script, pytest.raises(Transient):
            opened(script, tmp_path).list(SERVICES)
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "line",
    [
        b"no json\n",
        b'{"type": "ADDED"}\n',
        b'{"type": "ADDED", "object": 3}\n',
        b'{"type": "SURPRISE", "object": {"metadata": {}}}\n',
        b"[1]\n",
        b"[" * 100_000 + b"\n",
        event("ERROR", code=410, kind="Status", message="too old"),
        event("ERROR", code="x", kind="Status"),
        b'{"type": "ADDED", "object": {"metadata": {"name": "' + b"x" * 200_000 + b'"}}}\n',
    ],
    ids=["text", "no-object", "number", "unknown-type", "array", "deep", "expired", "no-code", "long"],
)
def test_a_watch_that_can_not_be_read_asks_for_a_new_list(tmp_path: Path, line: bytes) -> None:
    """What came before it counts; nothing is guessed about what was meant."""
    with scripted(Said(event("ADDED", "a") + line)) as script:
        door = opened(script, tmp_path, line_bytes=150_000)
        watch = door.watch(SERVICES, Scope(), "1", 60)
        assert next(watch).type == "ADDED"
        with pytest.raises(Expired):
            next(watch)
        assert list(watch) == []
        assert not door._session._open


def test_a_bookmark_moves_the_version_a_watch_goes_on_from(tmp_path: Path) -> None:
    """Also where nothing of ours changes: so the version never gets too old."""
    answers = [
        page("a"),
        Said(event("BOOKMARK", "", "7")),
        Said(event("MODIFIED", "a", "9")),
        Said(b"", status=500),
    ]
    with scripted(*answers) as script, following(opened(script, tmp_path)) as reflector:
        eventually(lambda: len(script.asked) > 3)
        assert [query.get("resourceVersion") for query, _ in script.asked[:4]] == [None, "1", "7", "9"]
        assert all(query["allowWatchBookmarks"] == "true" for query, _ in script.asked[1:4])
        assert reflector.copy().objects == {("a", "a"): "9"}


class following:  # noqa: N801 - reads as a word
    """A reflector of Services for as long as the block lasts; keeps of each object its version."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._reflector = Reflector(cluster, SERVICES, version_of, lambda: None, pace=QUICK)

    def __enter__(self) -> Reflector[str]:
        self._reflector.start()
        return self._reflector

    def __exit__(self, *_: object) -> None:
        self._reflector.close()
        self._cluster.close()


def version_of(body: Body) -> str:
    """The version, but of an object named `bad`: a bug."""
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    if metadata["name"] == "bad":
        raise KeyError("surprise")
    return str(metadata["resourceVersion"])


def test_one_object_that_can_not_be_read_does_not_keep_others_from_being_kept(tmp_path: Path) -> None:
    """It is told, not hidden; and over once the object is gone."""
    added, gone = Said(event("ADDED", "bad") + event("ADDED", "c", "3")), Said(event("DELETED", "bad", "4"))
    with scripted(page("a"), added, Said(b"")) as script, following(opened(script, tmp_path)) as reflector:
        eventually(lambda: len(reflector.copy().objects) == 2)
        assert "a/bad: KeyError" in reflector.copy().failure
        script.answers[:] = [gone, Said(b"")]
        eventually(lambda: not reflector.copy().failure)
        assert reflector.copy().objects == {("a", "a"): "1", ("a", "c"): "3"}


def test_what_a_proxy_swallowed_is_found_by_listing_anew(tmp_path: Path) -> None:
    """A change that no event told of is seen after the resync at the latest, and only that is read."""
    read: list[str] = []

    def reduce(body: Body) -> str:
        read.append(version_of(body))
        return read[-1]

    quick = Pace(resync_s=0.2, retry_s=0.02, retry_cap_s=0.05)
    with scripted(page("a"), Said(event("BOOKMARK", "", "1"))) as script:
        cluster = opened(script, tmp_path)
        reflector = Reflector(cluster, SERVICES, reduce, lambda: None, pace=quick)
        reflector.start()
        eventually(lambda: len(script.asked) >= 2)
        script.answers[:] = [page("a", "b", version="1")]
        eventually(lambda: ("a", "b") in reflector.copy().objects)
        assert read == ["1", "1"]
        reflector.close()
        cluster.close()


def test_a_watch_that_always_ends_at_once_is_no_hot_loop(tmp_path: Path) -> None:
    """A proxy that lets no stream live is asked at the pace of failures."""
    with scripted(page("a"), Said(b"")) as script, following(opened(script, tmp_path)) as reflector:
        assert reflector.wait(5)
        eventually(lambda: len(script.asked) >= 5)
        count = len(script.asked)
        eventually(lambda: len(script.asked) >= count + 4)
        # Four more came, each after a wait of at least half of the cap: they would be hundreds otherwise.
        assert len(script.asked) < count + 12


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own proxies."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_the_token_is_sent_to_the_server_it_is_for(tmp_path: Path) -> None:
    """As a bearer token, and nothing of it is in what people see of the door."""
    with scripted(page("a")) as script:
        door = opened(script, tmp_path)
        assert len(door.list(SERVICES).items) == 1
        assert script.asked[0][1] == "Bearer topsecret"
        assert "topsecret" not in door.describe + repr(door)
        assert json.dumps(door.describe) == f'"http://127.0.0.1:{script.port}"'


@pytest.mark.parametrize("token", ["top\nsecret", "top\u00fcsecret", "top\x00secret"])
def test_a_token_that_can_not_be_sent_is_not_shown(tmp_path: Path, token: str) -> None:
    """Libraries complain of bad headers with the header; here it is told without."""
    with scripted(page("a")) as script:
        settings = script.settings(tmp_path)
        assert settings.kubeconfig
        settings.kubeconfig.write_text(settings.kubeconfig.read_text().replace('"topsecret"', json.dumps(token)))
        door = connect(settings)
        assert door
        with pytest.raises(Transient, match="not one line") as raised:
            door.list(SERVICES)
        assert "secret" not in str(raised.value)
        assert raised.value.__context__ is None or "secret" not in str(raised.value.__context__)


def test_a_port_that_does_not_speak_tls_is_told_as_such(tmp_path: Path) -> None:
    """The port for plain HTTP, under https."""
    with scripted(page("a")) as script:
        settings = script.settings(tmp_path, server=f"https://127.0.0.1:{script.port}")
        door = connect(settings)
        assert door
        with pytest.raises(Stalled, match="does not speak TLS"):
            door.list(SERVICES)
