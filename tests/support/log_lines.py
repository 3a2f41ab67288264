"""Lines of Envoy's access log as our formats have them."""

import json

COMMIT = "3f2a9c1e" + "0" * 32
_REQUEST_ID = "3f2a9c1e-1111-2222-3333-444455556666"


def text_line(
    mapping: str = "default/item",
    commit: str = COMMIT,
    *,
    time: str = "2026-05-06T12:00:30.000Z",
    path: str = "/item/42",
    status: int = 200,
    flags: str = "-",
    source: str = "routes/item.yaml",
    authority: str = "shop.example.com",
    request_id: str = _REQUEST_ID,
) -> str:
    """A request as a line of words."""
    return (
        f'[{time}] "GET {path} HTTP/1.1" {status} {flags} 0 1345 12 "{authority}" "10.0.0.12:8080" "{request_id}" '
        f"mapping={mapping} source={source} commit={commit}"
    )


def json_line(mapping: str | None = "default/item", commit: str | None = COMMIT, **changed: object) -> str:
    """A request as a line of JSON."""
    value: dict[str, object] = {
        "start_time": "2026-05-06T12:00:30.000Z",
        "method": "GET",
        "path": "/item/42",
        "protocol": "HTTP/1.1",
        "authority": "shop.example.com",
        "response_code": 200,
        "response_flags": "-",
        "bytes_received": 0,
        "bytes_sent": 1345,
        "duration_ms": 12,
        "client": "10.1.1.1",
        "upstream_cluster": "item:80",
        "upstream_host": "10.0.0.12:8080",
        "request_id": _REQUEST_ID,
        "mapping": mapping,
        "source": "routes/item.yaml",
        "commit": commit,
    }
    return json.dumps(value | changed)


def connection_line(
    mapping: str = "default/redis",
    commit: str = COMMIT,
    *,
    time: str = "2026-05-06T12:00:30.000Z",
    cluster: str = "redis:6379",
    source: str = "routes/redis.yaml",
) -> str:
    """A connection as a line of words."""
    return (
        f'[{time}] "TCP redis.example.com" - 5 6 12 "{cluster}" "10.0.0.13:6379" '
        f"mapping={mapping} source={source} commit={commit}"
    )
