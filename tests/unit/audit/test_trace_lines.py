"""Lines of access logs: both formats read alike, what clients send can't pass for an origin, nothing crashes."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.audit.trace.cutting import LONGEST, Cutter
from reconciler.audit.trace.line import Line, read_line
from tests.support.log_lines import COMMIT, connection_line, json_line, text_line


def read(text: str) -> Line:
    """A line that is one of ours."""
    found = read_line(text)
    assert isinstance(found, Line), found
    return found


@pytest.mark.parametrize("line", [text_line(), json_line()])
def test_both_formats_say_the_same(line: str) -> None:
    """Time, request and origin."""
    found = read(line)
    assert (found.time, found.method, found.authority) == ("2026-05-06T12:00:30.000Z", "GET", "shop.example.com")
    assert (found.path, found.status, found.tcp) == ("/item/42", 200, False)
    assert (found.mapping, found.source, found.commit) == ("default/item", "routes/item.yaml", COMMIT)


@pytest.mark.parametrize(
    "prefix", ["[pod/envoy-7d9/envoy] ", "2026-05-06T12:00:31.123456789Z ", "[pod/e/e] 2026-05-06T12:00:31.1Z "]
)
@pytest.mark.parametrize("line", [text_line(), json_line(), connection_line()])
def test_what_kubectl_puts_before_a_line_is_left_out(prefix: str, line: str) -> None:
    """With --prefix, --timestamps or both."""
    assert read(prefix + line) == read(line)


def test_a_connection_has_a_name_and_a_cluster() -> None:
    """In words and as JSON."""
    found = read(connection_line())
    assert (found.tcp, found.authority, found.cluster, found.mapping) == (
        True,
        "redis.example.com",
        "redis:6379",
        "default/redis",
    )
    value = json.loads(json_line()) | {"protocol": "TCP", "server_name": "redis.example.com"}
    for name in ("method", "path", "authority", "response_code", "request_id"):
        del value[name]
    assert read(json.dumps(value)).tcp


@pytest.mark.parametrize("nothing", ["-", None, ""])
def test_nothing_is_nothing_however_it_is_written(nothing: str | None) -> None:
    """Envoy writes a dash in words and null in JSON; without history the commit is empty."""
    assert read(json_line(nothing, nothing, source=nothing)).mapping == ""
    assert read(text_line("-", "-", source="-", status=404, flags="NR")).mapping == ""
    assert read(text_line(commit="")).commit == ""


FORGED = f'x" mapping=evil/evil source=evil.yaml commit={"e" * 40}'


@pytest.mark.parametrize("field", ["authority", "request_id"])
def test_what_a_client_sends_is_no_origin(field: str) -> None:
    """A header that looks like the end of a line does not hide the real end."""
    found = read(text_line(**{field: FORGED}))  # type: ignore[arg-type] # a text field
    assert (found.mapping, found.source, found.commit) == ("default/item", "routes/item.yaml", COMMIT)


def test_names_may_hold_spaces() -> None:
    """Old documents use more than Kubernetes allows."""
    found = read(text_line("default/my old mapping", source="old routes/a b.yaml"))
    assert (found.mapping, found.source) == ("default/my old mapping", "old routes/a b.yaml")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "[2026-05-06 12:00:30.123][12][info][main] [source/server/server.cc:1] starting",
        '[2026-05-06T12:00:30.000Z] "GET / HTTP/1.1" 200 - 0 1 2 "-" "curl" "-" "host" "1.2.3.4:80"',
        "{}",
        '{"mapping": 1}',
        '{"start_time": "yesterday", "mapping": "a/b", "source": "x", "commit": ""}',
        "[" * 10_000,
        '{"a":' * 10_000,
        json_line(mapping=["a"]),  # type: ignore[arg-type] # as somebody else may write it
    ],
)
def test_lines_of_others_are_told(line: str) -> None:
    """With what was expected."""
    assert "mapping, source and commit" in str(read_line(line))


@given(st.text(max_size=300))
def test_no_line_crashes(text: str) -> None:
    """Whatever it holds, alone or around what ours hold."""
    for line in (text, text_line(path=text, authority=text), text_line(text, text), json_line(text, text, path=text)):
        read_line(line)


@given(st.binary(max_size=200).map(lambda raw: raw.replace(b"\r", b"\n")), st.lists(st.integers(0, 200), max_size=8))
def test_lines_are_the_same_however_they_come(content: bytes, cuts: list[int]) -> None:
    """Cut into chunks anywhere."""
    cutter, found = Cutter(), []
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    for begin, end in pairwise(places):
        found += cutter.feed(content[begin:end])
    found += cutter.end()
    assert found == (content[:-1] if content.endswith(b"\n") else content).split(b"\n") or (found, content) == ([], b"")


def test_a_line_without_an_end_is_not_held() -> None:
    """It is told apart, and the next one is read."""
    cutter = Cutter()
    for _ in range(20):
        assert cutter.feed(b"x" * 65_536) == []
    assert cutter.feed(b"x\nnext\n") == [None, b"next"]
    assert LONGEST < 20 * 65_536
