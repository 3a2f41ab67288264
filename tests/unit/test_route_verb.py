"""``reconciler route``: the request it asks about is the one a client would send."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.main import cli

MAPPING = """\
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: m}
spec: {hostname: "*", prefix: /a/, query_parameters: {q: a%20b}, service: svc}
"""


POLICY = """\
apiVersion: reconciler.dev/v1alpha1
kind: MappingPolicy
metadata: {name: p}
spec: {mappings: [m], maintenance: {enabled: true}}
"""


def test_policies_are_named_with_their_place(tmp_path: Path) -> None:
    """Who says that there is maintenance can be found; Envoy's own answer is an answer."""
    (tmp_path / "m.yaml").write_text(f"{MAPPING}---\n{POLICY}")
    result = CliRunner().invoke(cli, ["route", "http://h/a/b?q=a%20b", str(tmp_path)], standalone_mode=False)
    assert (result.return_value, result.exception) == (0, None)
    assert "503: maintenance" in result.output
    assert "policy default/p  m.yaml:6" in result.output


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("http://h/a/b?q=a%20b", 0, "with path /b?q=a%20b and host h"),
        ("http://h/a/b?q=a+b", 1, "no rule of virtual host `*` matches"),
        ("http://h:8080/x/../a/?q=a%20b&r", 0, "with path /?q=a%20b&r and host h:8080"),
        ("http://h/a/?q=a%20b&r=", 0, "with path /?q=a%20b&r= and host h"),
        ("http://h/a%00", 1, "400: "),
    ],
)
def test_parameters_are_asked_about_as_they_are_sent(tmp_path: Path, url: str, code: int, words: str) -> None:
    """Envoy decodes no parameter, normalises the path, and refuses what is no path."""
    (tmp_path / "m.yaml").write_text(MAPPING)
    result = CliRunner().invoke(cli, ["route", url, str(tmp_path)], standalone_mode=False)
    assert (result.return_value, result.exception) == (code, None)
    assert words in result.output


AUTH = """\
apiVersion: getambassador.io/v3alpha1
kind: AuthService
metadata: {name: who}
spec: {auth_service: who:3000}
"""


@pytest.mark.parametrize(
    ("documents", "words", "value"),
    [
        (f"{MAPPING}---\n{AUTH}", "auth: asked (AuthService default/who)", {"service": "default/who", "asked": True}),
        (
            f"{MAPPING.replace('service: svc', 'service: svc, bypass_auth: true')}---\n{AUTH}",
            "auth: not asked (bypass_auth)",
            {"service": "default/who", "asked": False},
        ),
        (
            f"{MAPPING}---\n{POLICY}---\n{AUTH}",
            "auth: not asked (Envoy answers)",
            {"service": "default/who", "asked": False},
        ),
        (MAPPING, "→ svc.default:80", {"service": None, "asked": None}),
    ],
)
def test_whether_the_auth_service_is_asked(tmp_path: Path, documents: str, words: str, value: object) -> None:
    """A route that lets everybody through says so, in words and in JSON; without an AuthService nothing is said."""
    (tmp_path / "m.yaml").write_text(documents)
    command = ["route", "http://h/a/b?q=a%20b", str(tmp_path)]
    text = CliRunner().invoke(cli, command, standalone_mode=False)
    assert words in text.output
    assert ("auth:" in text.output) == (documents != MAPPING)
    printed = CliRunner().invoke(cli, [*command, "--output", "json"], standalone_mode=False)
    assert json.loads(printed.output)["auth"] == value
