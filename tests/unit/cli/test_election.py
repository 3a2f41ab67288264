"""Settings of the election."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.cli.election import identity, own_namespace, seat
from reconciler.model.errors import Stalled
from reconciler.settings import load


def seated(**flags: str) -> object:
    """The seat that some settings give."""
    with ExitStack() as stack:
        return seat(stack, load(flags, {}, None).settings, lambda _trigger: None)


def test_without_the_setting_there_is_none() -> None:
    """One replica alone asks no API server for anything."""
    assert seated() is None


@pytest.mark.parametrize(
    ("duration", "renew", "retry"),
    [("15s", "15s", "2s"), ("10s", "15s", "2s"), ("15s", "2s", "2s"), ("15s", "2300ms", "2s"), ("15s", "10s", "0s")],
)
def test_times_that_can_not_hold_are_refused(duration: str, renew: str, retry: str) -> None:
    """A leader must stop before another one may begin, and have tried more than once by then."""
    with pytest.raises(Stalled, match="lease-re") as refused:
        seated(leader_election="true", lease_duration=duration, lease_renew=renew, lease_retry=retry)
    assert refused.value.reason == "InvalidSettings"


def test_outside_of_a_cluster_the_settings_say_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """First a namespace, then an API server."""
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    with pytest.raises(Stalled, match="lease-namespace"):
        seated(leader_election="true")
    with pytest.raises(Stalled, match="leader-election takes an API server"):
        seated(leader_election="true", lease_namespace="edge", kubernetes="off")


def test_the_namespace_is_that_of_the_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is mounted; where it is not, a variable may say it."""
    monkeypatch.setenv("POD_NAMESPACE", "other")
    (tmp_path / "namespace").write_text("edge\n")
    assert own_namespace(tmp_path / "namespace") == "edge"
    assert own_namespace(tmp_path / "gone") == "other"


def test_each_process_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that starts again in its Pod must not take itself for the one that may still run elsewhere."""
    monkeypatch.setenv("POD_NAME", "edge-0")
    assert identity("").startswith("edge-0_")
    assert identity("mine").startswith("mine_")
    assert len({identity("") for _ in range(20)}) == 20
