"""What an Ownership says, and what is wrong with it."""

import pytest

from reconciler.model.match import ANY_HOST
from reconciler.model.origin import Kind
from reconciler.model.ownership import CLAIMING_KINDS, OwnershipResource
from reconciler.model.problem import Code, Severity
from reconciler.resources import load_origins
from tests.support.documents import codes, load_text, refusal
from tests.support.mappings import host_match

_HEAD = "# a comment\napiVersion: reconciler.dev/v1alpha1\nkind: Ownership\nmetadata: {name: o}\nspec:\n"


def _read(spec: str) -> OwnershipResource:
    loaded = load_text(f"{_HEAD}  {spec}")
    assert loaded.problems == ()
    (resource,) = loaded.resources
    assert isinstance(resource, OwnershipResource)
    return resource


def test_each_rule_knows_its_line() -> None:
    """Problems name it; also in the flat form and in the second document of a file."""
    rules = "\n    - hosts: [a.test]\n      owners: {paths: [a]}\n    - prefixes: [/b/]\n      owners: {paths: [b]}\n"
    assert [rule.line for rule in _read(f"rules:{rules}").rules] == [7, 9]
    flat = "apiVersion: reconciler.dev/v1alpha1\nkind: Ownership\nname: o\nrules:\n"
    (resource,) = load_text(f"---\n# none\n---\n{flat}- ports: [1]\n  owners: {{everyone: true}}\n").resources
    assert isinstance(resource, OwnershipResource)
    assert [rule.line for rule in resource.rules] == [8]


def test_what_is_left_out() -> None:
    """Hosts without prefixes are whole, prefixes without hosts are of all, and kinds without a list are all."""
    hosts, prefixes, ports = _read(
        "rules: [{hosts: ['*.A.test'], owners: {namespaces: [n]}}, {prefixes: [/b/], owners: {teams: [t]}},"
        " {ports: [5, 1], owners: {paths: [./a/]}}]"
    ).rules
    assert (hosts.hosts, hosts.prefixes, hosts.kinds) == ((host_match("*.a.test"),), ("/",), CLAIMING_KINDS)
    assert (prefixes.hosts, prefixes.prefixes) == ((ANY_HOST,), ("/b/",))
    assert (ports.hosts, ports.ports, ports.owners.paths) == ((), (1, 5), ("a",))
    assert _read("rules: [{hosts: [a], kinds: [Host], owners: {everyone: true}}]").rules[0].kinds == (Kind.HOST,)


@pytest.mark.parametrize(
    ("spec", "code", "field"),
    [
        ("rules: [{owners: {everyone: true}}]", Code.MISSING_FIELD, "spec.rules[0].hosts"),
        ("rules: [{hosts: [a]}]", Code.MISSING_FIELD, "spec.rules[0].owners"),
        ("rules: [{hosts: [a], owners: {}}]", Code.MISSING_FIELD, "spec.rules[0].owners"),
        ("rules: [{hosts: [a], owners: {everyone: false}}]", Code.MISSING_FIELD, "spec.rules[0].owners"),
        ("rules: [{hosts: [a.*], owners: {paths: [a]}}]", Code.INVALID_VALUE, "spec.rules[0].hosts[0]"),
        ("rules: [{hosts: [a b], owners: {paths: [a]}}]", Code.INVALID_VALUE, "spec.rules[0].hosts[0]"),
        ("rules: [{prefixes: [a], owners: {paths: [a]}}]", Code.INVALID_VALUE, "spec.rules[0].prefixes[0]"),
        ("rules: [{prefixes: [/a/../b], owners: {paths: [a]}}]", Code.INVALID_VALUE, "spec.rules[0].prefixes[0]"),
        ("rules: [{prefixes: ['/a?b'], owners: {paths: [a]}}]", Code.INVALID_VALUE, "spec.rules[0].prefixes[0]"),
        ("rules: [{ports: [1], hosts: [a], owners: {paths: [a]}}]", Code.FIELDS_CONTRADICT, "spec.rules[0].hosts"),
        ("rules: [{hosts: [a], owners: {everyone: true, paths: [a]}}]", Code.FIELDS_CONTRADICT,
         "spec.rules[0].owners.everyone"),
        ("rules: [{hosts: [a], owners: {paths: [/a]}}]", Code.INVALID_VALUE, "spec.rules[0].owners.paths[0]"),
        ("teams: [{name: t, paths: [../a]}]", Code.INVALID_VALUE, "spec.teams[0].paths[0]"),
        ("teams: [{name: t, paths: ['cluster://Service/a/b']}]", Code.INVALID_VALUE, "spec.teams[0].paths[0]"),
        ("teams: [{paths: [a]}]", Code.MISSING_FIELD, "spec.teams[0].name"),
        ("default: never", Code.INVALID_VALUE, "spec.default"),
        ("platform: {}", Code.MISSING_FIELD, "spec.platform"),
    ],
)  # fmt: skip
def test_what_is_refused(spec: str, code: Code, field: str) -> None:
    """Leaving something out never means everything or everybody."""
    problem = refusal(f"{_HEAD}  {spec}")
    assert (problem.code, problem.field) == (code, field)


def test_one_that_says_nothing() -> None:
    """A warning, as somebody meant something by it."""
    loaded = load_text(f"{_HEAD}  enforce: true\n")
    assert codes(loaded) == [Code.MISSING_FIELD]
    assert loaded.problems[0].severity is Severity.WARNING


def test_what_the_journal_keeps_gives_the_same() -> None:
    """After a restart without the repository; where the rules stood within the document is not kept."""
    given = _read("rules: [{hosts: [a.test], owners: {paths: [a]}}]")
    (again,) = load_origins([given.origin]).resources
    assert isinstance(again, OwnershipResource)
    assert [(rule.hosts, rule.owners) for rule in again.rules] == [(rule.hosts, rule.owners) for rule in given.rules]
    assert again.rules[0].line == given.origin.provenance.line
