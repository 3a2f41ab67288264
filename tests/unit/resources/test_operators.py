"""Format strings with command operators, held against what a real Envoy takes."""

import json
import subprocess
from pathlib import Path

import pytest

from reconciler.resources.mapping.operators import (
    _BARE,
    _OPTIONAL,
    _REQUIRED,
    InvalidFormat,
    parse_format,
)
from tests.support.envoys import envoy_path

_ARGUMENTS = {
    "METADATA": "ROUTE:reconciler:commit",
    "COALESCE": '{"operators": ["PROTOCOL"]}',
    "COMMON_DURATION": "DS_RX_BEG:DS_RX_END",
    "CEL": "request.path",
    "UPSTREAM_METADATA": "a:b",
    "CLUSTER_METADATA": "a:b",
}
TAKEN = (
    "plain",
    "100%%",
    "%%%PROTOCOL%",
    "%PROTOCOL%%PROTOCOL%",
    "%REQ(x-a?x-b):10%",
    "%REQ(a%b)%",
    "%START_TIME(%Y-%m-%dT%H:%M:%S)%",
    "%PATH(WQ):5%",
    *(f"%{name}%" for name in sorted(_BARE | _OPTIONAL)),
    *(f"%{name}({_ARGUMENTS.get(name, 'a')})%" for name in sorted(_REQUIRED)),
)
REFUSED = (
    "50%",
    "%",
    "a%b",
    "%%PROTOCOL%",
    "%PROTOCOL%%",
    "%protocol%",
    "%NO_SUCH%",
    "%2F",
    "%REQ%",
    "%REQ()%",
    "%REQ(a",
    "%REQ(a):b%",
    "%PROTOCOL(a)%",
    "%PROTOCOL:5%",
    "%METADATA(NOTHING:a:b)%",
    "%START_TIME:5%",
)


def bootstrap(*values: str) -> bytes:
    """A route that adds headers of these values."""
    headers = [{"header": {"key": f"x-{at}", "value": value}} for at, value in enumerate(values)]
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200}, "response_headers_to_add": headers}
    extensions = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{extensions}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{extensions}.http.router.v3.Router"},
            }
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    listener = {"name": "test", "address": address, "filter_chains": [chain]}
    return json.dumps({"static_resources": {"listeners": [listener]}}).encode()


def envoy_says(values: tuple[str, ...], directory: Path) -> tuple[bool, str]:
    """Whether Envoy takes them all, and its warnings."""
    path = directory / "bootstrap.json"
    path.write_bytes(bootstrap(*values))
    command = [str(envoy_path()), "--mode", "validate", "--log-level", "warning", "-c", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.returncode == 0, ran.stderr


def test_what_is_taken_is_taken_by_envoy(tmp_path: Path) -> None:
    """Everything that is accepted Envoy accepts, in one configuration, and without a warning."""
    taken, said = envoy_says(tuple(map(parse_format, TAKEN)), tmp_path)
    assert taken, said
    assert said == ""


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_envoy_refuses(text: str, tmp_path: Path) -> None:
    """Nothing is refused that Envoy would take."""
    with pytest.raises(InvalidFormat):
        parse_format(text)
    assert not envoy_says((text,), tmp_path)[0]


@pytest.mark.parametrize("text", ["", "plain", "100%%", "%PROTOCOL%", "%REQ(:path):7% and %START_TIME(%s)%"])
def test_text_of_today_stays(text: str) -> None:
    """Nothing is changed in what Envoy likes as it is."""
    assert parse_format(text) == text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a %PER_REQUEST_STATE(key)% b", "a %FILTER_STATE(key:PLAIN)% b"),
        ('%UPSTREAM_METADATA(["a", "b"])%', "%UPSTREAM_METADATA(a:b)%"),
        ('%DYNAMIC_METADATA(["a","b"]):3%', "%DYNAMIC_METADATA(a:b):3%"),
        ("%DYNAMIC_METADATA([)%", "%DYNAMIC_METADATA([)%"),
    ],
)
def test_older_spellings(old: str, new: str) -> None:
    """What Envoy warns of, or no longer reads as it was meant, is written anew."""
    assert parse_format(old) == new


def test_hints() -> None:
    """The nearest operator, or how a percent sign is written."""
    with pytest.raises(InvalidFormat) as why:
        parse_format("%PROTOCL%")
    assert why.value.hint == "did you mean %PROTOCOL%?"
    with pytest.raises(InvalidFormat) as why:
        parse_format("50% off")
    assert why.value.hint == "write %% for a percent sign"
