"""Every case of this folder against a real Envoy; all are asked at once, then each is judged."""

from collections import Counter

import pytest

from tests.acceptance.case import CaseFile, case_files, written_cases
from tests.acceptance.judge import complaints
from tests.acceptance.pairwise import generated_cases, missing_pairs
from tests.acceptance.result import Run
from tests.acceptance.session import run

# One Envoy serves all cases, so one worker runs them.
pytestmark = pytest.mark.xdist_group("acceptance")

_CASES = {case.name: case for case in (*written_cases(), *generated_cases())}


@pytest.fixture(scope="session")
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What came of all cases that are selected."""
    wanted = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    return run([case for name, case in _CASES.items() if name in wanted], tmp_path_factory.mktemp("acceptance"))


@pytest.mark.parametrize("file", case_files(), ids=lambda file: file.path.name)
def test_file(file: CaseFile) -> None:
    """A file of cases is well formed."""
    if file.errors:
        pytest.fail("\n".join(file.errors), pytrace=False)


def test_names() -> None:
    """No two cases have one name."""
    names = Counter(case.name for file in case_files() for case in file.cases)
    assert [name for name, times in names.items() if times > 1] == []


def test_every_pair_of_features_is_asked_for() -> None:
    """Two features that go together stand together in some generated Mapping."""
    assert missing_pairs() == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", _CASES)
def test_case(ran: Run, name: str) -> None:
    """What the case expects is what came."""
    wrong = complaints(ran, ran.results[name])
    if wrong:
        pytest.fail("\n".join([_CASES[name].title, *wrong]), pytrace=False)


@pytest.mark.timeout(300)
def test_nothing_is_deprecated(ran: Run) -> None:
    """Envoy finds no field deprecated that any case uses."""
    if ran.deprecated:
        pytest.fail("\n".join(ran.deprecated), pytrace=False)
