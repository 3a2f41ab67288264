"""``reconciler migrate``: shows first, writes only when told."""

import json
import stat
from pathlib import Path

from click.testing import CliRunner, Result

from reconciler.cli.main import cli

OLD = "apiVersion: ambassador/v1\nkind: Mapping\nname: a\nhost: h\nprefix: /a/\nservice: a\n"
NEW = """\
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: a
spec:
  hostname: h
  prefix: /a/
  service: a
"""


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["migrate", *map(str, arguments)], standalone_mode=False)


def test_without_write_it_only_shows(tmp_path: Path) -> None:
    """A unified diff, plain where nobody looks, and what to do next."""
    file = tmp_path / "a.yaml"
    file.write_text(OLD)
    result = _run(tmp_path)
    assert (result.return_value, result.exception) == (0, None)
    assert "--- a/a.yaml\n+++ b/a.yaml\n" in result.output
    assert "+  hostname: h\n" in result.output
    assert result.output.endswith("1 file would change; --write writes them\n")
    assert "\x1b" not in result.output
    assert file.read_text() == OLD


def test_with_write_it_writes_and_then_finds_nothing_more(tmp_path: Path) -> None:
    """Permissions stay, no other file appears."""
    file = tmp_path / "a.yaml"
    file.write_text(OLD)
    file.chmod(0o640)
    assert _run(tmp_path, "--write").return_value == 0
    assert file.read_text() == NEW
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [file]
    assert _run(tmp_path, "--write").output == "nothing to migrate\n"


def test_a_single_file_is_written_where_it_is(tmp_path: Path) -> None:
    """PATH may be a file."""
    file = tmp_path / "a.yaml"
    file.write_text(OLD)
    assert _run(file, "--write").return_value == 0
    assert file.read_text() == NEW


def test_what_is_left_alone_is_said_and_ends_with_1(tmp_path: Path) -> None:
    """Others are written nonetheless."""
    (tmp_path / "a.yaml").write_text(OLD)
    (tmp_path / "b.yaml").write_text(OLD.replace("name: a", "name: b") + "nonsense: 1\n")
    result = _run(tmp_path, "--write")
    assert result.return_value == 1
    assert "left alone b.yaml" in result.output
    assert "1 file migrated, 1 left alone\n" in result.output
    assert (tmp_path / "a.yaml").read_text() == NEW


def test_programs_get_json(tmp_path: Path) -> None:
    """Diffs, notes and what was left alone."""
    (tmp_path / "a.yaml").write_text(OLD)
    said = json.loads(_run(tmp_path, "--output", "json").stdout)
    assert said["written"] is False
    assert said["left"] == []
    (file,) = said["files"]
    assert file["path"] == "a.yaml"
    assert "Mapping a: host is hostname now" in file["notes"]
    assert file["diff"].startswith("--- a/a.yaml")
