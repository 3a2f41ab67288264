"""What a Mapping asks of its route besides where it goes."""

from typing import Any

import pytest

from reconciler.model.match import MatchKind, StringMatch
from reconciler.model.policy import NO_POLICY, Cors, HeaderChanges, HeaderValue, Priority, RetryPolicy, RoutePolicy
from reconciler.model.problem import Code, Severity
from reconciler.resources.mapping.retries import RETRY_WORDS
from tests.support.documents import mapping, old, refusal, spec, warned_mapping

ANY_ORIGIN = StringMatch(MatchKind.ANY)


def origin(text: str) -> StringMatch:
    """One origin by name."""
    return StringMatch(MatchKind.EXACT, text)


def test_nothing_asked() -> None:
    """A Mapping that asks for nothing has the one empty policy, so that telling costs nothing."""
    assert mapping(spec()).policy is NO_POLICY
    nothing = dict.fromkeys(("retry_policy", "cors", "add_request_headers", "priority", "idle_timeout_ms"))
    assert mapping(spec(**nothing)).policy == NO_POLICY
    assert mapping(spec(allow_upgrade=None, add_linkerd_headers=None, use_websocket=None)).policy == NO_POLICY


@pytest.mark.parametrize(
    ("given", "retry"),
    [
        ({"retry_on": "5xx"}, RetryPolicy(("5xx",))),
        ({"retry_on": "reset, 5xx,reset"}, RetryPolicy(("5xx", "reset"))),
        ({"retry_on": ["unavailable", "5xx,reset"]}, RetryPolicy(("5xx", "reset", "unavailable"))),
        ({"retry_on": "5xx", "num_retries": 0}, RetryPolicy(("5xx",), 0)),
        ({"retry_on": "5xx", "num_retries": None, "per_try_timeout": None}, RetryPolicy(("5xx",))),
        ({"retry_on": "5xx", "per_try_timeout": "1.5s"}, RetryPolicy(("5xx",), None, 1500)),
        ({"retry_on": "5xx", "per_try_timeout": "0s"}, RetryPolicy(("5xx",))),
    ],
)
def test_retries(given: dict[str, Any], retry: RetryPolicy) -> None:
    """One condition, several, and how often; a try of 0 s is bounded by the whole request alone, as in Envoy."""
    assert mapping(spec(retry_policy=given)).policy.retry == retry
    assert mapping(old(retry_policy=given)).policy.retry == retry


@pytest.mark.parametrize("word", [word for word in RETRY_WORDS if not word.startswith("retriable-s")])
def test_every_condition(word: str) -> None:
    """Each word of Envoy's is taken as it is, those that need a header with a word of warning."""
    document = spec(retry_policy={"retry_on": word})
    resource = warned_mapping(document)[0] if word == "retriable-headers" else mapping(document)
    assert resource.policy.retry == RetryPolicy((word,))


@pytest.mark.parametrize(
    ("given", "field", "hint"),
    [
        ({"retry_on": "5XX"}, "spec.retry_policy.retry_on", "did you mean 5xx?"),
        ({"retry_on": "5xx,gateway_error"}, "spec.retry_policy.retry_on", "did you mean gateway-error?"),
        ({"retry_on": "5xx", "per_try_timeout": "soon"}, "spec.retry_policy.per_try_timeout", ""),
        ({"retry_on": "5xx", "per_try_timeout": "1500ns"}, "spec.retry_policy.per_try_timeout", ""),
        ({"retry_on": ""}, "spec.retry_policy.retry_on", ""),
        ({"retry_on": "5xx", "num_retries": -1}, "spec.retry_policy.num_retries", ""),
    ],
)
def test_wrong_retries(given: dict[str, Any], field: str, hint: str) -> None:
    """Envoy ignores a condition it does not know in silence; here it is an error."""
    problem = refusal(spec(retry_policy=given))
    assert (problem.code, problem.field, problem.hint) == (Code.INVALID_VALUE, field, hint)


def test_statuses_come_from_a_header() -> None:
    """Without the header that names statuses the condition does nothing; with it nothing is to be said."""
    retry = {"retry_on": "retriable-status-codes"}
    _, problem = warned_mapping(spec(retry_policy=retry))
    assert (problem.code, problem.field) == (Code.FIELD_IGNORED, "spec.retry_policy.retry_on")
    named = {"X-Envoy-Retriable-Status-Codes": "429"}
    assert mapping(spec(retry_policy=retry, add_request_headers=named)).policy.retry is not None


def test_a_try_longer_than_the_whole() -> None:
    """A timeout of each try beyond that of the whole request is warned of."""
    _, problem = warned_mapping(spec(timeout_ms=100, retry_policy={"retry_on": "5xx", "per_try_timeout": "1s"}))
    assert (problem.code, problem.field) == (Code.FIELD_IGNORED, "spec.retry_policy.per_try_timeout")


FULL_CORS = Cors(
    (origin("https://a.test"), origin("https://b.test:8443")), ("PUT", "GET"), ("x-a",), ("x-b", "x-c"), True, "60"
)


def test_cors() -> None:
    """Lists of today and texts with commas of before say the same; origins are sorted, names keep their order."""
    lists = {"methods": ["PUT", "GET", "PUT"], "headers": ["x-a"], "exposed_headers": ["x-b", "x-c"]}
    origins = ["https://b.test:8443", "https://a.test"]
    given = {"origins": origins, **lists, "credentials": True, "max_age": "60"}
    assert mapping(spec(cors={**given, "v2CommaSeparatedOrigins": True})).policy.cors == FULL_CORS
    assert mapping(old(cors=given)).policy.cors == FULL_CORS
    texts = {name: ", ".join(value) for name, value in lists.items()}
    assert mapping(old(cors={**given, **texts, "origins": ",".join(origins) + ",", "max_age": 60})).policy.cors == (
        FULL_CORS
    )


def test_cors_for_all() -> None:
    """The origin * is all of them; with credentials that is a hole, which is told and served as written."""
    assert mapping(spec(cors={"origins": ["*"]})).policy.cors == Cors((ANY_ORIGIN,))
    resource, problem = warned_mapping(spec(cors={"origins": ["*"], "credentials": True}))
    assert resource.policy.cors == Cors((ANY_ORIGIN,), credentials=True)
    assert (problem.code, problem.field, problem.severity) == (Code.OPEN_CORS, "spec.cors.origins", Severity.WARNING)
    _, problem = warned_mapping(old(cors={"origins": "null", "credentials": True}))
    assert problem.code is Code.OPEN_CORS


@pytest.mark.parametrize(
    "text",
    [
        "a.test",
        "https://a.test/",
        "https://*.test",
        "https://A.test",
        "https://a.test:443",
        "http://a.test:80",
        "https://u@a.test",
    ],
)
def test_origins_of_no_browser(text: str) -> None:
    """An origin that no browser sends lets nobody in, which the other implementation says nowhere."""
    resource, problem = warned_mapping(spec(cors={"origins": [text]}))
    assert resource.policy.cors == Cors((origin(text),))
    assert (problem.code, problem.field) == (Code.INVALID_VALUE, "spec.cors.origins[0]")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"max_age": "1h"}, "spec.cors.max_age"),
        ({"max_age": -1}, "spec.cors.max_age"),
        ({"methods": ["GET,POST"]}, "spec.cors.methods[0]"),
        ({"headers": ["x a"]}, "spec.cors.headers[0]"),
        ({"exposed_headers": ["x\r\ny"]}, "spec.cors.exposed_headers[0]"),
    ],
)
def test_wrong_cors(given: dict[str, Any], field: str) -> None:
    """What would stand in a header as it is must be what the header may hold."""
    problem = refusal(spec(cors={"origins": ["*"], **given}))
    assert (problem.code, problem.field) == (Code.INVALID_VALUE, field)


def test_headers() -> None:
    """Bare values and objects; names in lower case, sorted; what was there stays unless said otherwise."""
    added = {
        "X-B": "1",
        "x-a": {"value": "%%2"},
        "x-c": {"value": "3", "append": False},
        "x-d": {"value": "4", "append": None},
    }
    policy = mapping(spec(add_request_headers=added, remove_response_headers=["Y-B", "y-a", "y-b"])).policy
    assert policy.request_headers == HeaderChanges(
        (
            HeaderValue("x-a", "%%2"),
            HeaderValue("x-b", "1"),
            HeaderValue("x-c", "3", append=False),
            HeaderValue("x-d", "4"),
        )
    )
    assert policy.response_headers == HeaderChanges(remove=("y-a", "y-b"))
    assert mapping(old(remove_request_headers="X-A")).policy.request_headers == HeaderChanges(remove=("x-a",))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"add_request_headers": {"host": "a"}}, "spec.add_request_headers.host"),
        ({"add_response_headers": {":status": "200"}}, "spec.add_response_headers.:status"),
        ({"add_request_headers": {"x y": "a"}}, "spec.add_request_headers.x y"),
        ({"add_request_headers": {"x": "a\nb"}}, "spec.add_request_headers.x"),
        ({"add_request_headers": {"x": {"value": "50%"}}}, "spec.add_request_headers.x.value"),
        ({"add_request_headers": {"x": "s" * 16_385}}, "spec.add_request_headers.x"),
        ({"add_request_headers": {f"x-{n}": "a" for n in range(1001)}}, "spec.add_request_headers"),
        ({"remove_request_headers": ["a", "Host"]}, "spec.remove_request_headers[1]"),
        ({"remove_response_headers": ["a b"]}, "spec.remove_response_headers[0]"),
    ],
)
def test_wrong_headers(fields: dict[str, Any], field: str) -> None:
    """What Envoy would refuse, with all other routes, is found before."""
    problem = refusal(spec(**fields))
    assert (problem.code, problem.field) == (Code.INVALID_VALUE, field)


@pytest.mark.parametrize(
    "value",
    ["s3cret 5%", "%s3cret%", "%REQ(s3cret", "s3cret\n", {"value": 5, "s3cret": 1}, ["s3cret"], "s3cret" * 3000],
)
def test_values_are_never_shown(value: object) -> None:
    """A value may be a credential: no message repeats it."""
    assert "s3cret" not in str(refusal(spec(add_request_headers={"authorization": value})))


def test_an_empty_value() -> None:
    """Envoy adds no header without a value: warned of."""
    _, problem = warned_mapping(spec(add_request_headers={"x-a": ""}))
    assert (problem.code, problem.field) == (Code.FIELD_IGNORED, "spec.add_request_headers.x-a")


def test_names_that_differ_in_case() -> None:
    """Which of the two would win is not to be guessed."""
    assert refusal(spec(add_request_headers={"X-A": "1", "x-a": "2"})).code is Code.FIELDS_CONTRADICT


@pytest.mark.parametrize(("text", "priority"), [("HIGH", Priority.HIGH), ("default", Priority.DEFAULT)])
def test_priority(text: str, priority: Priority) -> None:
    """In any case: circuit breakers write the same words in the other one."""
    assert mapping(spec(priority=text, idle_timeout_ms=0)).policy == RoutePolicy(priority=priority, idle_timeout_ms=0)
    assert refusal(spec(priority=text + "er")).field == "spec.priority"


def test_upgrades() -> None:
    """Protocols in lower case, each once; the older spelling says websocket."""
    assert mapping(spec(allow_upgrade=["spdy/3.1", "WebSocket", "websocket"])).policy.upgrades == (
        "spdy/3.1",
        "websocket",
    )
    assert mapping(old(use_websocket=True)).policy.upgrades == ("websocket",)
    assert mapping(old(use_websocket=False)).policy.upgrades == ()
    assert mapping(old(use_websocket=True, allow_upgrade=["websocket"])).policy.upgrades == ("websocket",)
    assert refusal(spec(allow_upgrade=["CONNECT"])).field == "spec.allow_upgrade[0]"


def test_upgrades_that_contradict() -> None:
    """More allowed by the older spelling is served with a warning, less is an error."""
    resource, problem = warned_mapping(old(use_websocket=True, allow_upgrade=["spdy/3.1"]))
    assert resource.policy.upgrades == ("spdy/3.1", "websocket")
    assert problem.code is Code.FIELDS_CONTRADICT
    assert refusal(old(use_websocket=False, allow_upgrade=["websocket"])).code is Code.FIELDS_CONTRADICT


@pytest.mark.parametrize("said", [True, False])
def test_linkerd(said: bool) -> None:
    """Said or not said is told apart: a Module has a word in what is not said."""
    assert mapping(spec(add_linkerd_headers=said)).policy == RoutePolicy(linkerd=said)
    assert mapping(spec(add_linkerd_headers=said, add_request_headers={"x": "y"})).policy.linkerd is said


def test_a_redirect_has_only_its_answer() -> None:
    """Headers of the answer stay; what is about forwarding is warned of and left out."""
    fields = {"host_redirect": True, "add_response_headers": {"x-a": "b"}, "cors": {"origins": ["*"]}}
    resource, problem = warned_mapping(spec(**fields))
    assert resource.policy == RoutePolicy(response_headers=HeaderChanges((HeaderValue("x-a", "b"),)))
    assert problem.field == "spec.cors"


def test_a_shadow_has_no_policy() -> None:
    """Copies are sent as the requests are."""
    resource, problem = warned_mapping(spec(shadow=True, add_request_headers={"x-a": "b"}, retry_policy=None))
    assert resource.policy is NO_POLICY
    assert problem.field == "spec.add_request_headers"
