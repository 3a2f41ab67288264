"""Settings of all listeners in words."""

from dataclasses import replace

from reconciler.model.edge import DEFAULT_HTTP, Connections, Filters, HttpSettings, IpRange, IpRules, LogSettings
from reconciler.model.policy import ErrorReply
from reconciler.plan.http_fields import http_fields, http_sentence

_RULES = IpRules(True, (IpRange("10.0.0.0", 8, peer=True),))


def _filters(filters: Filters) -> HttpSettings:
    return replace(DEFAULT_HTTP, filters=filters)


def test_the_usual_is_not_worded_but_for_the_checks() -> None:
    """Only those have no word for none."""
    assert list(http_fields(DEFAULT_HTTP)) == ["health checks"]


def test_what_differs_is_worded() -> None:
    """Each setting by name."""
    settings = replace(DEFAULT_HTTP, connections=Connections(http10=True), log=LogSettings("/dev/null"))
    fields = http_fields(settings)
    assert (fields["http10"], fields["access log"]) == ("yes", "path /dev/null")


def test_scripts_and_bodies_are_told_apart_but_not_shown() -> None:
    """By a fingerprint."""
    one, other = (http_fields(_filters(Filters(lua=text, errors=(ErrorReply(404, text),)))) for text in ("a", "b"))
    assert one["lua script"] != other["lua script"]
    assert one["error bodies"] != other["error bodies"]


def test_who_is_served_is_a_sentence() -> None:
    """Loudest where nobody is turned away any more."""
    ruled = _filters(Filters(ip_rules=_RULES))
    assert http_fields(ruled)["clients"] == "only peer 10.0.0.0/8"
    assert http_sentence(ruled, DEFAULT_HTTP).isupper()
    assert http_sentence(DEFAULT_HTTP, ruled)
    assert http_sentence(ruled, ruled) == ""
