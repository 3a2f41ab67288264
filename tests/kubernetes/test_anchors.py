"""Checkpoints in a ConfigMap of a real API server, with the rights the chart gives."""

from collections.abc import Iterator

import pytest

from reconciler.audit.anchor import Anchoring, InConfigMap, entry_name
from reconciler.cluster import CONFIG_MAPS, Cluster, ClusterSettings
from reconciler.model.health import AnchorHealth
from tests.support.exports import ORIGIN, journal
from tests.support.journals import Clock
from tests.support.kubernetes import ApiServer
from tests.support.past import Past

WHERE = "default/checkpoints"


@pytest.fixture
def door(api: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The API server as the controller sees it."""
    config = api.kubeconfig(tmp_path_factory.mktemp("door") / "kubeconfig")
    found = Cluster(ClusterSettings(mode="kubeconfig", kubeconfig=config, request_s=10))
    yield found
    found.delete(CONFIG_MAPS, *WHERE.split("/"))
    found.close()


def test_each_journal_has_an_entry_of_its_own(door: Cluster) -> None:
    """Made where there is none; the newest takes the place of the one before; others' stay."""
    mine, other = InConfigMap(door, WHERE, ORIGIN), InConfigMap(door, WHERE, "example.com/other")
    assert mine.newest() == ""
    mine.leave("1\n")
    other.leave("2\n")
    mine.leave("3\n")
    assert (mine.newest(), other.newest()) == ("3\n", "2\n")
    found = door.get(CONFIG_MAPS, *WHERE.split("/")) or {}
    assert found["data"] == {entry_name(ORIGIN): "3\n", "example.com_other": "2\n"}


def test_what_somebody_changed_there_is_an_alarm(door: Cluster) -> None:
    """The journal does not write over it."""
    place, told = InConfigMap(door, WHERE, ORIGIN), list[AnchorHealth]()
    past = Past(journal(3))
    at_work = Anchoring(past, [place], 3600, Clock(), told.append)
    at_work.once()
    assert place.newest() == journal(3).checkpoint()
    forged = journal(2, "another past").checkpoint()
    place.leave(forged)
    past.grow()
    at_work.once()
    assert "written anew" in told[0].differs
    assert place.newest() == forged
