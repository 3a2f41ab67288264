"""Polls a local repository ten thousand times and shows that nothing piles up.

Run as ``python -m tests.bench.polls [POLLS]`` (from the root of the repository). Every hundredth poll finds a
new commit. Exits with 1 if descriptors or children have grown, or memory by more than 32 MiB.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.support.processes import children, descriptors, resident_kib
from tests.support.repositories import Repository, local_source

_WARM_UP = 50
_CHANGE_EVERY = 100
_ALLOWED_GROWTH_KIB = 32 * 1024


def main(polls: int) -> int:
    """Run the benchmark and print what it found."""
    with tempfile.TemporaryDirectory() as scratch:
        repository = Repository.create(Path(scratch) / "origin")
        repository.commit({f"routes/{number}.yaml": f"mapping: {number}\n" for number in range(200)})
        source = local_source(repository.path, Path(scratch) / "state", sub_path="routes")
        snapshot = source.fetch(None)
        for _ in range(_WARM_UP):
            snapshot = source.fetch(snapshot.revision)
        before = (descriptors(), len(children()), resident_kib())
        spent = 0.0
        for number in range(polls):
            if number % _CHANGE_EVERY == 0:
                repository.commit({"routes/0.yaml": f"mapping: changed {number}\n"})
            began = time.perf_counter()
            snapshot = source.fetch(snapshot.revision)
            spent += time.perf_counter() - began
        after = (descriptors(), len(children()), resident_kib())
    print(f"polls={polls} changed={polls // _CHANGE_EVERY} mean_ms={spent / polls * 1000:.2f}")
    print(f"descriptors before={before[0]} after={after[0]}")
    print(f"children before={before[1]} after={after[1]}")
    print(f"rss_kib before={before[2]} after={after[2]}")
    leaked = after[0] > before[0] or after[1] > before[1] or after[2] - before[2] > _ALLOWED_GROWTH_KIB
    return 1 if leaked else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
