"""Policies in words: nothing that routes differently reads the same, and no value of a header is shown."""

from dataclasses import fields, replace
from itertools import combinations

from reconciler.model.match import MatchKind, StringMatch
from reconciler.model.policy import NO_POLICY, Cors, HeaderChanges, HeaderValue, Priority, RetryPolicy, RoutePolicy
from reconciler.plan.policies import policy_fields

ORIGIN = StringMatch(MatchKind.EXACT, "https://a")
_RETRY, _CORS = RetryPolicy(("5xx",)), Cors((ORIGIN,))
HEADERS = (
    HeaderChanges((HeaderValue("x-a", "s3cret"),)),
    HeaderChanges((HeaderValue("x-a", "s3cret", append=False),)),
    HeaderChanges((HeaderValue("x-a", "s3cret!"),)),
    HeaderChanges((HeaderValue("x-b", "s3cret"),)),
    HeaderChanges(remove=("x-a",)),
)
POLICIES = (
    NO_POLICY,
    *(RoutePolicy(request_headers=changes) for changes in HEADERS),
    *(RoutePolicy(response_headers=changes) for changes in HEADERS),
    *(
        RoutePolicy(retry=retry)
        for retry in (
            _RETRY,
            replace(_RETRY, retry_on=("5xx", "reset")),
            replace(_RETRY, num_retries=0),
            replace(_RETRY, per_try_timeout_ms=5),
            replace(_RETRY, statuses=(429,)),
        )
    ),
    *(
        RoutePolicy(cors=cors)
        for cors in (
            _CORS,
            Cors(()),
            Cors((StringMatch(MatchKind.ANY),)),
            Cors((StringMatch(MatchKind.REGEX, "https://a"),)),
            replace(_CORS, methods=("GET",)),
            replace(_CORS, headers=("GET",)),
            replace(_CORS, exposed_headers=("GET",)),
            replace(_CORS, credentials=True),
            replace(_CORS, credentials=False),
            replace(_CORS, max_age="5"),
        )
    ),
    *(RoutePolicy(priority=priority) for priority in Priority),
    RoutePolicy(idle_timeout_ms=0),
    RoutePolicy(idle_timeout_ms=1),
    RoutePolicy(upgrades=("websocket",)),
)


def test_no_two_read_alike() -> None:
    """Each fact of a policy shows."""
    assert [pair for pair in combinations(POLICIES, 2) if _words(pair[0]) == _words(pair[1])] == []


def test_every_part_is_tried() -> None:
    """A field that RetryPolicy or Cors gains has to be put into words."""
    for kind, part in ((RetryPolicy, "retry"), (Cors, "cors")):
        given = [getattr(policy, part) for policy in POLICIES if getattr(policy, part) is not None]
        for field in fields(kind):
            assert len({getattr(value, field.name) for value in given}) > 1, field.name


def test_no_value_is_shown() -> None:
    """Values of headers may be credentials."""
    assert all("s3cret" not in str(_words(policy)) for policy in POLICIES)


def test_a_redirect_has_only_its_answer() -> None:
    """What does not happen is not said."""
    policy = RoutePolicy(response_headers=HEADERS[-1], retry=_RETRY, cors=_CORS, request_headers=HEADERS[0])
    assert _words(policy, forwards=False) == {"response headers": "remove x-a"}


def _words(policy: RoutePolicy, *, forwards: bool = True) -> dict[str, str]:
    return {name: text for name, text in policy_fields(policy, forwards=forwards).items() if text}
