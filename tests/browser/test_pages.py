"""The pages in a real browser: a real controller, journal and Envoy behind them, with and without JavaScript."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, expect

from reconciler.model.happening import Actor, Happening, Note
from tests.support.browser import NARROW, WIDE, chromium
from tests.support.pages_world import BOB, HOSTILE_AUTHOR, HOSTILE_SUBJECT, World, live_through, mapping, world

pytestmark = pytest.mark.xdist_group("browser")  # one world and one browser for all of them

_GRAVE = ("serious", "critical")
# In the dark only colours differ.
_RULES: dict[Literal["light", "dark"], dict[str, object]] = {
    "light": {"preload": False, "resultTypes": ["violations"]},
    "dark": {"preload": False, "runOnly": ["color-contrast"]},
}


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Some days of work, and at their end a commit of somebody who means no good."""
    with world(tmp_path_factory.mktemp("world")) as made:
        live_through(made)
        evil = mapping("web/evil", "/evil/", "evil.web", hostname="www.example.com")
        made.commit({"web/evil.yaml": evil}, HOSTILE_SUBJECT, HOSTILE_AUTHOR)
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all."""
    with chromium() as made:
        yield made


def kinds_of_page(w: World) -> list[str]:
    """One of each, with something on it."""
    by_decision = {str(outcome.decision): outcome.sequence for outcome in w.outcomes if outcome.sequence}
    return [
        "/decisions",
        *(f"/decisions/{by_decision[name]}" for name in ("Applied", "Refused")),
        "/routes",
        "/routes/shop/cart",
        "/which?url=http%3A%2F%2Fshop.example.com%2Fcheckout%2F42",
        "/problems",
        "/envoys",
        "/journal",
        "/at",
        "/compare",
    ]


def further_pages(w: World) -> list[str]:
    """The same with other things on them, and with nothing."""
    partial = next(outcome.sequence for outcome in w.outcomes if outcome.decision == "Partial")
    return [
        "/decisions?happened=reject&lacking=approval",
        "/decisions?q=nothing+is+like+this",
        f"/decisions/{partial}",
        "/decisions/1",
        "/decisions/999999",
        "/commits/0000000",
        "/routes?host=pay.example.com&prefix=/re",
        "/routes/web/press",
        "/routes/web/press-kit",
        "/routes/no/body",
        "/which",
        "/which?url=nonsense%00",
        "/problems?severity=info",
        "/at?time=2001-01-01",
        "/at?time=soon",
        "/at?time=3",
        "/at?time=999999",
        "/decisions?outside=Mon-Fri+9:00-17:00",
        "/compare?from=2001-01-01",
    ]


@contextmanager
def looking(browser: Browser, **context: Any) -> Iterator[tuple[BrowserContext, list[str]]]:
    """A visitor, and all that their browser complains about."""
    said: list[str] = []
    opened = browser.new_context(**{"viewport": WIDE, "reduced_motion": "reduce", **context})
    opened.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("weberror", lambda error: said.append(str(error.error)))
    try:
        yield opened, said
    finally:
        opened.close()


def wide(page: Page) -> bool:
    """Whether the page itself scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_every_page_is_for_everybody(w: World, browser: Browser) -> None:
    """Axe finds nothing serious in light and dark; nothing violates the policy."""
    found = []
    with looking(browser, color_scheme="light") as (context, said):
        page = context.new_page()
        for path in kinds_of_page(w):
            page.goto(w.pages.url + path, wait_until="domcontentloaded")
            for scheme, rules in _RULES.items():
                page.emulate_media(color_scheme=scheme)
                for violation in Axe().run(page, options=rules).response["violations"]:
                    if violation["impact"] in _GRAVE:
                        where = [node["html"][:200] for node in violation["nodes"][:3]]
                        found.append(f"{path} {scheme}: {violation['id']}: {where}")
    assert not found, "\n".join(found)
    assert not said


def test_every_page_fits_narrow_and_wide_screens(w: World, browser: Browser) -> None:
    """None scrolls sideways, each has its one heading and its landmarks, and a title of its own."""
    titles: dict[str, str] = {}
    with looking(browser) as (context, said):
        page = context.new_page()
        for path in (*kinds_of_page(w), *further_pages(w)):
            page.goto(w.pages.url + path, wait_until="domcontentloaded")
            for size in (NARROW, WIDE):
                page.set_viewport_size(size)
                assert not wide(page), f"{path} at {size['width']}"
            for landmark in ("h1", "main", "header.top", "nav[aria-label=Pages]", "footer"):
                assert page.locator(landmark).count() == 1, f"{path}: {landmark}"
            titles[path] = page.title()
    assert len({titles[path] for path in kinds_of_page(w)}) == len(kinds_of_page(w))
    assert not [line for line in said if not any(code in line for code in ("400", "404", "409"))], said


def test_without_javascript_all_can_be_read(w: World, browser: Browser) -> None:
    """Filters, links and forms are plain HTML."""
    with looking(browser, java_script_enabled=False) as (context, _):
        page = context.new_page()
        page.goto(w.pages.url)
        expect(page).to_have_url(re.compile("/decisions$"))
        page.get_by_label("Author").fill("chloe@")
        page.get_by_role("button", name="Filter").click()
        expect(page).to_have_url(re.compile("author=chloe"))
        authors = page.locator(".entry .by").all_inner_texts()
        assert authors
        assert all("Chloé Duval" in text for text in authors)
        page.get_by_role("link", name="Canary to 60 % (#152)").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Canary to 60 % (#152)")
        page.get_by_role("link", name="shop/checkout-next").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("shop/checkout-next")
        page.get_by_role("link", name="Which route?").click()
        page.get_by_label("URL").fill("http://shop.example.com/cart/42")
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_role("heading", level=2).first).to_have_text("shop/cart")


def test_a_decision_tells_who_what_and_how_to_prove_it(w: World, browser: Browser) -> None:
    """What is unknown is called so; before and after, the risk, every Envoy's word, hashes and the command."""
    outcome = next(o for o in w.outcomes if o.commit and "60 %" in o.commit.subject)
    assert outcome.commit is not None
    with looking(browser) as (context, _):
        page = context.new_page()
        page.goto(f"{w.pages.url}/commits/{outcome.commit.sha[:9]}")
        expect(page).to_have_url(f"{w.pages.url}/decisions/{outcome.sequence}")
        text = page.locator("main").inner_text()
        for part in (
            "Chloé Duval <chloe@example.com>",
            "weight over half",
            "edge-1",
            "acknowledged",
            outcome.commit.sha,
        ):
            assert part in text
        assert re.search(r"Approved by\s+unknown", text)
        share = page.get_by_role("row").filter(has_text="share").last
        assert (share.locator("del").inner_text(), share.locator("ins").inner_text()) == ("10", "60")
        record = w.loop.edges.journal.entry(outcome.sequence or 0)
        assert record is not None
        assert all(one.hash in text for one in record.records)
        assert f"reconciler audit prove {outcome.sequence} " in text
        page.get_by_text(f"Record {outcome.sequence} as it is").click()
        assert '"event": "intent"' in page.locator("details.raw pre").first.inner_text()


def test_a_refusal_says_why_and_what_to_do(w: World, browser: Browser) -> None:
    """The sentence with the plan's digest, and what would have changed."""
    number = next(o.sequence for o in w.outcomes if o.decision == "Refused")
    with looking(browser) as (context, _):
        page = context.new_page()
        page.goto(f"{w.pages.url}/decisions/{number}")
        refused = page.get_by_role("region", name="Why nothing was touched, and what to do")
        expect(refused).to_contain_text("--allow-plan")
        expect(refused).to_contain_text("bring back what was removed by mistake")
        expect(page.get_by_role("heading", name="What would have changed")).to_be_visible()


def test_a_deleted_route_is_still_told_of(w: World, browser: Browser) -> None:
    """Its page says who took it away, and who had set what."""
    with looking(browser) as (context, _):
        page = context.new_page()
        page.goto(f"{w.pages.url}/routes/web/press")
        expect(page.locator("header.head")).to_contain_text("The press pages moved away (#157)")
        expect(page.get_by_role("row").filter(has_text="prefix /press/").first).to_contain_text("Start with the routes")


def test_envoy_s_last_no_is_on_the_page(w: World, browser: Browser) -> None:
    """Its own words, and the decision in which it said them."""
    with looking(browser) as (context, _):
        page = context.new_page()
        page.goto(f"{w.pages.url}/envoys")
        expect(page.get_by_role("heading", name="edge-1")).to_contain_text("acknowledged")
        expect(page.get_by_role("region", name="The last time Envoy said no")).to_contain_text("program size")


def test_by_keyboard_alone(w: World, browser: Browser) -> None:
    """Tab to the skip link, over it into the page, filter, and open a decision."""
    with looking(browser) as (context, _):
        page = context.new_page()
        page.goto(f"{w.pages.url}/decisions")
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to content")
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        _tab_to(page, lambda: page.evaluate("document.activeElement.id") == "f-q")
        page.keyboard.type("press pages")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("q=press"))
        _tab_to(page, lambda: "title" in page.evaluate("document.activeElement.className"))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("The press pages moved away (#157)")


def _tab_to(page: Page, there: Callable[[], bool]) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if there():
            return
    raise AssertionError("the keyboard does not lead there")


def test_a_hostile_commit_is_only_text(w: World, browser: Browser) -> None:
    """Markup, scripts, reordering characters and endless words of a commit are shown, and do nothing."""
    outcome = w.outcomes[-1] if w.outcomes[-1].commit else next(o for o in reversed(w.outcomes) if o.commit)
    with looking(browser, viewport=NARROW) as (context, said):
        page = context.new_page()
        for path in (
            "/decisions?author=mallory",
            f"/decisions/{outcome.sequence}",
            "/routes/web/evil",
            "/routes?q=evil",
        ):
            page.goto(w.pages.url + path)
            assert "owned" not in page.title().split("·")[-1]
            assert page.locator("main script, main img, main [onmouseover]").count() == 0
            text = page.locator("main").inner_text()
            assert "mallory@example.com" in text, path
            assert "\u202e" not in page.content()
            assert not wide(page), path
        page.goto(f"{w.pages.url}/decisions/{outcome.sequence}")
        assert "<script>document.title='owned'</script>" in page.locator("h1").inner_text()
        assert "gnp.exe" in page.locator("h1").inner_text()
    assert not said


def test_new_decisions_are_told_and_shown_where_one_is(w: World, browser: Browser) -> None:
    """The banner counts; shown, the list is new, focus and place are as they were."""
    with looking(browser, viewport={"width": 1000, "height": 500}) as (context, said):
        page = context.new_page()
        with page.expect_response("**/api/v1/events"):
            page.goto(f"{w.pages.url}/decisions")
        page.locator("#f-author").focus()
        page.evaluate("scrollTo(0, 300)")
        cart = mapping("shop/cart", "/cart/", "cart-live.shop")
        sha = w.commit({"shop/cart.yaml": cart}, "Seen as it happens", BOB)
        button = page.get_by_role("button", name="1 new decision: show")
        expect(button).to_be_visible()
        page.evaluate("document.querySelector('#news button').click()")
        expect(page.get_by_role("link", name="Seen as it happens")).to_be_visible()
        expect(page.locator(".strip")).to_contain_text(sha[:7])
        expect(page.locator("#f-author")).to_be_focused()
        assert page.evaluate("scrollY") == 300
        expect(button).to_have_count(0)
    assert not said


def test_only_what_is_looked_at_is_live_and_a_page_says_when_it_is_not(w: World, browser: Browser) -> None:
    """Hidden, it holds no connection; back again, it tells what came; refused, it says so and tries again."""
    with looking(browser) as (context, _):
        page = context.new_page()
        page.add_init_script(
            "window.seen = 'visible'; Object.defineProperty(document, 'visibilityState', {get: () => window.seen})"
        )
        with page.expect_response("**/api/v1/events"):
            page.goto(f"{w.pages.url}/decisions?q=nothing+is+like+this")
        news = page.locator("#news button")
        with page.expect_event("requestfailed", lambda request: request.url.endswith("/api/v1/events")):
            page.evaluate("window.seen = 'hidden'; document.dispatchEvent(new Event('visibilitychange'))")
        assert not news.is_visible()  # older than the page, whatever it shows
        w.note(Note(Happening.EXPORT, "records were given out", Actor("eve@example.com", "kubectl")))
        page.route("**/api/v1/events", lambda route: route.fulfill(status=503))
        page.evaluate("window.seen = 'visible'; document.dispatchEvent(new Event('visibilitychange'))")
        expect(news).to_have_text("No longer live: reload")
        expect(page.locator("#told")).to_have_text("No longer live: reload")
        news.focus()
        page.unroute("**/api/v1/events")
        expect(news).to_have_text("1 new record: show", timeout=12_000)
        expect(news).to_be_focused()
        assert page.locator("#told button").count() == 0


def test_a_long_log_has_pages_and_a_big_table_too(w: World, browser: Browser) -> None:
    """Older entries are behind a link that can be shared; a mistake in the URL is told beside its field."""
    newest = w.outcomes[-1].sequence or 0
    with looking(browser) as (context, _):
        page = context.new_page()
        page.goto(f"{w.pages.url}/decisions?before={newest}&author=ann%40")
        numbers = [int(text.strip("#")) for text in page.locator(".entry .number").all_inner_texts()]
        assert numbers == sorted(numbers, reverse=True)
        assert numbers
        assert numbers[0] < newest
        expect(page.get_by_role("link", name="← Newest")).to_have_attribute("href", "/decisions?author=ann%40")
        answer = page.goto(f"{w.pages.url}/decisions?since=soon")
        assert answer is not None
        assert answer.status == 400
        expect(page.get_by_label("Not before (UTC)")).to_have_attribute("aria-invalid", "true")
        expect(page.locator("#m-since")).not_to_be_empty()


def test_who_sees_one_namespace_sees_no_other_on_any_page(w: World, browser: Browser) -> None:
    """Every page works for them, and names no route, host or file of others."""
    token = "0123456789abcdef" * 4
    let_in = {"authorization": f"Bearer {token}"}
    with w.pages_for(token, "shop") as url, looking(browser, extra_http_headers=let_in) as (context, said):
        page = context.new_page()
        for path in (*kinds_of_page(w), "/routes/payments/charge", "/commits/0000000"):
            answer = page.goto(url + path, wait_until="domcontentloaded")
            assert answer is not None
            assert answer.status in (200, 400, 404), path
            assert page.locator("h1").count() == 1, path
            others = re.search(r"payments|pay\.example\.com|charge|refund|edge-1|program size", page.content())
            assert others is None or others[0] in path, path  # what was asked for is said again
        page.goto(f"{url}/routes")
        expect(page.locator("tbody tr")).to_have_count(7)
    assert not [line for line in said if not any(code in line for code in ("400", "404", "409"))], said


def test_two_times_are_compared(w: World, browser: Browser) -> None:
    """The table as it was, proven by the record, and what differs since."""
    second = w.outcomes[1]
    with looking(browser) as (context, _):
        page = context.new_page()
        page.goto(f"{w.pages.url}/at?time={second.finished_at:%Y-%m-%dT%H:%M:%S}.999Z")
        expect(page.locator("main")).to_contain_text("as recorded")
        expect(page.locator("main")).to_contain_text("Give the cart more time on Fridays")
        expect(page.get_by_role("row").filter(has_text="web/press")).to_have_count(1)
        page.get_by_role("link", name="Compare with now").click()
        gone = page.locator("article").filter(has_text="web/press").first
        expect(gone).to_contain_text("deleted")
