"""Settings come back from how they are shown, as a record of the journal holds them."""

import json
from pathlib import Path

import pytest

from reconciler.cli.stages import stage_options
from reconciler.model.errors import Stalled
from reconciler.settings import load
from reconciler.settings.recorded import as_recorded, recorded

GIVEN = {
    "repo": "https://git.example.com/team/routes.git",
    "target": ("xds", "files:/etc/envoy/routes"),
    "listen": "127.0.0.1:18080",
    "interval": "1m30s",
    "fetch_timeout": "250ms",
    "max_delete_share": "12.5%",
    "annotations": "true",
    "service_address": ("*=127.0.0.1:9", "a.b:80=10.0.0.1:81"),
    "access_log": "",
    "access_log_format": "json",
    "tls_files": ("/certificates",),
    "sharding": "hosts",
    "xds_cert_file": "/certs/tls.crt",
}


@pytest.mark.parametrize("given", [{}, GIVEN])
def test_settings_come_back(given: dict[str, object]) -> None:
    """Through JSON, with the same digest and the same options for every stage."""
    before = load(given, {"RECONCILER_GIT_TOKEN": "a-token"} if given else {}, None)
    assert recorded(json.loads(json.dumps(before.shown()))).settings == recorded(as_recorded(before)).settings
    after = recorded(json.loads(json.dumps(as_recorded(before), allow_nan=False), parse_float=pytest.fail))
    assert stage_options(after).render == stage_options(before).render
    assert stage_options(after).limits == stage_options(before).limits
    assert after.settings.state == Path(str(before.settings.state))
    for name, value in before.shown().items():
        if name != "git_token":
            assert after.shown()[name] == value, name


@pytest.mark.parametrize("shown", [{"colour": "red"}, {"sharding": "sideways"}, {"interval": "x"}])
def test_what_this_program_does_not_know_is_said(shown: dict[str, str]) -> None:
    """Another version may have had other settings: what it rendered can't be rendered here."""
    with pytest.raises(Stalled, match=next(iter(shown))):
        recorded(shown)
