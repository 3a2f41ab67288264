"""What holds for every document that is migrated, however it is written."""

import re
from collections import Counter

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.compile import Options
from reconciler.migrate import migrate, rewrite
from reconciler.migrate.check import differences, meaning
from reconciler.model.limits import DEFAULT_LIMITS
from reconciler.model.problem import Severity
from reconciler.model.source import SourceSnapshot
from tests.support.documents import source
from tests.support.old_spellings import old_documents

_COMMENT = re.compile(r"# [a-z]{3,10}$", re.MULTILINE)


def _snapshot(text: str) -> SourceSnapshot:
    return SourceSnapshot(None, None, (source(text),))


@given(old_documents())
def test_a_migrated_document_means_the_same(text: str) -> None:
    """Migrate, then load: the same resources, the same Envoy configuration, and no new problem."""
    before = meaning(_snapshot(text), Options())
    assume(not any(problem.severity is Severity.ERROR for problem in before.problems))
    migration = migrate(_snapshot(text), Options())
    assert migration.left == ()
    (file,) = migration.files
    after = meaning(_snapshot(file.after.decode()), Options())
    assert differences(before, after) == []
    assert len(after.resources) == 1


@given(old_documents())
def test_migrating_twice_changes_nothing(text: str) -> None:
    """What was written is the current spelling."""
    once = rewrite(text, DEFAULT_LIMITS)
    assert not once.stuck
    assert rewrite(once.text, DEFAULT_LIMITS).text == once.text
    assert "getambassador.io/v3alpha1" in once.text


_SNIPPETS = [
    "\n",
    "  ",
    "- ",
    ": ",
    "{",
    "]",
    "#x ",
    "&a ",
    "*a",
    "'",
    "|\n",
    "---\n",
    "<<: *a\n",
    "\r",
    "\u2028",
    "? ",
    ".nan",
]


@given(old_documents(), st.lists(st.tuples(st.sampled_from(_SNIPPETS), st.integers(0, 400)), max_size=3))
def test_no_text_is_too_broken(text: str, slips: list[tuple[str, int]]) -> None:
    """Whatever was mistyped: it is rewritten for good, or left as it is."""
    for snippet, position in slips:
        text = text[:position] + snippet + text[position:]
    result = rewrite(text, DEFAULT_LIMITS)
    assert rewrite(result.text, DEFAULT_LIMITS).text == result.text
    assert result.notes or result.text == text


@given(old_documents())
def test_no_comment_is_lost(text: str) -> None:
    """Every comment is still there, as often as before."""
    result = rewrite(text, DEFAULT_LIMITS)
    assert Counter(_COMMENT.findall(result.text)) == Counter(_COMMENT.findall(text))
