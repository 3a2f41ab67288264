"""What the upstream gets of a request, and the client of the answer."""

from collections.abc import Callable

from tests.acceptance.pairs.draft import Draft

# What goes to the upstream.


def _seen_path(draft: Draft, matched_becomes: str | None) -> str:
    """The path the upstream sees when the rewrite replaces what matched; None: it is left alone."""
    path, mark, query = str(draft.request["path"]).partition("?")
    if matched_becomes is None:
        return path + mark + query
    whole = draft.mapping.get("prefix_exact") or draft.mapping.get("prefix_regex")
    rest = "" if whole else path[len("/p/") :]
    return matched_becomes + rest + mark + query


def rewrite(written: str | None) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        if written is not None:
            draft.mapping["rewrite"] = written
        draft.expect["path"] = _seen_path(draft, None if written == "" else written or "/")

    return apply


def regex_rewrite(draft: Draft) -> None:
    draft.mapping["regex_rewrite"] = {"pattern": "(?i)/p/([a-z]+)", "substitution": r"/r/\1/end"}
    _path_alone, mark, query = str(draft.request["path"]).partition("?")
    draft.expect["path"] = "/r/word/end" + mark + query


def same_host(draft: Draft) -> None:
    if not draft.grpc:
        draft.expect["host"] = draft.request.get("host", "acceptance.test")


def host_rewrite(draft: Draft) -> None:
    draft.mapping["host_rewrite"] = "inner.test"
    if not draft.grpc:
        draft.expect["host"] = "inner.test"


def auto_host_rewrite(draft: Draft) -> None:
    draft.mapping["auto_host_rewrite"] = True
    if not draft.grpc:
        draft.expect["host"] = "~(echo|other|m?tls|h2)[.].*"


def timeout(milliseconds: int | None) -> Callable[[Draft], None]:
    def apply(draft: Draft) -> None:
        if milliseconds is not None:
            draft.mapping["timeout_ms"] = milliseconds
        if draft.grpc or draft.websocket:
            return  # a gRPC call has its own deadline, an upgrade is not timed so
        if milliseconds == 0:
            draft.expect["absent"].append("x-envoy-expected-rq-timeout-ms")
        else:
            draft.expect["headers"]["x-envoy-expected-rq-timeout-ms"] = str(milliseconds or 3000)

    return apply


def retry(draft: Draft) -> None:
    draft.mapping["retry_policy"] = {"retry_on": "5xx", "num_retries": 3}
    draft.request["headers"]["x-fail"] = "2"
    draft.expect["attempts"] = 3
    if "x-envoy-expected-rq-timeout-ms" in draft.expect["headers"]:
        draft.expect["headers"]["x-envoy-expected-rq-timeout-ms"] = "~[1-9][0-9]*"  # what is left of it


def cors(draft: Draft) -> None:
    draft.mapping["cors"] = {"origins": ["https://page.test"], "credentials": True, "exposed_headers": ["x-shown"]}
    draft.request["headers"]["origin"] = "https://page.test"
    draft.expect["response_headers"] |= {
        "access-control-allow-origin": "https://page.test",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-shown",
    }


def add_request_headers(draft: Draft) -> None:
    draft.mapping["add_request_headers"] = {
        "x-added": {"value": "a", "append": False},
        "x-grown": {"value": "b", "append": True},
    }
    draft.request["headers"] |= {"x-added": "was", "x-grown": "was"}
    draft.expect["headers"] |= {"x-added": "a", "x-grown": "~was, ?b"}


def remove_request_headers(draft: Draft) -> None:
    draft.mapping["remove_request_headers"] = ["x-secret"]
    draft.request["headers"]["x-secret"] = "s"
    draft.expect["absent"].append("x-secret")


def add_linkerd_headers(draft: Draft) -> None:
    draft.mapping["add_linkerd_headers"] = True
    draft.expect["headers"]["l5d-dst-override"] = "~.+:[0-9]+"


def add_response_headers(draft: Draft) -> None:
    draft.mapping["add_response_headers"] = {"x-told": {"value": "yes", "append": False}}
    draft.expect["response_headers"]["x-told"] = "yes"


def remove_response_headers(draft: Draft) -> None:
    draft.mapping["remove_response_headers"] = ["x-inner"]
    draft.request["headers"]["x-answer-headers"] = '{"x-inner": "i"}'
    draft.expect["absent_response_headers"] = ["x-inner"]


def hash_cookie(draft: Draft) -> None:
    draft.mapping["load_balancer"] = {"policy": "ring_hash", "cookie": {"name": "stick", "ttl": "60s", "path": "/"}}
    if not draft.websocket:
        draft.expect["response_headers"]["set-cookie"] = "~stick=.*"


def new_body(draft: Draft) -> None:
    """An error of the upstream gets another body: Envoy answers anew, and of the upstream's headers nothing is left."""
    draft.mapping["error_response_overrides"] = [{"on_status_code": 404, "body": {"text_format": "nothing here"}}]
    draft.request["headers"]["x-answer-status"] = "404"
    draft.expect |= {"status": 404, "body": "nothing here"}

    def count(whole: Draft) -> None:
        whole.expect["seen_by"][whole.expect.pop("upstream")] = whole.expect.pop("attempts", 1)

    draft.last.append(count)
