"""Revisions as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.source import Revision

HEX = st.text("0123456789abcdef", min_size=1, max_size=64)
# No Git ref has a colon.
POINTERS = st.text(st.characters(codec="utf-8", exclude_characters=":"), min_size=1)
COMMITS = st.builds(Revision, POINTERS, HEX)
WITH_CLUSTER = st.builds(Revision, POINTERS, HEX, HEX)
CLUSTERS = st.builds(Revision, st.just(""), st.just(""), HEX)


@given(COMMITS | WITH_CLUSTER | CLUSTERS)
def test_a_revision_survives_being_written_down(revision: Revision) -> None:
    """Of a commit, of a cluster, and of both."""
    assert Revision.parse(str(revision)) == revision


@pytest.mark.parametrize(
    "text", ["", "main", "main@sha1:", "@sha1:ab", "cluster@sha256:", "main@sha1:ab+cluster@sha256:"]
)
def test_what_is_no_revision_is_refused(text: str) -> None:
    """With the text and what was expected."""
    with pytest.raises(ValueError, match="not a revision"):
        Revision.parse(text)
