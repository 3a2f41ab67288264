"""What a log must not show."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from reconciler.cli import log


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def failing(key: str) -> None:
    """Raises with something secret at hand."""
    secret = f"{key}-{key}"
    raise ValueError(f"{len(secret)} bytes are no key")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_shows_no_local_variables(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is installed that would print them: they may be keys, or what is in a Secret."""
    pytest.importorskip("rich", reason="without it nobody would")
    log.configure(form)
    key = "top" + "secret"
    try:
        failing(key)
    except ValueError as error:
        log.log_bug(error)
    said = capsys.readouterr().err
    assert "in failing" in said
    assert "19 bytes are no key" in said
    assert key not in said


def test_what_a_web_server_says_is_a_line_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    """Also with a traceback, and nothing of what strangers can bring it to say."""
    log.configure("json")
    server = logging.getLogger("uvicorn.error")
    server.warning("Invalid HTTP request received.")
    server.error("no room")
    try:
        failing("top")
    except ValueError as error:
        server.error("Exception in ASGI application", exc_info=error)
    first, second = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (first["event"], first["problem"], first["level"]) == ("web", "no room", "error")
    assert (second["event"], "7 bytes are no key" in second["exception"]) == ("bug", True)
