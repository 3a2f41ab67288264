"""EDGE out: leaves signed checkpoints where the journal's writer can't take them back, and reads them again.

`Anchoring` does so in the background; `Place` is what it needs of a place.
"""

from reconciler.audit.anchor.anchoring import Anchoring, Past
from reconciler.audit.anchor.config_map import InConfigMap
from reconciler.audit.anchor.file import InFile
from reconciler.audit.anchor.place import Place, entry_name

__all__ = ["Anchoring", "InConfigMap", "InFile", "Past", "Place", "entry_name"]
