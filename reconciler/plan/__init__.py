"""PURE: what would change between two route tables, whether that is safe, and how to show it.

`diff` compares; `as_text`, `as_markdown` and `as_json` show the result to a terminal, a pull request and a program.
"""

from reconciler.plan.compare import diff
from reconciler.plan.document import as_json
from reconciler.plan.markdown import as_markdown
from reconciler.plan.part import Touched
from reconciler.plan.refuse import BlastRadius, is_allowed
from reconciler.plan.text import as_text
from reconciler.plan.wording import worded
from reconciler.plan.written import changed_documents

__all__ = [
    "BlastRadius",
    "Touched",
    "as_json",
    "as_markdown",
    "as_text",
    "changed_documents",
    "diff",
    "is_allowed",
    "worded",
]
