"""Documents as older versions spell them, for what has to come out of them the same."""

from typing import Any

from hypothesis import strategies as st

_WORDS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
_VALUES = st.one_of(_WORDS, st.just(True), st.sampled_from(["yes", "1", "a: b", "it's", 'say "x"', "#no", "ü"]))
_COMMENT = st.from_regex(r"# [a-z]{3,10}", fullmatch=True)

# Fields that go together in any combination; their values may be written in several ways.
OLD_SPECS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"prefix": _WORDS.map(lambda w: f"/{w}/"), "service": _WORDS.map(lambda w: f"{w}-svc:8080")},
    optional={
        "host": st.sampled_from(["a.example.com", "*.example.com", "*"]),
        "method": st.sampled_from(["GET", "POST"]),
        "headers": st.dictionaries(_WORDS, _VALUES, min_size=1, max_size=3),
        "regex_headers": st.dictionaries(_WORDS.map(lambda w: f"r-{w}"), st.sampled_from(["[a-z]+", True]), max_size=3),
        "query_parameters": st.dictionaries(_WORDS, _VALUES, min_size=1, max_size=3),
        "rewrite": st.sampled_from(["", "/", "/x", None]),
        "timeout_ms": st.integers(0, 10**6),
        "host_regex": st.just(False),
        "use_websocket": st.just(False),
        "tls": st.sampled_from([False, None, ""]),
        "ambassador_id": st.sampled_from(["default", ["other", "default"]]),
        "docs": st.just({"path": "/openapi.json"}),
    },
)


@st.composite
def old_documents(draw: st.DrawFn) -> str:
    """The text of one document: any older version, flat or not, in blocks or braces, with comments in between."""
    spec = draw(OLD_SPECS)
    names = draw(st.permutations(sorted(spec)))
    version = draw(st.sampled_from(["ambassador/v0", "ambassador/v1", "getambassador.io/v1", "getambassador.io/v2"]))
    flat = draw(st.booleans())
    head: dict[str, Any] = {"apiVersion": version, "kind": "Mapping"}
    fields = {name: spec[name] for name in names}
    whole = head | {"name": "m", **fields} if flat else head | {"metadata": {"name": "m"}, "spec": fields}
    if draw(st.booleans()) and draw(st.booleans()):
        return _braces(whole, draw(st.sampled_from(["", "\n  "]))) + "\n"
    return _blocks(whole, draw, "")


def _braces(value: Any, gap: str) -> str:
    pairs = ("," + (gap or " ")).join(f"{_scalar(k)}: {_inline(v)}" for k, v in value.items())
    return "{" + gap + pairs + "}"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(k)}: {_inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if value.replace("-", "").isalnum() and value not in {"yes", "1"} else f"'{_single(value)}'"
    return (
        {True: "true", False: "false", None: "null"}.get(value, str(value))
        if not isinstance(value, int) or isinstance(value, bool)
        else str(value)
    )


def _single(text: str) -> str:
    return text.replace("'", "''")


def _blocks(value: dict[str, Any], draw: st.DrawFn, indent: str) -> str:
    lines = ""
    for name, item in value.items():
        if draw(st.booleans()):
            lines += f"{indent}{draw(_COMMENT)}\n"
        behind = f"  {draw(_COMMENT)}" if draw(st.booleans()) else ""
        if isinstance(item, dict) and item and draw(st.booleans()) | (not indent):
            lines += f"{indent}{name}:{behind}\n{_blocks(item, draw, indent + '  ')}"
        else:
            lines += f"{indent}{name}:{draw(st.sampled_from([' ', '   ']))}{_inline(item)}{behind}\n"
    return lines
