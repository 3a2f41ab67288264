"""Bad input after good: one clear located error, exit code 1, and what was served is served still."""

import os
import shutil
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.command import FAULTY, PROJECT, Desk, Result
from tests.support.controllers import mapping
from tests.support.disk import small_disk
from tests.support.git_servers import https_server
from tests.support.repositories import Repository

ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is wrong.

    Attributes:
        name: of the test.
        change: what is committed instead of ``a.yaml``, or how the repository is changed.
        says: what the error must say: place, field, expected, got, hint.
        problems: how many findings it makes.
        flags: of the command.
    """

    name: str
    change: str | bytes | Callable[[Repository], object]
    says: tuple[str, ...]
    problems: int = 1
    flags: tuple[str, ...] = ()


def spec(fields: str) -> str:
    """A Mapping ``a`` whose spec holds these lines."""
    lines = "".join(f"  {line}\n" for line in fields.split("\n"))
    return (
        f"apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata:\n  name: a\nspec:\n  hostname: '*'\n{lines}"
    )


def added(text: str) -> Callable[[Repository], object]:
    """``a.yaml`` as it is served, and more documents after it."""
    return lambda repository: repository.commit({"a.yaml": mapping("a", "/a/") + "---\n" + text})


def other_file(text: str) -> Callable[[Repository], object]:
    """Another file beside ``a.yaml`` as it is served."""
    return lambda repository: repository.commit({"c.yaml": text})


def symlink(repository: Repository) -> None:
    (repository.path / "a.yaml").unlink()
    (repository.path / "a.yaml").symlink_to("/etc/passwd")
    repository.commit({})


def million_files(repository: Repository) -> None:
    """A tree of 1,000,000 paths made of three: 100 files in 100 folders in 100 folders."""
    made = f"100644 blob {repository.blob(b'').hex()}\t%d.yaml\n"
    for kind in ("tree", "tree", ""):
        tree = repository.git("mktree", feed="".join(made % n for n in range(100)).encode())
        made = f"040000 {kind} {tree}\t%d\n"
    commit = repository.git("commit-tree", tree, "-p", "HEAD", "-m", "A million")
    repository.git("update-ref", "refs/heads/main", commit)


def rewrite(repository: Repository) -> None:
    repository.git("commit", "--quiet", "--amend", "--message=Another past")
    repository.commit({"a.yaml": mapping("a", "/rewritten/")})


PREFIX, SERVICE = "prefix: /a/", "service: svc"

CASES = (
    Case("not-yaml", spec(f"{PREFIX}\n{SERVICE}\n- oops: ["), ("a.yaml:9", "[not-yaml]")),
    Case("one-of-several-broken", added("kind: [\n"), ("a.yaml:10", "[not-yaml]")),
    Case(
        "duplicate-key",
        spec(f"{PREFIX}\n{SERVICE}\nprefix: /b/"),
        ("a.yaml:9", "[duplicate-key]", "'prefix' is given twice", "(spec.prefix)", "see also: a.yaml:7"),
    ),
    Case("alias-bomb", ALIASES, ("a.yaml:5", "[alias-limit]", "at most 20000", "write the values out")),
    Case("fifty-megabytes", b"# " + b"x" * 50_000_000 + b"\n", ("a.yaml", "[file-too-large]", "1048576", "50000003")),
    Case("million-files", million_files, ("TooManyFiles", "200000", "--path"), 0),
    Case("deep-nesting", "[" * 10_000 + "]" * 10_000, ("a.yaml:1", "[depth-limit]", "32")),
    Case("not-utf8", mapping("a", "/a/").encode() + b"# caf\xe9\n", ("a.yaml:9", "[not-utf8]", "0xe9")),
    Case("symlink", symlink, ("a.yaml", "[not-a-regular-file]", "a regular file", "a symbolic link")),
    Case(
        "unknown-kind",
        other_file("apiVersion: getambassador.io/v3alpha1\nkind: Maping\nmetadata: {name: c}\n"),
        ("c.yaml:2", "[unknown-kind]", "Maping", "Mapping"),
    ),
    Case("unknown-field", spec(f"{PREFIX}\n{SERVICE}\ntimeout: 5"), ("a.yaml:9", "[unknown-field]", "timeout_ms")),
    Case(
        "wrong-type",
        spec(f'{PREFIX}\n{SERVICE}\ntimeout_ms: "5s"'),
        ("a.yaml:9", "[wrong-type]", "(spec.timeout_ms)", "whole milliseconds, as a number", 'a string: "5s"'),
    ),
    Case("missing-prefix", spec(SERVICE), ("a.yaml:", "[missing-field]", "prefix")),
    Case("missing-service", spec(PREFIX), ("a.yaml:", "[missing-field]", "service")),
    Case(
        "bad-re2",
        spec(f"prefix: /a(?=b)/\nprefix_regex: true\n{SERVICE}"),
        ("a.yaml:7", "[bad-regex]", "(spec.prefix)", "(?="),
    ),
    Case("port-70000", spec(f"{PREFIX}\nservice: svc:70000"), ("a.yaml:8", "[invalid-service]", "70000", "65535")),
    Case(
        "two-of-one-identity",
        other_file(mapping("a", "/c/")),
        ("c.yaml:1", "[duplicate-identity]", "Mapping default/a", "see also: a.yaml:1"),
    ),
    Case("same-match", other_file(mapping("c", "/a/")), ("c.yaml:1", "[conflict]", "weight", "see also: a.yaml:1")),
    Case(
        "weights-of-50",
        other_file(mapping("c", "/c/", weight=20) + "---\n" + mapping("d", "/c/", weight=30)),
        ("c.yaml", "[weights]", "100", "50"),
    ),
    Case(
        "weights-of-120",
        other_file(mapping("c", "/c/", weight=60) + "---\n" + mapping("d", "/c/", weight=60)),
        ("c.yaml", "[weights]", "100", "120"),
    ),
    Case("shadow-only", other_file(mapping("c", "/c/", shadow="true", weight=10)), ("c.yaml", "[shadow-only]")),
    Case("empty", lambda repository: repository.commit({"a.yaml": None, "b.yaml": None}), ("Refused [UnsafePlan]",), 0),
    Case(
        "missing-ref",
        lambda _: None,
        ("[GitRefNotFound]", "no branch nowhere", "push it, or correct the ref"),
        0,
        ("--ref", "nowhere"),
    ),
    Case("force-push", rewrite, ("Refused [UnsafePlan]", "history", "--allow-plan"), 0),
    Case(
        "unreachable",
        lambda _: None,
        ("[GitUnreachable]", "https://127.0.0.1:1/r.git"),
        0,
        ("--repo", "https://127.0.0.1:1/r.git"),
    ),
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A desk whose repository served well, at its place and as a copy to restore it from."""
    place = tmp_path_factory.mktemp("good") / "desk"
    place.mkdir()
    desk, repository = Desk(place), Repository.create(place / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/"), "b.yaml": mapping("b", "/b/")})
    done = desk.sync(repository.path)
    assert done.code == 0, done.text
    shutil.copytree(place, place.with_name("copy"))
    return place, place.with_name("copy")


@pytest.fixture
def served(good: tuple[Path, Path]) -> tuple[Desk, Repository]:
    """The desk that served well, as it was then."""
    place, copy = good
    shutil.rmtree(place)
    shutil.copytree(copy, place, symlinks=True)
    return Desk(place), Repository(place / "repository")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input(case: Case, served: tuple[Desk, Repository]) -> None:
    """One clear located error, exit code 1, and the files that Envoy reads are as they were."""
    desk, repository = served
    before = {path: path.read_bytes() for path in desk.out.iterdir()}
    if callable(case.change):
        case.change(repository)
    else:
        repository.commit({"a.yaml": case.change})
    done = desk.sync(repository.path, *case.flags)
    assert done.code == 1, done.text
    for words in case.says:
        assert words in done.text, f"{words!r} is not in:\n{done.text}"
    assert done.err.count("\nerror ") + done.err.startswith("error ") == case.problems, done.text
    assert "passwd" not in done.text
    assert "root:" not in done.text
    assert {path: path.read_bytes() for path in desk.out.iterdir()} == before


MUCH: dict[str, str | bytes | None] = {
    "a.yaml": mapping("a", "/later/"),
    **{f"m{i}.yaml": mapping(f"m{i}", f"/m{i}/") for i in range(99)},
}
TOKEN = "s3cr3t/t0ken+with%20trouble"


def test_refused_credentials_are_printed_nowhere(served: tuple[Desk, Repository], tmp_path: Path) -> None:
    """A server that refuses the token: said so, and the token is in no output, file, log or journal."""
    desk, repository = served
    before = {path: path.read_bytes() for path in desk.out.iterdir()}
    shutil.copytree(repository.path, tmp_path / "public")
    with https_server(tmp_path, tmp_path) as server:
        server.behaviour.login = f"git:{TOKEN}"
        remote = ("--repo", f"{server.url}/public", "--ca-file", server.ca_file, "--git-username", "git")
        right, wrong = {"RECONCILER_GIT_TOKEN": TOKEN}, {"RECONCILER_GIT_TOKEN": f"{TOKEN}-expired"}
        done = desk.sync(repository.path, *remote, env=wrong)
        assert done.code == 1
        assert "[GitAuthenticationFailed]" in done.text
        assert "check the token" in done.text
        assert {path: path.read_bytes() for path in desk.out.iterdir()} == before
        with desk.controller(
            repository.path, *remote, "--target", f"files:{desk.out}", "--interval", "50ms", env=wrong
        ) as controller:
            controller.await_decision("Failed")
            readiness, metrics = controller.ask("/readyz"), controller.ask("/metrics")
            assert controller.end() == 0
            shown = controller.text
        assert readiness is not None
        assert metrics is not None
        assert desk.sync(repository.path, *remote, env=right).code == 0
        config = desk.run("config", *remote, env=wrong)
        report = desk.run("sync", *remote, "--target", "none", env=wrong, command=FAULTY, cwd=PROJECT)
        assert report.code == 3
    printed = [done.text, shown, config.text, report.text, str(readiness.body), str(metrics.body)]
    files = [path.read_bytes() for path in desk.root.rglob("*") if path.is_file()]
    forms = [TOKEN, quote(TOKEN), quote(TOKEN, safe=""), b64encode(f"git:{TOKEN}".encode()).decode()]
    for form in (*forms, b64encode(f"git:{TOKEN}-expired".encode()).decode()):
        assert not [text for text in printed if form in text]
        assert not [content for content in files if form.encode() in content]


def test_a_write_that_fails_halfway_leaves_what_is_served(served: tuple[Desk, Repository]) -> None:
    """Wherever a write breaks off, in clone, journal or target: one error with a hint, and all as before."""
    desk, repository = served
    before = {path: path.read_bytes() for path in desk.out.iterdir()}
    repository.commit(MUCH)
    for limit in (100, 10_000, 60_000):
        done = desk.sync(repository.path, before=("prlimit", f"--fsize={limit}"))
        leaves_no_trace(desk, done, before)
    done = desk.sync(repository.path)
    assert done.code == 0, done.text
    assert "99 to create, 1 to update" in done.out


def test_a_full_disk_leaves_what_is_served(tmp_path: Path) -> None:
    """State and target on a disk that is full: the same; with space again it goes on where it was."""
    repository = Repository.create(tmp_path / "repository")
    repository.commit({"a.yaml": mapping("a", "/a/"), "b.yaml": mapping("b", "/b/")})
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        desk = Desk(disk)
        assert desk.sync(repository.path).code == 0
        before = {path: path.read_bytes() for path in desk.out.iterdir()}
        repository.commit(MUCH)
        for left in (0, 20_000, 120_000):
            free = os.statvfs(disk)
            (disk / "filler").write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - left))
            done = desk.sync(repository.path)
            verified = desk.run("audit", "verify", "--state", desk.state)
            assert "tampered" not in verified.text
            (disk / "filler").unlink()
            leaves_no_trace(desk, done, before)
        done = desk.sync(repository.path)
        assert done.code == 0, done.text
        assert "99 to create, 1 to update" in done.out


def leaves_no_trace(desk: Desk, done: Result, before: dict[Path, bytes]) -> None:
    """The command failed for want of space and said so; target and journal are as they were."""
    assert done.code == 1, done.text
    assert "Traceback" not in done.text
    assert "space" in done.text, done.text
    assert {path: path.read_bytes() for path in desk.out.iterdir()} == before
    assert desk.run("audit", "verify", "--state", desk.state).code == 0
