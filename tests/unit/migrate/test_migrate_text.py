"""The text around what is rewritten stays, to the byte."""

import json
from pathlib import Path

import pytest

from reconciler.migrate import rewrite
from reconciler.model.limits import DEFAULT_LIMITS

LIMITS = DEFAULT_LIMITS

MESSY = """\
%YAML 1.1
# Top of the file.
---   # the first
# About the document.
apiVersion:  'getambassador.io/v2'   # older
kind:   Mapping

metadata: { name: web,   namespace: "shop" }   # in braces
spec:
    # Who is meant.
    host:     shop.example.com   # exactly
    prefix:   /web/
    service:  "web:8080"
    tls:      true               # to the backend
    headers:  { x-a: true , x-b: 'yes' }
    docs:
        path:   "/openapi.json"
        note: |
            kept
              as it is
...
# Between the documents.
---
kind: ConfigMap
apiVersion: v1
data:   {  a: 1  }
"""
TIDY = """\
%YAML 1.1
# Top of the file.
---   # the first
# About the document.
apiVersion:  'getambassador.io/v3alpha1'   # older
kind:   Mapping

metadata: { name: web,   namespace: "shop" }   # in braces
spec:
    # Who is meant.
    hostname:     shop.example.com   # exactly
    prefix:   /web/
    service:  "https://web:8080"
    # to the backend
    regex_headers: {x-a: ".*"}
    headers:  { x-b: 'yes' }
    docs:
        path:   "/openapi.json"
        note: |
            kept
              as it is
...
# Between the documents.
---
kind: ConfigMap
apiVersion: v1
data:   {  a: 1  }
"""


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_only_what_is_rewritten_changes(eol: str) -> None:
    """Spaces, quotes, comments, markers and other documents stay; so does the line break."""
    result = rewrite(MESSY.replace("\n", eol), LIMITS)
    assert result.stuck == ()
    assert result.text == TIDY.replace("\n", eol)


def test_a_flat_document_moves_below_metadata_and_spec() -> None:
    """Comments go with the field they stand above; fields of one part are brought together."""
    text = """\
apiVersion: ambassador/v1
# Only a test.
kind: Mapping
prefix: /a/

# Its name.
name: a
# Where to.
service: a   # plain
regex_rewrite:
  pattern: "a"
  substitution: >-
    b

    c
metadata_labels: {team: shop}"""
    assert (
        rewrite(text, LIMITS).text
        == """\
apiVersion: getambassador.io/v3alpha1
# Only a test.
kind: Mapping
spec:
  hostname: "*"
  prefix: /a/
  # Where to.
  service: a   # plain
  regex_rewrite:
    pattern: "a"
    substitution: >-
      b

      c
metadata:

  # Its name.
  name: a
  labels: {team: shop}"""
    )


def test_json_stays_json() -> None:
    """A file of braces and quotes gets fields of its own manner."""
    fields = {"apiVersion": "ambassador/v0", "kind": "Mapping", "name": "a", "prefix": "/a/", "service": "a"}
    text = json.dumps(fields, indent=2) + "\n"
    assert (
        rewrite(text, LIMITS).text
        == """\
{
  "apiVersion": "getambassador.io/v3alpha1",
  "kind": "Mapping",
  "metadata": {
    "name": "a"
  },
  "spec": {
    "hostname": "*",
    "prefix": "/a/",
    "service": "a"
  }
}
"""
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("|\n      ---\n      {}\n", "|\n      ---\n      {}\n"),
        ("|2-\n      ---\n      {}\n", "|2-\n      ---\n      {}\n"),
        ('"{}\\n"\n', "|\n      {}\n"),
        ("'{}'\n", "|-\n      {}\n"),
        (">\n      {}\n", "|\n      {}\n"),
    ],
    ids=["literal", "explicit indentation", "double quotes", "single quotes", "folded"],
)
def test_documents_of_an_annotation_stay_flat(written: str, expected: str) -> None:
    """The text of an annotation is rewritten where it stands; all but literal blocks become literal blocks."""
    head = "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n  annotations:\n    getambassador.io/config: "
    old, new = (
        f"{{apiVersion: {version}, kind: Mapping, name: a, {more}prefix: /a/, service: a}}"
        for version, more in (("ambassador/v2", ""), ("getambassador.io/v3alpha1", 'hostname: "*", '))
    )
    result = rewrite(head + written.replace("{}", old) + "spec: {}\n", LIMITS)
    assert result.stuck == ()
    assert result.text == head + expected.replace("{}", new) + "spec: {}\n"


def test_an_annotation_between_braces_stays_there() -> None:
    """JSON manifests keep their string."""
    text = (
        '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "annotations": {"getambassador.io/config":'
        ' "---\\napiVersion: ambassador/v0\\nkind: Mapping\\nname: a\\nhost: h\\nprefix: /a/\\nservice: a\\n"}}}\n'
    )
    expected = text.replace("ambassador/v0", "getambassador.io/v3alpha1").replace("host:", "hostname:")
    assert rewrite(text, LIMITS).text == expected


def test_items_of_a_list_are_documents() -> None:
    """Also flat ones, whose first field stands behind the dash."""
    text = """\
apiVersion: v1
kind: List
items:
- apiVersion: ambassador/v1
  kind: Mapping
  name: a
  host: h
  prefix: /a/
  service: a
- {apiVersion: getambassador.io/v2, kind: Mapping, metadata: {name: b}, spec: {host: h, prefix: /b/}}
"""
    assert (
        rewrite(text, LIMITS).text
        == """\
apiVersion: v1
kind: List
items:
- apiVersion: getambassador.io/v3alpha1
  kind: Mapping
  metadata:
    name: a
  spec:
    hostname: h
    prefix: /a/
    service: a
- {apiVersion: getambassador.io/v3alpha1, kind: Mapping, metadata: {name: b}, spec: {hostname: h, prefix: /b/}}
"""
    )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("headers: &h {x: true}\nregex_headers: *h\n", "change it by hand"),
        ("<<: {host: h}\n", "merge key"),
        ("? [a]\n: b\n", ""),
        ("tls: &t true\nmethod: GET\n", "anchor"),
        ("cors: {origins: 'a', # why\n  max_age: '1'}\nheaders: {a: true, # kept\n  b: c}\n", "comment"),
    ],
)
def test_what_cannot_be_changed_in_place_is_said(fields: str, why: str) -> None:
    """Anchors, merge keys and comments between braces are left to a person."""
    text = f"apiVersion: ambassador/v1\nkind: Mapping\nname: a\nprefix: /a/\nservice: a\n{fields}"
    result = rewrite(text, LIMITS)
    assert result.text == text
    if why:
        assert any(why in word for word in result.stuck)


def test_the_current_spelling_is_left_alone() -> None:
    """Every golden source that is written today's way stays as it is."""
    for path in sorted(Path("tests/golden").glob("*/1-sources/**/*.yaml")):
        text = path.read_bytes().decode(errors="replace")
        once = rewrite(text, LIMITS)
        assert rewrite(once.text, LIMITS).text == once.text, path
        if not once.notes:
            assert once.text == text, path


def test_documents_of_our_own_group_stay() -> None:
    """They have one spelling, in both forms."""
    text = "apiVersion: reconciler.dev/v1alpha1\nkind: MappingPolicy\nname: p\nmappings:   [a]\ncors: {origins: [a]}\n"
    assert rewrite(text, LIMITS).text == text
    assert rewrite(text, LIMITS).notes == ()
