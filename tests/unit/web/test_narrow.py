"""Who may see one namespace is told nothing of others: by whatever way they ask, and whatever happened."""

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.source import Person
from reconciler.web.access import EVERYTHING, Grants, Rules, Scope, Token, digest_of
from reconciler.web.pages.routes import router as pages
from tests.support.web_world import WebWorld, mapping

HIDDEN = "hush"  # in every name, place, person and word that belongs to others
RULES = Rules(open=False, local=False)
GRANTS = Grants(
    (
        Token(digest_of("all"), "ann", EVERYTHING),
        Token(digest_of("shop"), "bob", Scope.of(["shop"])),
        Token(digest_of("nothing"), "eve", Scope.of([])),
    )
)
ANN, OTHER = Person("Ann", "ann@shop.example.com"), Person(f"{HIDDEN} Bob", f"bob@{HIDDEN}.example.com")


def broken(namespace: str, name: str) -> str:
    """A Mapping that is quarantined."""
    return mapping(namespace, name, more=", timeout_ms: x")


POLICY = f"""\
apiVersion: reconciler.dev/v1alpha1
kind: MappingPolicy
metadata: {{name: {HIDDEN}-p, namespace: {HIDDEN}}}
spec: {{mappings: [{HIDDEN}-pay], maintenance: {{enabled: true}}}}
"""
HOST = f"""\
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {{name: {HIDDEN}-h, namespace: {HIDDEN}}}
spec: {{hostname: {HIDDEN}.example.com}}
"""
OURS = {
    "shop/item.yaml": [mapping("shop", "item"), mapping("shop", "item", prefix="/thing/"), broken("shop", "item")],
    "shop/cart.yaml": [
        mapping("shop", "cart"),
        mapping("shop", "cart", more=", weight: 20"),
        mapping("shop", "cart", host='"*"'),
    ],
}
THEIRS = {
    f"{HIDDEN}/pay.yaml": [
        mapping(HIDDEN, f"{HIDDEN}-pay"),
        mapping(HIDDEN, f"{HIDDEN}-pay", host="shop.example.com", prefix="/item/"),  # at odds with ours
        mapping(HIDDEN, f"{HIDDEN}-pay", host="shop.example.com", prefix="/cart/"),
        broken(HIDDEN, f"{HIDDEN}-pay"),
        # Of the same name as ours.
        mapping(HIDDEN, "item", host=f"{HIDDEN}.example.com", prefix=f"/{HIDDEN}/"),
    ],
    f"{HIDDEN}/policy.yaml": [POLICY, HOST, f"kind: {HIDDEN}: ["],
}
VERSIONS = {**OURS, **THEIRS}
_FILES = st.fixed_dictionaries({}, optional={path: st.sampled_from(texts) for path, texts in VERSIONS.items()})
_PARAMETERS = {
    "/api/v1/entries": [
        "?mapping=item",
        f"?mapping={HIDDEN}-pay",
        f"?text={HIDDEN}",
        f"?namespace={HIDDEN}",
        f"?author={HIDDEN}&limit=1",
        "?lacking=approval&self_approved=true&limit=1",
    ],
    "/decisions": ["?route=item", f"?route={HIDDEN}-pay&q={HIDDEN}&author={HIDDEN}", f"?namespace={HIDDEN}"],
    "/api/v1/routes": [f"?q={HIDDEN}"],
    "/routes": [f"?q={HIDDEN}", f"?namespace={HIDDEN}&host={HIDDEN}"],
}
_MATCHED = ["http://shop.example.com/item/1", f"http://{HIDDEN}.example.com/", "http://shop.example.com/cart/"]


def urls(world: WebWorld) -> list[str]:
    """Every URL of API and pages, with everything that could be asked for there."""
    found: list[str] = []
    described = world.client().get("/api/v1/openapi.json").json()["paths"]
    shown = [route.path for route in pages.routes if isinstance(route, APIRoute)]
    assert len(described) > 10
    assert len(shown) > 5
    for path in (*described, *shown):
        if path.endswith("/events"):
            continue  # endless
        named = path.replace("{namespace}", "shop").replace("{name}", "item")
        numbers = range(1, world.number * 2 + 2) if "{" in named else [0]
        for number in numbers:
            one = re.sub(r"\{[^}]*\}", str(number), named)
            found += [one + parameters for parameters in _parameters(path)]
    theirs = [f"/api/v1/routes/{HIDDEN}/{HIDDEN}-pay", f"/api/v1/routes/{HIDDEN}/item", f"/routes/{HIDDEN}/item"]
    return [*found, *theirs]


def _parameters(path: str) -> list[str]:
    """What is asked for at a path: what concerns others, in every way one can ask for it."""
    if path.endswith("/match"):
        return [f"?url={url}" for url in _MATCHED]
    if path.endswith("/at"):
        return ["?time=2", "?time=now"]
    if path.endswith("/diff"):
        return ["?from=2&to=4", "?from=2"]
    if path.endswith("/volume"):
        return ["?since=2026-05-06&until=2026-05-07&stretches=2"]
    return ["", *_PARAMETERS.get(path, ())]


@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_FILES, min_size=2, max_size=3))
def test_no_answer_names_others(revisions: list[dict[str, str]]) -> None:
    """Whatever is written, broken, at odds or deleted by others: it is in no answer, and not in what is counted."""
    with TemporaryDirectory() as directory:
        world = WebWorld.at(Path(directory) / "journal.db")
        world.owner, world.owners = HIDDEN, dict.fromkeys(OURS, ANN)
        before: dict[str, str] = {}
        for files in revisions:
            changed = {path for path in VERSIONS if files.get(path) != before.get(path)}
            ours = changed <= set(OURS)
            author, subject = (ANN, "Our change") if ours else (OTHER, f"Change of {HIDDEN}")
            world.apply(files, author, subject, words=HIDDEN)
            before = files
        client = world.client(RULES, lambda: GRANTS)
        asked = [("shop", url) for url in urls(world)] + [("nothing", url) for url in urls(world)[::9]]
        for token, url in asked:
            answer = client.get(url, headers={"authorization": f"Bearer {token}"})
            assert answer.status_code < 500, (url, answer.text)
            assert HIDDEN not in _without_echo(answer.text.lower(), url), (token, url, answer.text)
        world.journal.close()


def _without_echo(body: str, url: str) -> str:
    """An answer without what was asked for: forms show it again."""
    asked = re.findall(rf"[^?&=/]*{HIDDEN}[^?&=/]*", url)
    for words in asked:
        body = body.replace(words.lower(), "")
    return body


def test_everything_is_told_to_who_may_see_everything(tmp_path: Path) -> None:
    """The law above would hold for pages without anything on them, too."""
    world = WebWorld.at(tmp_path / "journal.db")
    world.owner, world.owners = HIDDEN, dict.fromkeys(OURS, ANN)
    files = {path: texts[0] for path, texts in VERSIONS.items()}
    world.apply(files | {f"{HIDDEN}/other.yaml": broken(HIDDEN, "other")}, OTHER, f"Of {HIDDEN}", words=HIDDEN)
    client = world.client(RULES, lambda: GRANTS)

    def told(token: str, path: str) -> str:
        return client.get(f"/api/v1{path}", headers={"authorization": f"Bearer {token}"}).text

    for path in ("/entries", "/entries/2", "/routes", "/envoys", "/problems", "/status", "/at?time=now"):
        assert HIDDEN in told("all", path), path
    ours = json.loads(told("shop", "/routes"))
    assert [(route["namespace"], route["name"]) for route in ours["routes"]] == [("shop", "item"), ("shop", "cart")]
    assert ours["found"] == 2
    entry = json.loads(told("shop", "/entries"))["entries"][0]
    assert (entry["creates"], entry["subject"], entry["author"]) == (2, "", "")
    assert json.loads(told("nothing", "/entries")) == {"entries": [], "next": None, "erased": None}
    world.journal.close()


def test_one_s_own_changes_are_told_whole(tmp_path: Path) -> None:
    """Who changed a route, when, what, and in which commit: that is theirs."""
    world = WebWorld.at(tmp_path / "journal.db")
    world.apply({path: texts[0] for path, texts in VERSIONS.items()}, OTHER, "All", words=HIDDEN)
    files = {path: texts[0] for path, texts in VERSIONS.items()} | {"shop/item.yaml": OURS["shop/item.yaml"][1]}
    number = world.apply(files, ANN, "Things, not items")
    client = world.client(RULES, lambda: GRANTS)
    found = client.get(f"/api/v1/entries/{number}", headers={"authorization": "Bearer shop"}).json()
    assert found["entry"]["subject"] == "Things, not items"
    assert found["entry"]["author"] == "Ann <ann@shop.example.com>"
    route = client.get("/api/v1/routes/shop/item", headers={"authorization": "Bearer shop"}).json()
    assert [change["entry"]["number"] for change in route["history"]] == [number, 2]
    assert {"field": "path", "before": "/item/", "after": "/thing/"} in route["history"][0]["fields"] or route[
        "history"
    ]
    blamed = {one["field"]: one for one in route["blame"]}
    assert number in {one["change"]["entry"]["number"] for one in blamed.values() if one["change"]}
    world.journal.close()
