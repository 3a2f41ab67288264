"""Takes the pictures in docs/images/pages from controllers that have lived through some days: ``make screenshots``."""

import sys
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.support.audit_scenario import SINCE, UNTIL, Scenario, scenario
from tests.support.browser import NARROW, WIDE, chromium
from tests.support.pages_world import World, live_through, world

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "pages"
_COLOURS = 128


def shots(w: World) -> dict[str, str]:
    """Pictures by name, and the path each is of."""
    numbers = {str(outcome.decision): outcome.sequence for outcome in w.outcomes if outcome.sequence}
    applied = next(o.sequence for o in w.outcomes if o.commit and "60 %" in o.commit.subject)
    then = (w.outcomes[4].finished_at + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "decisions": "/decisions",
        "decision": f"/decisions/{applied}",
        "refused": f"/decisions/{numbers['Refused']}",
        "route": "/routes/shop/cart",
        "routes": "/routes?namespace=shop",
        "which": "/which?url=http%3A%2F%2Fshop.example.com%2Fcheckout%2F42",
        "envoys": "/envoys",
        "journal": "/journal",
        "at": f"/at?time={then}",
        "compare": f"/compare?from={then}",
    }


DARK = ("decisions", "decision")
NARROW_ONES = ("decisions",)


def take(browser: Browser, w: World, folder: Path) -> list[Path]:
    """All pictures, small; returns their files."""
    return _taken(browser, w.pages.url, shots(w), folder)


def audit_shots(s: Scenario) -> dict[str, str]:
    """Pictures for the guide to audits: what its commands print, on the pages."""
    then = f"since={SINCE}&until={UNTIL}"
    return {
        "audit-route": "/routes/shop/catalog",
        "audit-compare": "/compare?from=2026-03-04&to=2026-03-08",
        "audit-night": f"/decisions?{then}&outside=Mon-Fri+08:00-18:00+Europe/Berlin&lacking=approval",
        "audit-allowed": f"/decisions/{s.entries['allowed']}",
    }


def _taken(browser: Browser, url: str, paths: Mapping[str, str], folder: Path) -> list[Path]:
    taken = []
    for name, path in paths.items():
        looks = [("", "light", WIDE)]
        looks += [("-dark", "dark", WIDE)] if name in DARK else []
        looks += [("-narrow", "light", NARROW)] if name in NARROW_ONES else []
        for suffix, scheme, size in looks:
            context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(url + path)
            taken.append(_picture(page, folder / f"{name}{suffix}.png", most=1300 if size is WIDE else 1500))
            context.close()
    return taken


def _picture(page: Page, file: Path, most: int) -> Path:
    """The page from its top, at most so many pixels of it, with as few colours as can't be told apart."""
    height = min(most, int(page.evaluate("document.documentElement.scrollHeight")))
    page.set_viewport_size({"width": page.viewport_size["width"] if page.viewport_size else 0, "height": height})
    page.screenshot(path=file)
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    return file


def main(folder: Path) -> None:
    """Makes them anew."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        with world(Path(scratch) / "days") as w:
            live_through(w, busy=28)
            taken = take(browser, w, folder)
        with scenario(Path(scratch) / "audit") as s:
            taken += _taken(browser, s.url, audit_shots(s), folder)
    for file in taken:
        print(f"{file.name}: {file.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
