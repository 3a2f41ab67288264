"""Building values from one document, within limits."""

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.model.problem import Code
from reconciler.resources.finding import Finding, line_of
from reconciler.resources.yaml.values import parse

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def _only(text: str, limits: Limits = DEFAULT_LIMITS) -> Finding:
    (finding,) = parse(text, limits).findings
    return finding


@given(_JSON, st.booleans())
def test_agrees_with_safe_load(value: Any, flow: bool) -> None:
    """What PyYAML dumps is read back as it was."""
    tree = parse(yaml.safe_dump(value, default_flow_style=flow), DEFAULT_LIMITS)
    assert tree.findings == ()
    assert tree.value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", False), ("ON", True), ("~", None), ("", None), ("0x1F", 31), ("010", 8), ("1_000", 1000), ("1:30", 90),
        ("'no'", "no"), ("2020-01-01", "2020-01-01"), ("=", "="), ("1.5", 1.5), ("!!str 1", "1"), ("! 1", "1"),
        ('"\\0"', "\0"), ("!!int '7'", 7), ("1e3", "1e3"), ("<<", "<<"),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    """Scalars follow YAML 1.1, but for timestamps and ``=``, which stay text."""
    tree = parse(f"a: {text}", DEFAULT_LIMITS)
    assert tree.findings == ()
    assert tree.value == {"a": value}
    assert type(tree.value["a"]) is type(value)


@pytest.mark.parametrize(
    "text",
    [".nan", ".inf", "-.inf", "1.0e+400", "9007199254740992", "9" * 5000, "!!int x", "!!bool x", "!!binary aGk=",
     "!!python/object:os.system {}", "!custom 1", "!!set {}", "!!map []", "!!float x", "!!int ''"],
)  # fmt: skip
def test_refused_values(text: str) -> None:
    """What JSON cannot carry and every tag beyond the core ones is an error on its line."""
    finding = _only(f"# c\na: {text}")
    assert (finding.code, finding.line) == (Code.INVALID_VALUE, 2)


def test_lines() -> None:
    """Every key and item has the line it is on."""
    lines = parse("a: 1\nb:\n  - x\n  - c: 1\n\n    d: [1,\n     2]\n", DEFAULT_LIMITS, with_lines=True).lines
    assert lines == {
        ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "c"): 4,
        ("b", 1, "d"): 6, ("b", 1, "d", 0): 6, ("b", 1, "d", 1): 7,
    }  # fmt: skip
    assert line_of(("b", 1, "missing"), lines) == 4


def test_first_line() -> None:
    """The line of a document is that of its first key."""
    assert parse("# c\n\n---\n# d\na: 1\n", DEFAULT_LIMITS).line == 5


def test_duplicate_keys_name_both_lines() -> None:
    """PyYAML keeps the last of two equal keys silently; here both lines are named, at any depth."""
    findings = parse("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n", DEFAULT_LIMITS).findings
    assert [(f.code, f.path, f.related_line, f.line) for f in findings] == [
        (Code.DUPLICATE_KEY, ("b", "c"), 3, 5),
        (Code.DUPLICATE_KEY, ("a",), 1, 6),
    ]


def test_merge_keys() -> None:
    """``<<`` fills in what is not there; own keys win, then the earlier source."""
    text = "x: &x {p: 1, q: 2}\ny: &y {p: 5, r: 6}\nz:\n  q: 3\n  <<: [*x, *y]\nquoted: {'<<': 1}\n"
    value = parse(text, DEFAULT_LIMITS).value
    assert isinstance(value, dict)
    assert value["z"] == {"p": 1, "q": 3, "r": 6}
    assert value["quoted"] == {"<<": 1}


def test_merge_of_a_scalar() -> None:
    """``<<`` of something that is no mapping is an error."""
    assert _only("a:\n  <<: 1\n").code is Code.WRONG_TYPE
    assert _only("x: &x {}\na:\n  <<: *x\n  <<: *x\n").code is Code.DUPLICATE_KEY


@pytest.mark.parametrize(("text", "got"), [("1: a", "an integer"), ("on: a", "a boolean"), ("[1]: a", "a list")])
def test_keys_are_strings(text: str, got: str) -> None:
    """A key that is no string is an error that says what it is."""
    finding = _only(text)
    assert (finding.code, finding.got) == (Code.WRONG_TYPE, got)


def test_billion_laughs() -> None:
    """An alias bomb stops at the limit, at once and without being expanded."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    began = time.perf_counter()
    finding = _only("\n".join(lines))
    assert (finding.code, finding.line) == (Code.ALIAS_LIMIT, 5)
    assert time.perf_counter() - began < 1


def test_alias_count() -> None:
    """Aliases are counted besides what they expand to."""
    finding = _only("a: &a 1\nb: [" + "*a, " * 101 + "]")
    assert (finding.code, finding.expected) == (Code.ALIAS_LIMIT, "at most 100")


def test_long_text_through_aliases() -> None:
    """A long text costs an alias more than a short one: a megabyte is not multiplied."""
    finding = _only("a: &a " + "x" * 100_000 + "\nb: [" + "*a, " * 90 + "]")
    assert finding.code is Code.ALIAS_LIMIT


def test_nesting_through_aliases() -> None:
    """Levels hidden behind aliases count as levels."""
    lines = ["a0: &a0 [[[[[[[[x]]]]]]]]"] + [f"a{i}: &a{i} [[[[[*a{i - 1}]]]]]" for i in range(1, 9)]
    assert _only("\n".join(lines)).code is Code.DEPTH_LIMIT


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: *a}", "a: *nowhere", "&a a: [*b]"])
def test_impossible_aliases(text: str) -> None:
    """An alias to what it stands in, or to nothing, is not YAML."""
    assert _only(text).code is Code.NOT_YAML


_DEEP = [
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    "{a: " * 100_000,
    "- " * 100_000,
    "\n".join(" " * depth + "a:" for depth in range(2_000)),
    "? " * 100_000,
]


@pytest.mark.parametrize("text", _DEEP, ids=["flow-open", "flow", "flow-map", "block", "block-map", "keys"])
def test_deep_nesting(text: str) -> None:
    """Nesting of a hundred thousand levels is one error, not a crash."""
    assert _only(text).code in {Code.DEPTH_LIMIT, Code.WRONG_TYPE, Code.NOT_YAML}


def test_depth_is_exact() -> None:
    """The limit itself is allowed, one more is not."""
    limits = Limits(max_depth=4)
    assert parse("[[[[1]]]]", limits).findings == ()
    assert _only("[[[[[1]]]]]", limits).code is Code.DEPTH_LIMIT


def test_many_values() -> None:
    """Values are bounded."""
    assert _only("[" + "1," * 30_000 + "]").code is Code.SIZE_LIMIT
    assert _only("[" + "[]," * 30_000 + "]").code is Code.SIZE_LIMIT


def test_many_findings() -> None:
    """A document that repeats one key ten thousand times is given up early."""
    assert len(parse("a: 1\n" * 9_000, DEFAULT_LIMITS).findings) <= DEFAULT_LIMITS.max_findings + 1


def test_second_document_after_an_odd_line_break() -> None:
    """A document that only YAML 1.1 sees begin is an error rather than lost."""
    assert _only("a: 1\u2028---\nb: 1").code is Code.NOT_YAML


@given(st.text(max_size=80))
def test_never_raises(text: str) -> None:
    """Any text gives a value or findings."""
    tree = parse(text, DEFAULT_LIMITS)
    assert isinstance(tree.findings, tuple)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%#?,<~ \n\t0.", max_size=60))
def test_never_raises_on_yaml_like_text(text: str) -> None:
    """Nor does text made of YAML's own marks; and what is accepted is what PyYAML reads, where that takes it."""
    tree = parse(text, DEFAULT_LIMITS)
    if tree.findings:
        return
    try:
        expected = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return
    assert tree.value == expected
