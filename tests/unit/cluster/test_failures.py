"""What the server answers becomes an error that says what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster.failures import Answer, Asked, Conflict, Expired, bounded, error_of
from reconciler.cluster.types import CONFIG_MAPS, INGRESSES, SECRETS, SERVICES
from reconciler.model.digest import Json
from reconciler.model.errors import Stalled, Transient

LIST = Asked("list", INGRESSES, "shop")


def status(message: str = "", **more: Json) -> dict[str, Json]:
    """A Status object of the API."""
    return {"kind": "Status", "message": message, **more}


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (400, Stalled, "ClusterRefused"),
        (401, Transient, "ClusterCredentialsRefused"),
        (403, Stalled, "ClusterForbidden"),
        (404, Stalled, "ClusterRefused"),
        (409, Conflict, "ClusterConflict"),
        (410, Expired, "ClusterVersionExpired"),
        (422, Stalled, "ClusterRefused"),
        (429, Transient, "ClusterBusy"),
        (500, Transient, "ClusterUnavailable"),
        (503, Transient, "ClusterUnavailable"),
    ],
)
def test_each_status_says_whether_to_wait_or_to_act(code: int, kind: type[Exception], reason: str) -> None:
    """The type tells what happens next, the reason what it is, the message has the server's words."""
    error = error_of(LIST, Answer(code, status("words of the server")))
    assert type(error) is kind
    assert error.reason == reason
    assert "words of the server" in error.message


def test_a_version_from_the_future_is_none_to_go_on_from() -> None:
    """A server that was restored from a backup knows less than before; waiting for it does not help."""
    too_large = status("Timeout: Too large resource version: 99, current: 20")
    assert isinstance(error_of(LIST, Answer(504, too_large)), Expired)
    assert error_of(LIST, Answer(504, status("Timeout"))).reason == "ClusterUnavailable"


def test_what_rbac_forbids_names_the_missing_rule() -> None:
    """Whoever reads it can write the Role."""
    said = 'ingresses.networking.k8s.io is forbidden: User "u" cannot list resource "ingresses" in API group "x"'
    error = error_of(LIST, Answer(403, status(said)))
    assert said in str(error)
    assert '{apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: ["list"]}' in error.hint
    assert "a Role in shop" in error.hint
    everywhere = error_of(Asked("watch", SERVICES), Answer(403, status("User cannot watch")))
    assert "a ClusterRole with the rule" in everywhere.hint
    assert 'apiGroups: [""]' in everywhere.hint


def test_a_subresource_is_named_as_roles_name_it() -> None:
    """`status` has a rule of its own."""
    error = error_of(Asked("patch", INGRESSES, "shop", "web", "status"), Answer(403, status("u cannot patch")))
    assert 'resources: ["ingresses/status"]' in error.hint


def test_who_selects_one_object_is_told_a_rule_for_that_one() -> None:
    """Nobody is sent to allow all Secrets where one is meant."""
    error = error_of(Asked("watch", SECRETS, "shop", "tls"), Answer(403, status("u cannot watch")))
    assert 'verbs: ["watch"], resourceNames: ["tls"]}' in error.hint


def test_a_quota_is_no_matter_of_roles() -> None:
    """Who is over a quota is not sent to look at RBAC."""
    error = error_of(Asked("create", CONFIG_MAPS, "shop", "a"), Answer(403, status("exceeded quota: maps, used 2")))
    assert (error.reason, error.hint) == ("ClusterForbidden", "")
    assert "exceeded quota: maps" in error.message


def test_a_namespace_that_ends_is_told_as_such() -> None:
    """Its 403 is none of RBAC's."""
    ends = status("x is forbidden", details={"causes": [{"reason": "NamespaceTerminating"}]})
    assert error_of(Asked("create", CONFIG_MAPS, "shop", "a"), Answer(403, ends)).reason == "ClusterNamespaceMissing"


def test_an_unknown_path_is_an_unknown_type() -> None:
    """The server's own 404 page means that no such type is served."""
    error = error_of(LIST, Answer(404, {}))
    assert error.reason == "ClusterTypeMissing"
    assert "ingresses of networking.k8s.io/v1" in error.message


def test_a_page_of_something_else_is_not_taken_for_an_answer() -> None:
    """A login page of a proxy is no refusal by the API server."""
    assert error_of(LIST, Answer(302, {})).reason == "ClusterAnswerUnreadable"


@given(st.text(max_size=3000))
def test_words_of_others_are_one_bounded_line(words: str) -> None:
    """Nothing that others write floods or garbles a log."""
    line = bounded(words)
    assert line.isprintable()
    assert len(line) <= 401


@given(
    st.integers(300, 599),
    st.dictionaries(
        st.sampled_from(["kind", "message", "reason", "details", "code"]),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v, max_size=2)),
    ),
)
def test_every_answer_has_a_meaning(code: int, body: dict[str, Json]) -> None:
    """Whatever a server sends as its reason, it becomes one of the errors that callers know."""
    assert isinstance(error_of(LIST, Answer(code, body)), (Stalled, Transient))
