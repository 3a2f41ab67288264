"""Whoever writes a commit chooses words in it: none of them breaks a format, hides anything or is a command to it."""

import json
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.audit.export import cloudevents, intoto, ocsf, pack
from reconciler.audit.export import table as tables
from reconciler.model.entry import Entry
from reconciler.model.text import printable
from tests.support import export_checks as checks
from tests.support import exported
from tests.support.exported import HOSTILE, SIGNER

_PIECES = st.sampled_from(
    [
        HOSTILE,
        "</td></tr></table><script>",
        "<!--",
        "{{ 7 * 7 }}{% raw %}",
        "|x|\n|---|\n",
        "\n\n# x",
        "](javascript:x)",
        "www.evil.example",
        "HTTPS://evil.example",
        "mailto:x@evil.example",
        "```",
        "\\",
        '","',
        "\u202e\u2066",
        "\x00\x1b[31m",
        "\ud800",
        "\u2028",
        "&lt;",
        "x@example.com",
        "\ufffe",
        "-1+1",
        "=1",
        "@a",
    ]
)
TEXTS = st.lists(_PIECES | st.text(st.characters(), min_size=1), min_size=1, max_size=3).map("".join)
SIDE = exported.given(exported.sample())
_SECRETS = ("https://ann:hunter22@git.example.com/x?access_token=hunter22", "git clone https://hunter22@example.com/")


def _pack(shown: str, entries: list[Entry]) -> str:
    made = pack.html if shown == "html" else pack.markdown
    return "".join(made(lambda: entries, SIDE, None))


_PLAIN = exported.hostile("x")
_HTML = [tag for tag, _ in checks.html(_pack("html", _PLAIN))]
_MARKDOWN = [kind for kind in checks.markdown(_pack("markdown", _PLAIN)) if kind != "text"]


@given(TEXTS)
@settings(max_examples=40, deadline=None)
def test_csv_keeps_its_rows_and_has_no_formula(text: str) -> None:
    """As many rows and columns as with the plainest words."""
    rows = checks.table("".join(tables.rows(exported.hostile(text))))
    assert len(rows) == len(checks.table("".join(tables.rows(_PLAIN))))


@given(TEXTS)
@settings(max_examples=15, deadline=None)
def test_events_stay_events(text: str) -> None:
    """By the schemas and libraries of others, with the words in them as they were."""
    entries = exported.hostile(text)
    events = checks.cloudevents("".join(cloudevents.batch(entries, SIDE)))
    assert events[0]["data"]["source"]["subject"] == entries[0].subject
    assert all("\n" not in line[:-1] for line in ocsf.lines(entries, SIDE))
    assert checks.ocsf("".join(ocsf.lines(entries, SIDE)))


@given(TEXTS)
@settings(max_examples=12, deadline=None)
def test_html_keeps_its_elements(text: str) -> None:
    """Exactly those that the plainest words have, and the words are readable in it."""
    page = _pack("html", exported.hostile(text))
    assert [tag for tag, _ in checks.html(page)] == _HTML
    subject = printable(exported.hostile(text)[0].subject)
    assert any(found == subject for tag, found in checks.html(page) if tag == "td")
    assert page.replace("\n", "").isprintable()


@given(TEXTS)
@settings(max_examples=20, deadline=None)
def test_markdown_keeps_its_structure(text: str) -> None:
    """No word of anybody becomes markup: not a link, a row, a heading, nor HTML."""
    page = _pack("markdown", exported.hostile(text))
    assert [kind for kind in checks.markdown(page) if kind != "text"] == _MARKDOWN
    assert page.replace("\n", "").isprintable()


def test_no_secret_gets_out() -> None:
    """Records are cleaned when they are written; no format digs out what was not."""
    for secret in _SECRETS:
        entries = exported.hostile(secret)
        texts = [
            "".join(tables.rows(entries)),
            "".join(cloudevents.batch(entries, SIDE)),
            "".join(ocsf.lines(entries, SIDE)),
            _pack("html", entries),
            _pack("markdown", entries),
        ]
        assert [text for text in texts if "hunter22" in text] == []


def test_no_secret_gets_into_a_statement() -> None:
    """Its payload is encoded, which hides nothing."""
    envelopes = list(intoto.lines(exported.entries(exported.sample()), SIDE, SIGNER))
    payloads = [b64decode(json.loads(line)["payload"]) for line in envelopes]
    assert payloads
    assert not [payload for payload in payloads if SIGNER.secret_pem() in payload]


@pytest.mark.parametrize("address", ["http://evil.example", "HTTPS://e", "ftp://e", "mailto:e", "www.evil.example"])
def test_no_bare_address_becomes_a_link(address: str) -> None:
    """Forges make links of addresses even where nothing marks them; a backslash within keeps them from it."""
    shown = str(pack.escaped(address))
    assert "\\" in shown[: len("mailto") + 1]
    assert shown.replace("\\", "") == address
