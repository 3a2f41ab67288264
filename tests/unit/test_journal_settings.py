"""Which journal the settings name."""

from pathlib import Path

import pytest

from reconciler.cli.journal import open_journal, schema_of
from reconciler.model.errors import Stalled
from reconciler.settings import Settings, load
from reconciler.settings.settings import Secret
from tests.support.journals import Clock


@pytest.mark.parametrize(
    ("setting", "replica", "schema"),
    [
        ("reconciler", "r-0", "reconciler"),
        ("{replica}", "reconciler-0", "reconciler_0"),
        ("routes_{replica}", "West.Prod", "routes_west_prod"),
        ("{replica}", "0abc", "_0abc"),
    ],
)
def test_a_schema_for_each_replica(setting: str, replica: str, schema: str) -> None:
    """In small letters, digits and _: PostgreSQL takes such names as they are."""
    assert schema_of(setting, replica) == schema


def test_long_names_of_replicas_stay_apart() -> None:
    """PostgreSQL cuts names silently."""
    made = {schema_of("{replica}", "r" * 80 + end) for end in "ab"}
    assert len(made) == 2
    assert {len(each) for each in made} == {63}


@pytest.mark.parametrize("name", ["", "Routes", "a-b", "pg_x", "1a", "a" * 64, 'a"b', "{other}"])
def test_a_schema_that_is_no_name(name: str) -> None:
    """It is said before anything is opened."""
    with pytest.raises(Stalled, match="journal_schema"):
        load({"journal_schema": name}, {}, None)


@pytest.mark.parametrize(
    "url", ["hunter2", "nonsense://u:hunter2@h/db", "postgresql+other://u:hunter2@h/db", "://hunter2"]
)
def test_a_url_that_names_no_database(tmp_path: Path, url: str) -> None:
    """Neither a file of that name is made, nor is it shown: a password may be in it."""
    file = tmp_path / "url"
    file.write_text(f"{url}\n")
    for settings in (
        Settings(state=tmp_path, journal_url=Secret(url)),
        Settings(state=tmp_path, journal_url_file=file),
    ):
        with pytest.raises(Stalled) as refused:
            open_journal(settings, Clock())
        assert "hunter2" not in str(refused.value)
    assert list(tmp_path.iterdir()) == [file]


def test_without_one_it_is_a_file(tmp_path: Path) -> None:
    """In the state directory."""
    open_journal(Settings(state=tmp_path), Clock()).close()
    assert [path.name for path in tmp_path.iterdir()] == ["journal.db"]
