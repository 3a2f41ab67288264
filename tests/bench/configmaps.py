"""How many Mappings a ConfigMap holds, and what a change costs requests: ``python -m tests.bench.configmaps``."""

import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path, PurePath

from reconciler.apply import FilesTarget
from reconciler.apply.configmap import Layout, Shape
from reconciler.apply.configmap.content import LARGEST, LARGEST_UNPACKED, pack
from reconciler.apply.envoy_process import EnvoyProcess
from reconciler.apply.files_format import encode_all
from reconciler.apply.unpack import Unpacker
from reconciler.cli.sources import git_source
from reconciler.cli.stages import stage_options
from reconciler.compile import compile_routes, load_source_files
from reconciler.envoy import files_bootstrap
from reconciler.model.files import FilesFormat
from reconciler.model.snapshot import Snapshot
from reconciler.settings import load
from tests.bench.repositories import BenchRepository, Table
from tests.support.envoys import envoy_path
from tests.support.http import ask, get
from tests.support.kubelet import write_volume
from tests.support.routing import cluster, rule, snapshot
from tests.support.upstreams import Upstream
from tests.support.waiting import eventually

_MOUNT = PurePath("/etc/envoy/routes")
_MAPPINGS, _HOSTS = 10_000, 100
_CHANGES, _CLIENTS = 20, 4
_PAUSE_S = 0.5  # between two changes


def main() -> None:
    """Print both."""
    for line in (*sizes(), *losses()):
        print(line, flush=True)


def sizes() -> Iterator[str]:
    """Bytes for each Mapping, and how many fit; the second time as if each Mapping came by a commit of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        rendered, commit = _rendered(Path(scratch))
    for apart in (False, True):
        for form in FilesFormat:
            files = encode_all(rendered, _MOUNT, form)
            if apart:
                files = {name: _own_commits(content, commit) for name, content in files.items()}
            for layout in Layout:
                whole = sum(map(len, files.values()))
                size = len(pack(files)) if layout is Layout.PACKED else whole
                fit = min(LARGEST * _MAPPINGS // size, LARGEST_UNPACKED * _MAPPINGS // whole)
                commits = "a commit for each" if apart else "one commit for all"
                yield f"{layout} {form}, {commits}: {size / _MAPPINGS:.0f} bytes for a Mapping, {fit:,} fit"


def _rendered(scratch: Path) -> tuple[Snapshot, str]:
    repository = BenchRepository.create(scratch / "repository", Table(_MAPPINGS, _HOSTS), (8080, 8443))
    settings = load({"repo": repository.path, "allow_local": "true"}, {}, None)
    options = stage_options(settings)
    source = git_source(settings.settings, scratch / "clone")
    fetched = source.fetch(None)
    source.close()
    compiled = compile_routes(fetched, load_source_files(fetched, options, None, {}).whole(), options)
    assert fetched.revision
    return compiled.snapshot, fetched.revision.sha


def _own_commits(content: bytes, commit: str) -> bytes:
    """As many different ones; what is random can't be packed."""
    chance = random.Random(1)
    short = commit[:7].encode()
    return re.sub(short + b"[0-9a-f]*", lambda at: b"%0*x" % (len(at[0]), chance.getrandbits(4 * len(at[0]))), content)


def losses() -> Iterator[str]:
    """Answers while a route moves to a service that comes, and the one before goes, twenty times."""
    for unpacked in (False, True):
        with tempfile.TemporaryDirectory() as scratch, Upstream("one") as one, Upstream("two") as two:
            seen, bad = _moved(Path(scratch), {"one.test": one.address, "two.test": two.address}, unpacked=unpacked)
        how = "unpacked" if unpacked else "mounted"
        yield f"{how}: {sum(seen.values()):,} requests, {bad} of {_CHANGES} changes lost some, {dict(seen)}"


def _moved(scratch: Path, addresses: dict[str, str], *, unpacked: bool) -> tuple[Counter[int], int]:
    shape = Shape(scratch / "mount")
    unpacker = Unpacker(scratch / "mount", FilesTarget(scratch / "watched"))

    def put(service: str) -> None:
        whole = snapshot([rule("r", "/r/", service)], cluster(service), addresses=addresses)
        write_volume(scratch / "mount", encode_all(whole, shape.directory, shape.form))
        if unpacked:
            unpacker.step()

    put("one")
    watched = scratch / "watched" if unpacked else shape.directory
    seen: Counter[int] = Counter()
    bad = 0
    with EnvoyProcess(envoy_path(), files_bootstrap(watched), scratch / "envoy") as envoy:
        port = envoy.listener_port("http-8080")
        with _clients(port, seen):
            for number in range(_CHANGES):
                before, service = _lost(seen), ("two", "one")[number % 2]
                put(service)
                eventually(lambda service=service: get(port, "/r/").upstream == service)  # type: ignore[misc]
                time.sleep(_PAUSE_S)
                bad += _lost(seen) > before
    return seen, bad


def _lost(seen: Counter[int]) -> int:
    return sum(count for status, count in seen.items() if status != 200)


@contextmanager
def _clients(port: int, seen: Counter[int]) -> Iterator[None]:
    done = threading.Event()

    def keep_asking() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        while not done.is_set():
            seen[ask(connection, "/r/").status] += 1
        connection.close()

    clients = [threading.Thread(target=keep_asking) for _ in range(_CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        done.set()
        for client in clients:
            client.join()


if __name__ == "__main__":
    main()
