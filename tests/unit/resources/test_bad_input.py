"""Every mistake is one located finding, and takes nothing else along."""

from datetime import UTC, datetime

import pytest

from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.model.problem import Code, Severity
from reconciler.model.provenance import Provenance, Touch
from reconciler.model.resource import Kind, Rejected, ResourceId
from reconciler.model.source import Commit, Person, SourceFile
from reconciler.resources import document_digests, load
from tests.support.documents import MINIMAL, codes, load_text, refusal, source, spec

_M = ResourceId(Kind.MAPPING, "default", "m")
_GOOD = "apiVersion: ambassador/v1\nkind: Mapping\nname: good\nprefix: /g/\nservice: g\n"


def test_not_yaml() -> None:
    """A syntax error is located, and rejects all that was in the document."""
    problem = refusal("a: 1\nb: [\n  c\nd: 2\n")
    assert (problem.code, problem.provenance) == (Code.NOT_YAML, Provenance("a.yaml", 4))
    assert load_text("b: [").rejected == (Rejected("a.yaml", None),)


def test_a_syntax_error_shows_no_text() -> None:
    """What stands around a syntax error may be a secret: it is not repeated."""
    assert "hunter2" not in str(refusal("password: 'hunter2\n"))


def test_a_broken_document_leaves_its_neighbours() -> None:
    """Of three documents the broken one alone is rejected."""
    loaded = load_text(f"{_GOOD}---\nkind: [\n---\n{_GOOD.replace('good', 'other')}")
    assert [resource.origin.id.name for resource in loaded.resources] == ["good", "other"]
    assert [(p.code, p.provenance.line) for p in loaded.problems] == [(Code.NOT_YAML, 7)]
    assert loaded.rejected == (Rejected("a.yaml", None),)


def test_duplicate_keys() -> None:
    """Both lines of a repeated key are named, and whose document it is."""
    problem = refusal(MINIMAL + "  prefix: /a/\n  service: s\n  prefix: /b/\n")
    assert (problem.code, problem.field, problem.provenance.line) == (Code.DUPLICATE_KEY, "spec.prefix", 7)
    assert problem.related == (Provenance("a.yaml", 5),)
    assert problem.resource == "Mapping default/m"


def test_a_repeated_name_leaves_the_identity_open() -> None:
    """A document with two names belongs to nobody in particular."""
    loaded = load_text(_GOOD + "name: other\n")
    assert loaded.rejected == (Rejected("a.yaml", None),)


def test_alias_bomb() -> None:
    """A billion laughs are one finding."""
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    problem = refusal(bomb)
    assert (problem.code, problem.provenance.line) == (Code.ALIAS_LIMIT, 5)


def test_large_file() -> None:
    """Fifty megabytes are refused by their size."""
    problem = refusal(b"a" * 50_000_000)
    assert (problem.code, problem.provenance) == (Code.FILE_TOO_LARGE, Provenance("a.yaml"))
    assert problem.got == "50000000"


def test_many_documents() -> None:
    """Documents of a file are counted."""
    assert refusal("---\na: 1\n" * 2_001).code is Code.SIZE_LIMIT
    assert refusal("---\na: 1\n" * 2_001).got == "2001"


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000])
def test_deep_nesting(text: str) -> None:
    """A hundred thousand levels are one finding."""
    assert refusal(text).code is Code.DEPTH_LIMIT


@pytest.mark.parametrize("content", [b"a: \xff", "a: ü".encode("latin-1"), "a: 1".encode("utf-16")])
def test_not_utf8(content: bytes) -> None:
    """Bytes that are no UTF-8 reject the whole file and say where."""
    problem = refusal(content)
    assert (problem.code, problem.provenance) == (Code.NOT_UTF8, Provenance("a.yaml", 1))
    assert "the byte 0x" in problem.got


def test_byte_order_mark() -> None:
    """A byte order mark does no harm."""
    assert load_text(b"\xef\xbb\xbf" + _GOOD.encode()).problems == ()


@pytest.mark.parametrize(
    ("text", "code", "line", "field", "hint"),
    [
        ("  prefx: /a/\n  service: s\n", Code.UNKNOWN_FIELD, 5, "spec.prefx", "did you mean prefix?"),
        ("  prefix: /a/\n", Code.MISSING_FIELD, 4, "spec.service", ""),
        ("  service: s\n", Code.MISSING_FIELD, 4, "spec.prefix", ""),
        ("  prefix: /a/\n  service: s:70000\n", Code.INVALID_SERVICE, 6, "spec.service", ""),
        ("  prefix: /a/\n  service: s\n  timeout_ms: 5s\n", Code.WRONG_TYPE, 7, "spec.timeout_ms", ""),
        ("  prefix: (a\n  service: s\n  prefix_regex: true\n", Code.BAD_REGEX, 5, "spec.prefix", "RE2"),
        ("  prefix: /a/\n  service: s\n  method: ON\n", Code.WRONG_TYPE, 7, "spec.method", "quotes"),
        ("  prefix: /a/\n  service: s\n  headers:\n    x: 1\n", Code.WRONG_TYPE, 8, "spec.headers.x", "quotes"),
        ("  prefix: /a/\n  service: s\n  cors: 1\n", Code.WRONG_TYPE, 7, "spec.cors", ""),
        ("  prefix: /a/\n  service: s\n  modules: [1]\n", Code.FIELD_UNSUPPORTED, 7, "spec.modules", "remove"),
        ("  prefix: /a/\n  service: s\n  weight: 101\n", Code.INVALID_VALUE, 7, "spec.weight", ""),
        ("  prefix: /a/\n  service: s\n  weight: .nan\n", Code.INVALID_VALUE, 7, "spec.weight", ""),
    ],
)
def test_located(text: str, code: Code, line: int, field: str, hint: str) -> None:
    """Each mistake of a Mapping names its field and its line."""
    problem = next(p for p in load_text(MINIMAL + text).problems if p.code is code)
    assert (problem.severity, problem.provenance.line, problem.field) == (Severity.ERROR, line, field)
    assert problem.resource == "Mapping default/m"
    assert hint in problem.hint
    assert load_text(MINIMAL + text).rejected == (Rejected("a.yaml", _M),)


def test_words() -> None:
    """A problem reads as one sentence with all one needs."""
    assert str(refusal(MINIMAL + "  prefix: /a/\n  service: s\n  timeout_ms: 5s\n")) == (
        "a.yaml:7: error [wrong-type] Mapping default/m: wrong type at spec.timeout_ms;"
        ' expected whole milliseconds, as a number, got a string: "5s"'
    )
    assert "port 70000" in str(refusal(MINIMAL + "  prefix: /a/\n  service: s:70000\n"))


def test_all_at_once() -> None:
    """All mistakes of a document are reported together, in the order of their lines."""
    text = "  prefix: a\n  service: s:0\n  weight: -1\n  nonsense: 1\n  regex_headers: {x: '('}\n"
    assert codes(load_text(MINIMAL + text)) == [
        Code.INVALID_VALUE, Code.INVALID_SERVICE, Code.INVALID_VALUE, Code.UNKNOWN_FIELD, Code.BAD_REGEX,
    ]  # fmt: skip


@pytest.mark.parametrize("field", ["headers", "regex_headers", "query_parameters"])
def test_values_of_headers_are_private(field: str) -> None:
    """What a header must hold may be a credential: no message shows it."""
    for value in (12345678, "(12345678", "1234\n5678", ["12345678"]):
        for problem in load_text(spec(**{field: {"authorization": value}})).problems:
            assert "1234" not in str(problem)


def test_a_password_in_a_service_is_private() -> None:
    """A service with credentials is refused without repeating them."""
    assert "hunter2" not in str(refusal(spec(service="http://u:hunter2@s")))


def test_ten_thousand_unknown_fields() -> None:
    """A flood of mistakes is cut off, and ends soon."""
    loaded = load_text(spec(**{f"f{i}": i for i in range(9_000)}))
    assert len(loaded.problems) == DEFAULT_LIMITS.max_findings + 1
    assert "only 50 findings are reported" in loaded.problems[-1].message


def test_many_broken_documents_of_one_file_are_told_by_the_worst_of_them() -> None:
    """One file, or one annotation, can't drown what there is to say of the others, nor lose an error to a warning."""
    document = "apiVersion: ambassador/v1\nkind: Mapping\nname: m{n}\nprefix: /g/\n{rest}\n"
    odd = [document.format(n=n, rest="service: g\nmodules: []\nclusters: 1") for n in range(300)]
    broken = [document.format(n=n, rest="timeout_ms: no\nnone_such: 1") for n in range(300, 1_500)]
    loaded = load_text("---\n".join([*odd, *broken]))
    assert len(loaded.problems) == DEFAULT_LIMITS.max_file_findings + 1
    assert {problem.severity for problem in loaded.problems} == {Severity.ERROR}
    assert " more: of one file only 201 findings are reported" in loaded.problems[-1].message
    assert len(loaded.rejected) >= 1_200


def test_limits_are_settings() -> None:
    """Limits come from the caller."""
    loaded = load([source(_GOOD)], limits=Limits(max_file_bytes=10))
    assert codes(loaded) == [Code.FILE_TOO_LARGE]


def _commit(sha: str) -> Commit:
    person = Person("Ann", "ann@example.com")
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return Commit(sha, "t", (), person, at, person, at, "s")


def test_commits_belong_to_documents() -> None:
    """Each document carries the commit that touched it: comments-only documents do not shift them."""
    text = f"# licence\n---\n# nothing\n---\n{_GOOD}---\n---\n{_GOOD.replace('good', 'other')}---\nprefix: 1: 2\n"
    file = SourceFile("a.yaml", "", text.encode(), tuple(_commit(letter * 40) for letter in "abc"))
    assert len(document_digests(text.encode())) == 3
    loaded = load([file])
    touches = [resource.origin.provenance.touch for resource in loaded.resources]
    at = datetime(2026, 1, 2, tzinfo=UTC)
    assert touches == [Touch(letter * 40, "Ann <ann@example.com>", at) for letter in "ab"]
    assert loaded.problems[0].provenance == Provenance("a.yaml", 18, Touch("c" * 40, "Ann <ann@example.com>", at))


def test_no_history() -> None:
    """Without commits there is no touch, and the line is that of the first key."""
    (resource,) = load_text("# c\n---\n# d\n" + _GOOD).resources
    assert resource.origin.provenance == Provenance("a.yaml", 4)


def test_digests() -> None:
    """A digest is about content: not about comments, formatting or order of keys; also of what does not parse."""
    one = document_digests(b"a: 1\nb: {c: 2}\n---\nx: [\n")
    assert one[0] == document_digests(b"# new\nb:\n  c:   2\na: 1 # c\n")[0]
    assert one[0] != document_digests(b"a: 1\nb: {c: 3}\n")[0]
    assert one[1] == document_digests(b"---\nx: [\n")[0]
    assert len(document_digests(b"\xff")) == 1
    assert document_digests(b"# nothing\n") == ()


def test_a_syntax_error_at_the_end_stays_in_the_document() -> None:
    """Where something is missing at the end, the last line is named, not one behind it."""
    assert refusal("a: 1\nb: [").provenance.line == 2
    assert refusal("a: 1\nb: [\n\n\n").provenance.line == 2
