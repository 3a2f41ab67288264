"""``labels`` in all spellings there have been."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.policy import Descriptor, LimitEntry, LimitLabels
from reconciler.model.problem import Code
from tests.support.documents import load_text, mapping, old, refusal, spec

REMOTE = LimitEntry(Descriptor.REMOTE_ADDRESS)


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        ("remote_address", REMOTE),
        ({"remote_address": {"key": "remote_address"}}, REMOTE),
        ("source_cluster", LimitEntry(Descriptor.SOURCE_CLUSTER)),
        ({"destination_cluster": {"key": "destination_cluster"}}, LimitEntry(Descriptor.DESTINATION_CLUSTER)),
        ("anything", LimitEntry(Descriptor.GENERIC_KEY, value="anything")),
        ({"generic_key": "said"}, LimitEntry(Descriptor.GENERIC_KEY, value="said")),
        ({"generic_key": {"value": "said"}}, LimitEntry(Descriptor.GENERIC_KEY, value="said")),
        ({"generic_key": {"key": "k", "value": "said"}}, LimitEntry(Descriptor.GENERIC_KEY, "k", "said")),
        ({"user": {"header": "X-User"}}, LimitEntry(Descriptor.REQUEST_HEADERS, "user", "x-user")),
        (
            {"user": {"header": "x-user", "omit_if_not_present": True}},
            LimitEntry(Descriptor.REQUEST_HEADERS, "user", "x-user", omit_if_not_present=True),
        ),
        (
            {"request_headers": {"key": "user", "header_name": "X-User"}},
            LimitEntry(Descriptor.REQUEST_HEADERS, "user", "x-user"),
        ),
        ({"generic_key": {"header": "x-a"}}, LimitEntry(Descriptor.REQUEST_HEADERS, "generic_key", "x-a")),
    ],
)
def test_specifiers(written: object, entry: LimitEntry) -> None:
    """Each form means one entry, in either version."""
    labels = {"d": [{"g": [written]}]}
    for text in (spec(hostname="*", labels=labels), old(labels=labels)):
        found = mapping(text)
        assert found.policy.labels == (LimitLabels("d", (("g", (entry,)),)),)


def test_rate_limits_of_v0() -> None:
    """Each limit holds what all did then, its descriptor, and headers that may be missing."""
    found = mapping(old(rate_limits=[{"descriptor": "named"}, {"headers": ["X-User"]}]))
    common = tuple(
        LimitEntry(kind)
        for kind in (Descriptor.SOURCE_CLUSTER, Descriptor.DESTINATION_CLUSTER, Descriptor.REMOTE_ADDRESS)
    )
    named = (*common, LimitEntry(Descriptor.GENERIC_KEY, value="named"))
    header = (*common, LimitEntry(Descriptor.REQUEST_HEADERS, "X-User", "x-user", omit_if_not_present=True))
    groups = (("v0_ratelimit_01", named), ("v0_ratelimit_02", header))
    assert found.policy.labels == (LimitLabels("", groups),)


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({"d": [{}]}, "spec.labels.d[0]"),
        ({"d": [{"a": ["x"], "b": ["y"]}]}, "spec.labels.d[0]"),
        ({"d": [{"g": "x"}]}, "spec.labels.d[0].g"),
        ({"d": [{"g": [{"a": {"header": "x"}, "b": {"header": "y"}}]}]}, "spec.labels.d[0].g[0]"),
        ({"d": [{"g": [{"k": {"header": "a b"}}]}]}, "spec.labels.d[0].g[0].k.header"),
        ({"d": [{"g": [{"request_headers": {"header_name": "a"}}]}]}, "spec.labels.d[0].g[0].request_headers.key"),
        ({"d": [{"g": [""]}]}, "spec.labels.d[0].g[0]"),
    ],
)
def test_what_is_no_label(labels: object, field: str) -> None:
    """One located error."""
    problem = refusal(spec(hostname="*", labels=labels))
    assert (problem.code, problem.field) == (Code.INVALID_VALUE, field)


def test_selector_labels_are_told_where_they_belong() -> None:
    """Who writes the labels of a selector here is told the right place."""
    problem = refusal(spec(hostname="*", labels={"app": "shop"}))
    assert (problem.code, problem.field) == (Code.WRONG_TYPE, "spec.labels.app")
    assert "metadata.labels" in problem.hint


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["d", "g", "key", "header", "header_name", "value", "generic_key", "request_headers"]), inner,
                        max_size=3), max_leaves=12))  # fmt: skip
def test_nothing_breaks_it(labels: Any) -> None:
    """Whatever is written gives a Mapping or an error, never an exception."""
    loaded = load_text(spec(hostname="*", labels=labels))
    assert loaded.resources or loaded.rejected
