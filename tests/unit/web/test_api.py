"""The API: its description is true, and whatever is asked, it answers."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.testclient import TestClient

from reconciler.model.source import Person
from tests.support.web_world import WebWorld, mapping

ANN = Person("Ann", "ann@example.com")
V1 = "/api/v1"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebWorld]:
    """Three changes: two routes, one of them broken, the other changed."""
    made = WebWorld.at(tmp_path_factory.mktemp("api") / "journal.db")
    item, cart = mapping("shop", "item"), mapping("shop", "cart")
    made.apply({"a.yaml": item, "b.yaml": cart}, ANN, "Begin")
    made.apply({"a.yaml": item, "b.yaml": mapping("shop", "cart", more=", timeout_ms: x")}, ANN, "Break it")
    made.apply({"a.yaml": mapping("shop", "item", prefix="/thing/"), "b.yaml": cart}, ANN, "Mend it")
    yield made
    made.journal.close()


@pytest.fixture(scope="module")
def client(world: WebWorld) -> TestClient:
    """Somebody on this machine, who may see everything."""
    return world.client()


@pytest.fixture(scope="module")
def described(client: TestClient) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = client.get(f"{V1}/openapi.json").json()
    return found


def test_the_description_is_openapi(described: dict[str, Any]) -> None:
    """By OpenAPI's own schema; every operation has a tag, words, and a type for what it answers."""
    OpenAPIV31SpecValidator(described).validate()
    for path, operations in described["paths"].items():
        assert list(operations) == ["get"], path
        operation = operations["get"]
        assert operation["tags"], path
        assert operation["summary"], path
        assert operation["description"], path
        content = operation["responses"]["200"]["content"]
        assert all(one["schema"] for one in content.values()), path


_ASKED = [
    "/status",
    "/routes?q=ITEM",
    "/routes/shop/item",
    "/match?url=http://shop.example.com/thing/1",
    "/match?url=shop.example.com/nothing&method=POST&header=x-a:%201",
    "/problems",
    "/envoys",
    "/entries?author=ANN&happened=partial&limit=1",
    "/entries/2",
    "/at?time=2",
    "/diff?from=2&to=6",
    "/volume?since=2026-05-06T11:00:00Z&until=2026-05-06T13:00:00Z&stretches=2",
    "/journal",
]


@pytest.mark.parametrize("url", _ASKED)
def test_answers_are_as_described(client: TestClient, described: dict[str, Any], url: str) -> None:
    """Every answer is valid by the schema that the document has for it."""
    answer = client.get(V1 + url)
    assert answer.status_code == 200, answer.text
    path = url.partition("?")[0]
    named = next(
        one for one in described["paths"] if _fits(one.removeprefix(V1), path) and ("{" in one) == (path not in one)
    )
    schema = described["paths"][named]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(answer.json())


def _fits(template: str, path: str) -> bool:
    parts, found = template.split("/"), path.split("/")
    return len(parts) == len(found) and all(a == b or a.startswith("{") for a, b in zip(parts, found, strict=True))


def test_what_is_told_is_what_happened(client: TestClient) -> None:
    """The route, who changed it in which commit; what a moment served; how two differ; who answers a request."""
    route = client.get(f"{V1}/routes/shop/item").json()
    assert [(c["entry"]["subject"], c["op"]) for c in route["history"]] == [("Mend it", "update"), ("Begin", "create")]
    assert route["rules"][0]["path"]["value"] == "/thing/"
    earlier = client.get(f"{V1}/at?time=2").json()
    assert (earlier["found"], earlier["proven"], earlier["entry"]["subject"]) == (2, True, "Begin")
    assert "/item/" in "".join(one["document"] for one in earlier["documents"])
    (different,) = client.get(f"{V1}/diff?from=2&to=6").json()
    assert (different["name"], different["op"]) == ("item", "update")
    assert any(one["before"] == "/item/" and one["after"] == "/thing/" for one in different["fields"])
    match = client.get(f"{V1}/match", params={"url": "http://shop.example.com/thing/1"}).json()
    assert [taker["route"]["name"] for taker in match["takers"]] == ["item"]
    assert not client.get(f"{V1}/match", params={"url": "http://shop.example.com/item/1"}).json()["served"]


def test_pages_follow_each_other(client: TestClient) -> None:
    """All entries, each once, whatever fits on a page."""
    found, before = [], ""
    while True:
        page = client.get(f"{V1}/entries?limit=1{before}").json()
        found += [entry["number"] for entry in page["entries"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert found == [6, 4, 2]


@pytest.mark.parametrize(
    "url",
    [
        "/entries?limit=0",
        "/entries?limit=201",
        "/entries?since=yesterday",
        "/entries?happened=apocalypse",
        "/entries?outside=never",
        "/entries?text=%00",
        "/entries?commit=xyz",
        "/entries/x",
        "/match",
        "/match?url=http://",
        "/match?url=http://h:99999/",
        "/match?url=http://h/&header=nocolon",
        "/match?url=http://[",
        "/at",
        "/volume?since=now&until=7d",
        "/volume?stretches=401",
        "/routes/a%00/b",
        "/routes?first=-1",
    ],
)
def test_what_can_not_be_asked_is_told(client: TestClient, url: str) -> None:
    """422, and which parameter it is."""
    answer = client.get(V1 + url)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]


@pytest.mark.parametrize("url", ["/entries/999", "/entries/abcdef1", "/at?time=999", "/routes/shop/none", "/nothing"])
def test_what_is_not_there_is_told(client: TestClient, url: str) -> None:
    """404, in JSON."""
    answer = client.get(V1 + url)
    assert answer.status_code == 404, answer.text
    assert answer.json()["detail"]


_ODD = st.text(max_size=12) | st.sampled_from(
    [
        *("", "0", "-1", "9" * 30, "1e999", "nan", "\u0661", "\x00", "a/b", "*", "%", "_", "'", "\\", "x" * 3000),
        *("now", "2026-05-06", "0001-01-01", "9999-12-31T23:59:59Z", "9999999w"),
        *("http://h/", "http://[::1]:1/", "http://h/%ff?a=b&&="),
    ]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 100), st.lists(st.none() | _ODD, min_size=20, max_size=20))
def test_nothing_that_is_asked_makes_it_fail(
    client: TestClient, described: dict[str, Any], number: int, values: list[str | None]
) -> None:
    """Every operation, with any parameters: a good answer, or one that says what is wrong with the question."""
    paths = [path for path in described["paths"] if not path.endswith("/events")]
    path = paths[number % len(paths)]
    query: list[tuple[str, str | int | float | bool | None]] = []
    for one, value in zip(described["paths"][path]["get"].get("parameters", []), values, strict=False):
        if one["in"] == "path":
            path = path.replace("{" + one["name"] + "}", quote(value or "x", safe=""))
        elif value is not None:
            query.append((one["name"], value))
    answer = client.get(path, params=query)
    assert answer.status_code < 500, (path, query, answer.text)
    assert isinstance(json.loads(answer.text), dict | list)
