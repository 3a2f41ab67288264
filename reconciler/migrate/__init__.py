"""Old spellings → the current one, in the text itself: comments, order and layout stay. Pure.

Read ``folder`` first; then ``documents`` (one text), ``rules`` and ``mapping_rules`` (what is said how now), ``edits``
and ``form`` (how that is written), ``check`` (whether it still means the same to Envoy). A stage it is none: it
compiles what was and what would be, so it stands above the stages.
"""

from reconciler.migrate.documents import Rewritten, rewrite
from reconciler.migrate.folder import Left, MigratedFile, Migration, migrate

__all__ = ["Left", "MigratedFile", "Migration", "Rewritten", "migrate", "rewrite"]
