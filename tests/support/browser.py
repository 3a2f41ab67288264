"""A real Chromium, as Debian installs it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ViewportSize, sync_playwright

WIDE = ViewportSize(width=1280, height=900)
NARROW = ViewportSize(width=390, height=844)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser; one does for many contexts."""
    path = shutil.which("chromium")
    assert path, "`make system` installs chromium"
    with sync_playwright() as playwright:
        # Root may run no sandbox, and what is shown is ours.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()
