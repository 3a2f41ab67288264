"""How a request is asked, and which requests a Mapping gets."""

from collections.abc import Callable
from typing import Any

from tests.acceptance.pairs.draft import BESIDE, Draft

# How it is asked.


def http2(draft: Draft) -> None:
    draft.request["protocol"] = "http2"
    draft.expect["protocol"] = "HTTP/2"


def websocket(draft: Draft) -> None:
    draft.mapping["allow_upgrade"] = ["websocket"]
    draft.request |= {"protocol": "websocket", "body": "hello"}
    draft.expect |= {"status": 101, "body": '~.*"body": "hello".*', "upstream_protocol": "websocket"}


def grpc_call(draft: Draft) -> None:
    draft.mapping |= {"grpc": True, "service": "grpc"}
    draft.request |= {"protocol": "grpc", "method": "POST", "body": "hello"}
    draft.expect |= {"grpc_status": "OK", "upstream": "grpc", "request_body": "hello"}


def tls(draft: Draft) -> None:
    draft.mapping["service"] = "https://tls"
    draft.expect |= {"upstream": "tls", "upstream_sni": "~tls.*"}


def mutual_tls(draft: Draft) -> None:
    files = {"cert_chain_file": "@{path:client.crt}", "private_key_file": "@{path:client.key}"}
    draft.beside.append(("TLSContext", "client", files | {"cacert_chain_file": "@{path:mtls.crt}", "sni": "mtls"}))
    draft.mapping |= {"service": "https://mtls", "tls": "client"}
    draft.expect |= {"upstream": "mtls", "upstream_sni": "mtls", "upstream_certificate": "client"}


def h2(draft: Draft) -> None:
    draft.mapping |= {"service": "h2", "grpc": True}
    draft.expect |= {"upstream": "h2", "upstream_protocol": "HTTP/2"}


# Which requests.


def path(asked: str, **fields: Any) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.mapping |= fields
        draft.request["path"] = asked

    return apply


def method(draft: Draft) -> None:
    name = "GET" if draft.websocket else "POST" if draft.grpc else "PUT"
    draft.mapping["method"] = name
    draft.request["method"] = name


def method_regex(draft: Draft) -> None:
    method(draft)
    draft.mapping |= {"method": "GET|P[A-Z]+", "method_regex": True}


def headers(draft: Draft) -> None:
    draft.mapping["headers"] = {"x-team": "red"}
    draft.request["headers"]["x-team"] = "red"
    draft.expect["headers"]["x-team"] = "red"


def regex_headers(draft: Draft) -> None:
    draft.mapping["regex_headers"] = {"x-team": "r[a-z]+"}
    draft.request["headers"]["x-team"] = "rot"


def query(asked: str, **fields: Any) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.mapping |= fields
        draft.request["path"] += asked

    return apply


def hostname(pattern: str, host: str) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        draft.mapping["hostname"] = pattern
        draft.request["host"] = host

    return apply


def precedence(draft: Draft) -> None:
    draft.mapping["precedence"] = 10
    longer = {"hostname": "*", "prefix": "/p/word", "service": "another"}
    draft.beside.append(("Mapping", BESIDE, longer))


def redirect(location: str, status: int = 301, **fields: object) -> Callable[[Draft], None]:
    """Envoy answers by itself; ``{asked}`` stands for what was asked, ``{query}`` for its query."""

    def apply(draft: Draft) -> None:
        draft.mapping |= {"host_redirect": True, "service": "to.test", **fields}
        del draft.expect["upstream"]
        asked = str(draft.request["path"])
        _, mark, query = asked.partition("?")
        scheme = "https" if "tls" in draft.request else "http"
        place = location.format(asked=asked, query=mark + query)
        draft.expect |= {"status": status, "location": f"{scheme}://to.test{place}", "headers": {}}

    return apply
