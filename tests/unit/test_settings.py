"""Settings: precedence, provenance, located errors, secrets."""

import dataclasses
from pathlib import Path

import pytest

from reconciler.model.errors import Stalled
from reconciler.settings import Secret, Settings, load
from reconciler.settings.settings import specs


def test_flags_beat_environment_beat_file_beat_default(tmp_path: Path) -> None:
    """Each value comes from the strongest place that names it, and says so."""
    file = tmp_path / "settings.yaml"
    file.write_text("interval: 5m\nref: from-file\npath: from-file\n")
    environment = {"RECONCILER_REF": "from-variable", "RECONCILER_PATH": "from-variable", "OTHER": "x"}
    loaded = load({"path": "from-flag", "target": ()}, environment, file)
    assert (loaded.settings.interval, loaded.settings.ref, loaded.settings.path) == (300, "from-variable", "from-flag")
    assert loaded.origins["interval"] == f"file {file}"
    assert loaded.origins["ref"] == "variable RECONCILER_REF"
    assert loaded.origins["path"] == "flag --path"
    assert loaded.origins["target"] == "default"


def test_repeatable_settings_take_many(tmp_path: Path) -> None:
    """Lists and mappings in the file, commas in a variable and repeated flags mean the same."""
    file = tmp_path / "settings.yaml"
    file.write_text("service_address: {httpbin.org: '127.0.0.1:1'}\ntarget: [xds, 'files:/x']\n")
    from_file = load({}, {}, file).settings
    assert from_file.service_address == (("httpbin.org", "127.0.0.1:1"),)
    assert from_file.target == load({}, {"RECONCILER_TARGET": "xds,files:/x"}, None).settings.target
    assert from_file.target == load({"target": ("xds", "files:/x")}, {}, None).settings.target


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("interval", "5 parsecs", "expected a duration"),
        ("jitter", "2", "share between 0 and 1"),
        ("depth", "-1", "whole number"),
        ("conflicts", "fight", "quarantine, split"),
        ("listen", "8080", "HOST:PORT"),
        ("listen", "host:70000", "HOST:PORT"),
        ("target", "kafka", "xds, files:DIR, configmap:NAMESPACE/NAME or none"),
        ("service_address", "x", "SERVICE=HOST:PORT"),
        ("allow_local", "perhaps", "true or false"),
        ("annotations", "all", "true or false"),
        ("namespaces", "Shop", "the name of a namespace"),
        ("namespaces", "a/b", "the name of a namespace"),
        ("ingress_class", "-x", "a name of up to 253"),
        ("ingress_class", "", "a name of up to 253"),
        ("label_selector", "team=\n", "labels such as"),
        ("precedence", "annotation", "git, cluster"),
    ],
)
def test_a_bad_value_names_its_place_and_what_was_expected(name: str, text: str, part: str) -> None:
    """Every parser refuses in words that name the variable."""
    with pytest.raises(Stalled) as caught:
        load({}, {"RECONCILER_" + name.upper(): text}, None)
    assert "RECONCILER_" + name.upper() in caught.value.message
    assert part in caught.value.message


def test_an_unknown_setting_in_the_file_suggests_the_nearest(tmp_path: Path) -> None:
    """A misspelt key is an error with a suggestion, never ignored."""
    file = tmp_path / "settings.yaml"
    file.write_text("intervall: 5m\n")
    with pytest.raises(Stalled, match="did you mean interval"):
        load({}, {}, file)


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [", "\xff"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    """Lists, broken YAML and other encodings are one clear error."""
    file = tmp_path / "settings.yaml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(Stalled, match=r"settings\.yaml"):
        load({}, {}, file)


def test_secrets_are_never_shown() -> None:
    """No string form, listing or digest input of the settings holds the token."""
    loaded = load({}, {"RECONCILER_GIT_TOKEN": "s3cr3t-token"}, None)
    assert loaded.settings.git_token.reveal() == "s3cr3t-token"
    for shown in (repr(loaded), str(loaded.settings), str(loaded.shown()), f"{loaded.settings.git_token}"):
        assert "s3cr3t" not in shown
    other = load({}, {"RECONCILER_GIT_TOKEN": "another"}, None)
    assert loaded.digest == other.digest
    assert Secret("a") == Secret("a") != Secret("b")


@pytest.mark.parametrize(
    ("repo", "shown"),
    [
        ("https://ann:hunter2@git.example.com/r.git", "https://[redacted]@git.example.com/r.git"),
        ("http://t0ken@git.example.com/r.git", "http://[redacted]@git.example.com/r.git"),
        ("https://a:p@ss@git.example.com/r@2.git", "https://[redacted]@git.example.com/r@2.git"),
        ("https://git.example.com/r@2.git", "https://git.example.com/r@2.git"),
        ("ssh://git@git.example.com/r.git", "ssh://git@git.example.com/r.git"),
        ("git@git.example.com:r.git", "git@git.example.com:r.git"),
    ],
)
def test_credentials_in_the_repository_url_are_never_shown(repo: str, shown: str) -> None:
    """Written there by mistake, they reach neither `config` nor anything else that is shown."""
    assert load({"repo": repo}, {}, None).shown()["repo"] == shown


def test_what_config_shows_can_be_typed_in() -> None:
    """Each shown value is one its own parser takes, and means the same."""
    loaded = load({}, {"RECONCILER_INTERVAL": "90s", "RECONCILER_TARGET": "xds"}, None)
    for name, text in loaded.typed().items():
        spec = specs()[name]
        if text and not spec.many and not spec.secret:
            assert spec.parse(text) == getattr(loaded.settings, name), name


def test_paths_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative path means the current directory, also after some part works elsewhere."""
    monkeypatch.chdir(tmp_path)
    settings = load({"state": "state", "ca_file": "ca.pem"}, {}, None).settings
    assert (settings.state, settings.ca_file) == (tmp_path / "state", tmp_path / "ca.pem")


def test_every_setting_is_documented_and_its_default_parses_back() -> None:
    """Each field has help, and what is shown of its default is accepted as input."""
    defaults = Settings()
    for field in dataclasses.fields(Settings):
        spec = specs()[field.name]
        assert spec.help.endswith(".") or spec.help.endswith("others.")
        value = getattr(defaults, field.name)
        if isinstance(value, str) and value:
            assert spec.parse(value) == value
