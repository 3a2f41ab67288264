"""``render`` and ``validate``: what they say of folders that are not well."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.main import cli
from reconciler.model.errors import Stalled

MAPPING = """\
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: m}
spec: {hostname: "*", prefix: /a/, service: svc}
"""
BROKEN_AUTH = """\
apiVersion: getambassador.io/v3alpha1
kind: AuthService
metadata: {name: auth}
spec: {auth_servce: "auth:3000", proto: http}
"""


def test_no_bootstrap_lets_requests_past_a_broken_auth_service(tmp_path: Path) -> None:
    """Whoever runs what is printed would serve every request unasked; the table can still be looked at."""
    (tmp_path / "m.yaml").write_text(f"{MAPPING}---\n{BROKEN_AUTH}")
    runner = CliRunner()
    refused = runner.invoke(cli, ["render", str(tmp_path), "--stage", "bootstrap"], standalone_mode=False)
    assert isinstance(refused.exception, Stalled)
    assert "AuthService default/auth" in str(refused.exception)
    assert "static_resources" not in refused.output
    looked_at = runner.invoke(cli, ["render", str(tmp_path), "--stage", "table"], standalone_mode=False)
    assert looked_at.exception is None


@pytest.mark.parametrize(
    ("files", "asked"), [({}, True), ({"a.yaml": MAPPING.replace("prefix", "prefx")}, False)], ids=["empty", "broken"]
)
def test_only_a_folder_without_mappings_may_be_the_wrong_one(
    tmp_path: Path, files: dict[str, str], *, asked: bool
) -> None:
    """Where the only Mapping has an error, that error is what to look at."""
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    result = CliRunner().invoke(cli, ["validate", str(tmp_path), "--envoy", "off"], standalone_mode=False)
    assert result.return_value == 1
    assert ("is this the right folder?" in result.output) is asked
