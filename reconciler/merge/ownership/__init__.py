"""Who may claim what: documents that ask for what is not theirs are left out before conflicts are settled.

Read ``admission`` first, then ``register`` (all that Ownerships say), ``claiming`` (what broken documents may keep),
``spaces`` (whose a host and path is, found among many), ``reach`` (what conditions of a Mapping may match) and
``holders`` (who claims, who owns).
"""

from reconciler.merge.ownership.admission import FREE, Admitted, Ownership, admit
from reconciler.merge.ownership.claiming import own_claims

__all__ = ["FREE", "Admitted", "Ownership", "admit", "own_claims"]
