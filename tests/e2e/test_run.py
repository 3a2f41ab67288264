"""``reconciler run`` as a platform sees it: health, metrics, logs, signals, and what survives what."""

import http.client
import json
import os
import pty
import re
import shutil
import signal
import subprocess
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.command import COMMAND, FAULTY, PROJECT, Controller, Desk
from tests.support.controllers import mapping
from tests.support.envoys import running_envoy, serves
from tests.support.http import get
from tests.support.ports import reserve_port
from tests.support.repositories import Repository
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """One Mapping on ``main``."""
    made = Repository.create(tmp_path / "repository")
    made.commit({"a.yaml": mapping("a", "/a/")}, "Start")
    return made


def status(controller: Controller, path: str) -> int:
    """The status a path is answered with, 0 if nobody answers."""
    reply = controller.ask(path)
    return reply.status if reply else 0


def files(desk: Desk) -> tuple[object, ...]:
    """The flags of a file target."""
    return ("--target", f"files:{desk.out}")


def test_readiness_follows_what_is_served(desk: Desk) -> None:
    """Alive at once; ready with the first routes, and after a restart at once although the repository is gone."""
    repository = Repository.create(desk.root / "repository")
    repository.commit({"README.md": "nothing yet"})
    with desk.controller(repository.path, *files(desk), "--interval", "50ms") as controller:
        controller.await_decision("Refused")
        assert status(controller, "/healthz") == 200
        unready = controller.ask("/readyz")
        assert unready is not None
        assert unready.status == 503
        assert json.loads(unready.body)["serving"] is False
        head = repository.commit({"a.yaml": mapping("a", "/a/")})
        controller.await_decision("Applied", head)
        eventually(lambda: status(controller, "/readyz") == 200, what="readiness")
        assert controller.end() == 0
    shutil.move(repository.path, desk.root / "away")
    with desk.controller(repository.path, *files(desk), "--interval", "50ms") as controller:
        failed = controller.await_decision("Failed")
        assert failed["reason"] == "GitRepositoryNotFound"
        ready = controller.ask("/readyz")
        assert ready is not None
        assert ready.status == 200
        told = json.loads(ready.body)
        assert told["lastAppliedRevision"] == f"main@sha1:{head}"
        assert {c["type"]: c["status"] for c in told["conditions"]}["Ready"] is False
        assert status(controller, "/healthz") == 200


def test_metrics_are_what_prometheus_reads(repository: Repository, desk: Desk) -> None:
    """The text parses, and tells of the reconcile, the routes and the revision."""
    with desk.controller(repository.path, *files(desk), "--interval", "50ms") as controller:
        controller.await_decision("Applied")
        reply = controller.ask("/metrics")
        assert reply is not None
        assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = {family.name: family for family in text_string_to_metric_families(reply.body.decode())}
    samples = {sample.name: sample for family in families.values() for sample in family.samples}
    assert all(name.startswith(("reconciler_", "process_")) for name in families)
    assert samples["reconciler_routes"].value == 1
    assert samples["process_resident_memory_bytes"].value > 0
    held = {one.labels["what"]: one.value for one in families["reconciler_held"].samples}
    assert (held["files"], held["mappings"]) == (1, 1)
    assert held["xds_bytes"] > 0
    assert samples["reconciler_revision_info"].labels["applied"] == f"main@sha1:{repository.head}"
    applied = [s for s in families["reconciler_reconciles"].samples if s.labels.get("decision") == "Applied"]
    assert applied[0].value == 1


def test_the_log_is_one_json_line_per_reconcile(repository: Repository, desk: Desk) -> None:
    """Not a terminal: every line is JSON; quiet polls are no lines; the line names commit, person and journal."""
    with desk.controller(repository.path, *files(desk), "--interval", "20ms") as controller:
        controller.await_decision("Applied")
        head = repository.commit({"a.yaml": mapping("a", "/next/")}, "Move a")
        line = controller.await_decision("Applied", head)
        assert controller.end() == 0
        assert [event["event"] for event in controller.events] == ["started", "reconcile", "reconcile", "stopped"]
    assert (line["subject"], line["author"]) == ("Move a", "Ann Author <ann@example.com>")
    assert (line["updated"], line["routes"], line["level"]) == (1, 1, "info")
    shown = desk.run("audit", "show", str(line["journal"]), "--state", desk.state)
    assert "Move a" in shown.out


def test_on_a_terminal_the_log_is_text(repository: Repository, desk: Desk) -> None:
    """A person reads lines, not JSON; and ^C ends it with exit code 0, once it serves."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [
            *("setsid", "--ctty", "--wait", *COMMAND, "run"),
            *map(str, (*desk.source(repository.path), *files(desk), "--web-address", "off")),
        ],
        env=desk.environment({"TERM": "xterm"}),
        cwd=desk.root,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    screen = b""
    try:
        while b"Applied" not in screen or not screen.endswith(b"\n"):
            screen += os.read(ours, 4096)  # raises when the controller ends
        os.write(ours, b"\x03")
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", screen.decode()).splitlines()
    assert re.match(r"\d\d:\d\d:\d\d \[info +\] started ", lines[0])
    assert re.search(r"reconcile .*decision=Applied", lines[1])


def test_hangup_polls_at_once(repository: Repository, desk: Desk) -> None:
    """With an hour between polls, SIGHUP has a commit applied now, and the trigger is recorded."""
    with desk.controller(repository.path, *files(desk), "--interval", "1h") as controller:
        controller.await_decision("Applied")
        head = repository.commit({"a.yaml": mapping("a", "/next/")})
        controller.process.send_signal(signal.SIGHUP)
        assert controller.await_decision("Applied", head)["trigger"] == "Requested"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order(repository: Repository, desk: Desk, number: signal.Signals) -> None:
    """Asked to end between polls: exit code 0 within seconds, one file of journal, nothing temporary left."""
    with desk.controller(repository.path, *files(desk), "--interval", "1h") as controller:
        controller.await_decision("Applied")
        assert (desk.state / "journal.db-wal").exists()
        assert controller.end(number, seconds=5) == 0
        assert status(controller, "/healthz") == 0
    assert sorted(path.name for path in desk.state.iterdir()) == [
        "clone",
        "journal.db",
        "journal.key",
        "lock",
        "parts",
        "served",
    ]
    assert list(desk.temporary.iterdir()) == []
    assert list(desk.home.iterdir()) == []


def test_a_typo_in_the_access_file_closes_the_pages_and_nothing_else(repository: Repository, desk: Desk) -> None:
    """Routes are served meanwhile; once it is mended people come in, and who still listens holds up no end."""
    access, port, ann = desk.root / "access.yaml", reserve_port(), {"Authorization": "Bearer t"}
    access.write_text("tokens: {")
    access.chmod(0o600)
    shown = ("--pages-address", f"127.0.0.1:{port}", "--pages-access-file", access)
    with desk.controller(repository.path, *files(desk), "--interval", "1h", *shown) as controller:
        controller.await_decision("Applied")
        eventually(lambda: status(controller, "/readyz") == 200)
        assert "no YAML" in next(line["problem"] for line in controller.events if line["event"] == "pages")
        metrics = controller.ask("/metrics")
        assert metrics is not None
        assert b"reconciler_pages_failing 1.0" in metrics.body
        assert get(port, "/decisions", headers=ann).status == 503
        access.write_text(f"tokens: [{{sha256: {sha256(b't').hexdigest()}, name: ann, namespaces: '*'}}]")
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("GET", "/api/v1/events", headers=ann)
            assert connection.getresponse().status == 200
            assert controller.end(signal.SIGTERM, seconds=2.5) == 0


def test_a_bug_does_not_end_it(repository: Repository, desk: Desk) -> None:
    """While every reconcile fails as only a bug does, the controller lives, says so, and goes on when it is over."""
    fault = desk.root / "fault"
    flags = (*files(desk), "--interval", "50ms", "--max-backoff", "50ms")
    with desk.controller(
        repository.path,
        *flags,
        command=FAULTY,
        env={"RECONCILER_FAULT": str(fault), "PYTHONPATH": str(PROJECT)},
    ) as controller:
        controller.await_decision("Applied")
        fault.touch()
        line = controller.await_decision("Failed")
        assert (line["reason"], line["message"]) == (
            "InternalError",
            "ZeroDivisionError: a bug (this is a bug; please report it)",
        )
        bug = next(event for event in controller.events if event["event"] == "bug")
        assert "faulty.py" in bug["exception"]
        assert status(controller, "/readyz") == 200
        head = repository.commit({"a.yaml": mapping("a", "/next/")})
        fault.unlink()
        controller.await_decision("Applied", head)


def test_an_envoy_that_comes_back_gets_everything_again(desk: Desk) -> None:
    """Envoy gone: commits go on; Envoy back, with nothing of its own: it serves the newest at once."""
    repository = Repository.create(desk.root / "repository")
    xds = f"127.0.0.1:{reserve_port()}"
    flags = ("--target", "xds", "--xds-address", xds, "--listen", "127.0.0.1:0", "--access-log", "")
    printed = desk.run("render", "--stage", "bootstrap", *flags, "--output", "json").out
    with Upstream("up") as upstream:
        repository.commit({"a.yaml": mapping("a", "/a/", service=upstream.address)})
        with desk.controller(repository.path, *flags, "--interval", "50ms") as controller:
            with running_envoy(printed, desk.root, wait=False) as envoy:
                eventually(lambda: serves(envoy, "/a/"), what="the first commit")
                os.kill(envoy.pid, signal.SIGKILL)
            head = repository.commit({"a.yaml": mapping("a", "/b/", service=upstream.address)})
            controller.await_decision("Applied", head)
            with running_envoy(printed, desk.root, wait=False) as envoy:
                eventually(lambda: serves(envoy, "/b/"), what="the newest commit")
                assert not serves(envoy, "/a/")
                last = repository.commit({"a.yaml": mapping("a", "/c/", service=upstream.address)})
                eventually(lambda: serves(envoy, "/c/"), what="a commit after that")
            assert controller.await_decision("Applied", last)["acked"] > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--no-such-flag"), "No such option"),
        (("render", "nowhere/"), "does not exist"),
        (("render", "--stage", "nonsense"), "is not one of"),
        (("audit", "show"), "Missing argument"),
        (("nonsense",), "No such command"),
    ],
)
def test_a_wrong_command_line_is_2(desk: Desk, arguments: tuple[str, ...], says: str) -> None:
    """Usage errors have an exit code of their own and say what is wrong."""
    done = desk.run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_pending_changes_are_10(repository: Repository, desk: Desk) -> None:
    """``plan --exit-code``: 10 before the sync, 0 after it; without the flag 0; refused or bad 1."""
    plan = ("plan", *desk.source(repository.path))
    assert desk.run(*plan, "--exit-code").code == 10
    assert desk.run(*plan).code == 0
    assert desk.sync(repository.path).code == 0
    assert desk.run(*plan, "--exit-code").code == 0
    repository.commit({"b.yaml": "kind: ["})
    assert desk.run(*plan, "--exit-code").code == 1
    assert list(desk.temporary.iterdir()) == []


def test_a_bug_is_3_with_a_report(repository: Repository, desk: Desk) -> None:
    """An exception nobody expected: one sentence, and a report in a file that holds no argument and no setting."""
    done = desk.run(
        *("sync", *desk.source(repository.path), *files(desk)),
        command=FAULTY,
        cwd=PROJECT,
        env={"RECONCILER_GIT_USERNAME": "secret-name"},
    )
    assert (done.code, done.out) == (3, "")
    (report,) = desk.temporary.iterdir()
    assert done.err == f"This is a bug of reconciler. A report is in {report}; please file it.\n"
    text = report.read_text()
    assert "ZeroDivisionError: a bug" in text
    assert re.match(r"reconciler \d+\.\d+\.\d+, Python 3\.", text)
    assert str(repository.path) not in text
    assert "secret-name" not in text


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_reader_that_has_seen_enough_is_no_error(desk: Desk, output: str) -> None:
    """``reconciler render | true`` ends quietly: nobody is left to read when it prints."""
    render = " ".join((*COMMAND, "render", str(PROJECT / "routes"), "--stage", "table", "--output", output))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {render} | true"], env=desk.environment(), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_output_to_a_full_disk_is_a_problem_not_a_bug(desk: Desk) -> None:
    """``reconciler render > /dev/full``: exit code 1, what happened and what to do; no report, no traceback."""
    render = " ".join((*COMMAND, "render", str(PROJECT / "routes")))
    done = subprocess.run(
        ["bash", "-c", f"{render} > /dev/full"], env=desk.environment(), capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stderr) == (
        1,
        "error [DiskFull]: the output: No space left on device\n  hint: free some space, or write elsewhere\n",
    )
    assert list(desk.temporary.iterdir()) == []
