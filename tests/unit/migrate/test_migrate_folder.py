"""Folders: what is migrated, what is left alone, and why."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from reconciler.compile import Options
from reconciler.migrate import Rewritten, migrate, rewrite
from reconciler.migrate.named import Named
from reconciler.model.limits import Limits
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.sources import DirectorySource
from tests.support.documents import source
from tests.support.golden import GOLDEN, SOURCES, cases

OLD = "apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: {name: %s}\nspec: {prefix: /%s/, service: s%s}\n"


def _snapshot(*files: SourceFile) -> SourceSnapshot:
    return SourceSnapshot(None, None, files)


def test_the_sample_routes_keep_their_meaning() -> None:
    """The comparison itself refuses nothing of them, and all older ones change."""
    migration = migrate(DirectorySource(Path("routes")).fetch(None), Options())
    assert migration.left == ()
    assert [file.path for file in migration.files] == [
        "hello.yaml",
        "httpbin.yaml",
        "models/tfserving.yaml",
        "my-service.yaml",
    ]


def test_a_file_with_an_error_is_left_alone() -> None:
    """Its neighbours are migrated; one without anything to migrate is not spoken of."""
    good, bad = source(OLD % ("a", "a", ""), "a.yaml"), source(OLD % ("b", "b", ", nonsense: 1"), "b.yaml")
    new = source((OLD % ("c", "c", ", nonsense: 1")).replace("v2", "v3alpha1"), "c.yaml")
    migration = migrate(_snapshot(good, bad, new), Options())
    assert [file.path for file in migration.files] == ["a.yaml"]
    (left,) = migration.left
    assert (left.path, left.resource, left.field) == ("b.yaml", "Mapping default/b", "spec.nonsense")
    assert "unknown-field" in left.reason


def test_what_is_not_utf8_or_too_large_is_left_alone() -> None:
    """Nothing is guessed."""
    migration = migrate(_snapshot(source(b"a: \xff\n")), Options())
    assert migration.files == ()
    large = source(OLD % ("a", "a", ""))
    assert migrate(_snapshot(large), Options(limits=Limits(max_file_bytes=10))).files == ()


def test_a_byte_order_mark_stays() -> None:
    """It is the first of what is not touched."""
    (file,) = migrate(_snapshot(source("\ufeff" + OLD % ("a", "a", ""))), Options()).files
    assert file.after.startswith(b"\xef\xbb\xbfapiVersion")


def test_documents_for_other_instances_are_compared_too() -> None:
    """An error in one of them keeps its file from being migrated."""
    text = OLD % ("a", "a", ", ambassador_id: other, nonsense: 1")
    migration = migrate(_snapshot(source(text)), Options())
    assert migration.files == ()
    assert "unknown-field" in migration.left[0].reason


def test_what_would_mean_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the resource and the field; other files are migrated."""

    def wrong(text: str, limits: Limits, _named: Named) -> Rewritten:
        result = rewrite(text, limits)
        return dataclasses.replace(result, text=result.text.replace("/bad/", "/worse/"))

    monkeypatch.setattr("reconciler.migrate.folder.rewrite", wrong)
    files = source(OLD % ("a", "bad", ""), "a.yaml"), source(OLD % ("b", "b", ""), "b.yaml")
    migration = migrate(_snapshot(*files), Options())
    assert [file.path for file in migration.files] == ["b.yaml"]
    (left,) = migration.left
    assert (left.path, left.resource, left.field) == ("a.yaml", "Mapping default/a", "path.value")
    assert left.reason == "migrated, it would mean something else: path.value would change"


def test_limits_that_are_named_are_said() -> None:
    """What a v0 Mapping names is written where it takes effect; the documents that were named stay."""
    text = (
        "apiVersion: ambassador/v0\nkind: CircuitBreaker\nname: few\nmax_connections: 2\nmax_pending: 3\n---\n"
        "apiVersion: ambassador/v0\nkind: OutlierDetection\nname: out\nconsecutive_5xx: 3\nmax_ejection: 50\n---\n"
        "apiVersion: ambassador/v0\nkind: Mapping\nname: a\nprefix: /a/\nservice: a\ncircuit_breaker: few\n"
        "outlier_detection: out\n"
    )
    migration = migrate(_snapshot(source(text)), Options())
    assert migration.left == ()
    (file,) = migration.files
    *kept, mapping = file.after.decode().split("---\n")
    assert kept == text.split("---\n")[:2]
    assert yaml.safe_load(mapping)["spec"] == {
        "hostname": "*",
        "prefix": "/a/",
        "service": "a",
        "circuit_breakers": [{"max_connections": 2, "max_pending_requests": 3}],
        "outlier_detection": {"consecutive_5xx": 3, "max_ejection_percent": 50},
    }


def test_labels_without_a_domain_get_that_of_the_module() -> None:
    """What v0 writes as rate_limits is for the domain that everything else is for."""
    module = "apiVersion: ambassador/v1\nkind: Module\nname: ambassador\nconfig: {default_label_domain: shop}\n"
    service = "apiVersion: ambassador/v1\nkind: RateLimitService\nname: l\nservice: l\ndomain: shop\n"
    mapping = (
        "apiVersion: ambassador/v0\nkind: Mapping\nname: a\nprefix: /\nservice: a\nrate_limits: [{descriptor: d}]\n"
    )
    migration = migrate(_snapshot(source("---\n".join((module, service, mapping)))), Options())
    assert migration.left == ()
    (file,) = migration.files
    assert list(yaml.safe_load(file.after.decode().split("---\n")[2])["spec"]["labels"]) == ["shop"]


@pytest.mark.parametrize("name", cases())
def test_every_case_means_the_same_when_it_is_migrated(name: str) -> None:
    """What is left alone has an error of its own."""
    folder = GOLDEN / name / SOURCES
    if folder.is_dir():
        for left in migrate(DirectorySource(folder).fetch(None), Options()).left:
            assert left.reason.startswith("["), left


@pytest.mark.parametrize("path", sorted(Path("tests/acceptance/cases").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_live_case_means_the_same_when_it_is_migrated(path: Path) -> None:
    """Every field of the language, as people write it."""
    for case in yaml.safe_load(path.read_text()):
        for left in migrate(_snapshot(source(case["documents"])), Options()).left:
            assert left.reason.startswith("["), (case["name"], left)


def test_a_conflict_that_would_come_of_it_is_refused() -> None:
    """Presence and its pattern are one condition in the current spelling: two Mappings would compete."""
    new = (
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: b}\n"
        'spec: {hostname: "*", prefix: /a/, regex_headers: {x: ".*"}, service: other}\n'
    )
    files = source(OLD % ("a", "a", ", headers: {x: true}"), "a.yaml"), source(new, "b.yaml")
    migration = migrate(_snapshot(*files), Options())
    assert migration.files == ()
    assert any("conflict" in left.reason for left in migration.left)
