"""What every test with a real Kubernetes API server starts from; see ``tests/support/kubernetes.py``."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kubernetes import ApiServer, FaultyProxy, Missing, tool

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need the server."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.kubernetes)


def _there(*names: str) -> list[Path]:
    """Tools; where they were not built, the test is skipped, but for CI, where that is a failure."""
    try:
        return [tool(name) for name in names]
    except Missing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The API server of this test process; a test that stops it starts it again."""
    _there("etcd", "kube-apiserver")
    server = ApiServer(tmp_path_factory.mktemp("kubernetes"))
    server.start()
    try:
        yield server
    finally:
        server.kill()  # in order it takes a second longer
        server.stop()


@pytest.fixture
def namespace(api: ApiServer) -> Iterator[str]:
    """A fresh namespace; what the test leaves there is removed."""
    name = api.admin.create_namespace()
    yield name
    api.admin.remove_namespace(name)


@pytest.fixture
def faulty(api: ApiServer, tmp_path: Path) -> Iterator[FaultyProxy]:
    """A proxy in front of the server; without faults until the test asks for some."""
    with FaultyProxy(api.address, tmp_path).serving() as proxy:
        yield proxy


@pytest.fixture(scope="session")
def helm() -> Path:
    """The real Helm; its own files belong under the test's ``HOME``."""
    return _there("helm")[0]
