"""What holds for every input."""

import json
import random
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.digest import canonical_json
from reconciler.model.problem import Code, Severity
from reconciler.model.provenance import Provenance
from reconciler.model.resource import Kind, Origin, Rejected, ResourceId
from reconciler.resources import document_digests, load, load_origins
from reconciler.resources.readers import encode
from tests.support.documents import VALID_SPECS, load_text, mapping, old, refusal, source, spec

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)
_SEEDS = [
    spec(hostname="*.x", headers={"a": "b"}, regex_rewrite={"pattern": "(a)", "substitution": r"\1"}),
    old(headers={"a": True}, host="a", host_regex=True, ambassador_id=["default"]),
    """\
apiVersion: v1
kind: Service
metadata:
  name: s
  annotations:
    getambassador.io/config: |
      ---
      apiVersion: ambassador/v0
      kind: Mapping
      name: m
      prefix: /p/
      service: s
""",
    "apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: ambassador/v1, kind: Host, name: h}\n- {<<: *a, name: i}\n",
    """\
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: l}
spec: {port: 1, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
""",
]
_HARMFUL = [
    "",
    "null",
    "[]",
    "{}",
    "- ",
    "1e999",
    "*",
    "&a ",
    "!x ",
    "---\n",
    "\t",
    '"',
    "\n",
    ":",
    "\x00",
    "\u2028",
    "<<",
]


def _check(content: bytes) -> None:
    """Every error is backed by a rejection or an unread kind, and digests do not raise either."""
    loaded = load([source(content)])
    errors = [p for p in loaded.problems if p.severity is Severity.ERROR and p.code is not Code.UNSUPPORTED_KIND]
    assert bool(errors) == bool(loaded.rejected)
    assert all(p.provenance.line <= content.count(b"\n") + content.count(b"\r") + 1 for p in loaded.problems)
    assert load_origins([resource.origin for resource in loaded.resources]).resources == loaded.resources
    document_digests(content)


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    """Loading never raises on bytes."""
    load([source(content)])
    document_digests(content)


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    """Nor on text."""
    load([source(text)])
    document_digests(text.encode())


@given(st.sampled_from(_SEEDS), st.integers(0, 2**32))
def test_mutated_text(text: str, seed: int) -> None:
    """Nor on documents with pieces cut, doubled and put in."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 4)):
        at, upto = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        upto = min(upto, at + 12)
        text = text[:at] + chance.choice([*_HARMFUL, text[at:upto] * 2]) + text[upto:]
    _check(text.encode())


@given(st.sampled_from(_SEEDS), _JSON, st.integers(0, 2**32))
def test_mutated_values(text: str, value: Any, seed: int) -> None:
    """Nor on documents with any value in any place."""
    chance = random.Random(seed)
    document = yaml.safe_load(text)
    where: Any = document
    while True:
        key = chance.choice(list(where) if isinstance(where, dict) else range(len(where)))
        if isinstance(where[key], dict | list) and where[key] and chance.random() < 0.7:
            where = where[key]
            continue
        where[key] = value
        break
    _check(json.dumps(document).encode())


@given(VALID_SPECS, st.randoms(use_true_random=False))
def test_order_of_fields(fields: dict[str, Any], chance: random.Random) -> None:
    """The order of fields does not matter, to the resource or to its digest."""
    items = list(fields.items())
    chance.shuffle(items)
    given_order, other = spec(**fields), spec(**dict(items))
    shuffled = yaml.safe_dump(yaml.safe_load(other), sort_keys=True)
    assert load_text(given_order).resources[0].origin.document == load_text(shuffled).resources[0].origin.document
    assert document_digests(given_order.encode()) == document_digests(shuffled.encode())


@given(st.lists(VALID_SPECS, max_size=4))
def test_origins_rebuild_resources(specs: list[dict[str, Any]]) -> None:
    """The documents that are kept give the same resources again."""
    loaded = load_text("---\n".join(spec(**fields) for fields in specs))
    assert len(loaded.resources) == len(specs)
    again = load_origins([resource.origin for resource in loaded.resources])
    assert again.resources == loaded.resources
    assert again.rejected == ()


@given(_JSON)
def test_fast_encoding_is_canonical(value: Any) -> None:
    """The fast encoder writes the bytes the canonical one writes."""
    assert encode(value, simple=True) == canonical_json(value)


def test_documents_are_kept_as_written() -> None:
    """An origin holds the document in its own spelling, canonically."""
    resource = mapping("# c\nkind: Mapping\napiVersion: ambassador/v0\nservice: s\nprefix: /p/\nname: m\n")
    assert resource.origin.document == (
        b'{"apiVersion":"ambassador/v0","kind":"Mapping","name":"m","prefix":"/p/","service":"s"}'
    )


def test_unreadable_origin() -> None:
    """A kept document that cannot be read any more is a rejection with its identity."""
    identity = ResourceId(Kind.MAPPING, "default", "m")
    for document in (b"{", b"\xff", b"[" * 100_000, b"[1]"):
        loaded = load_origins([Origin(identity, Provenance("a.yaml", 3), document)])
        assert loaded.rejected[0].path == "a.yaml"
        assert loaded.problems[0].provenance == Provenance("a.yaml", 3)
    assert load_origins([Origin(identity, Provenance("a.yaml"), b"{")]).rejected == (Rejected("a.yaml", identity),)


def test_floats_in_documents() -> None:
    """A document with a fractional number is kept in the canonical spelling of that number."""
    text = spec(docs={"x": 10.0, "y": 1e21})
    assert b'"x":10,"y":1e+21' in mapping(text).origin.document
    assert load_origins([mapping(text).origin]).resources == (mapping(text),)


def test_refusals_do_not_depend_on_neighbours() -> None:
    """A file's findings are its own."""
    alone = refusal(spec(weight=101))
    among = load([source(spec(), "b.yaml"), source(spec(weight=101)), source("x: [", "c.yaml")])
    assert among.problems[0] == alone
