"""How often Python's collector of cycles looks at what we hold.

A revision is hundreds of thousands of values that live long and hold no cycles: they are freed as soon as nobody refers
to them. The collector would go through all of them again and again for nothing, most of all on a cold start.
"""

import ctypes
import gc
from collections.abc import Callable

# New objects, then collections of the young and of the middle-aged, before the collector goes a step further.
_THRESHOLDS = (100_000, 20, 100)


def look_seldom() -> None:
    """Leave out all that has been imported, and look only once much has come since."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


def spare_once() -> Callable[[], None]:
    """What to call after each reconcile: the first time, it leaves out all that is there by then.

    Later ones must not: each would keep the few cycles that happen to be there, such as those of errors, for ever.
    The first time is also when most memory is free again: a whole revision was read, planned and recorded.
    """

    def settle() -> None:
        gc.freeze()
        give_back()

    pending = [settle]

    def spare() -> None:
        if pending:
            pending.pop()()

    return spare


def give_back() -> None:
    """Hand memory that is free to the system, where the C library does so only when asked (glibc's malloc_trim(3))."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
