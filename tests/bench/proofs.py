"""What proof costs for each record, in CPU: ``python -m tests.bench.proofs``."""

import time
from collections.abc import Callable

from reconciler.audit.proof import lines, note, offline
from reconciler.audit.proof.merkle import Frontier, leaf
from tests.support.exports import ORIGIN, SIGNER, journal

_MANY = 20_000
_SIGNED = 2_000


def main() -> None:
    """Measures and prints."""
    whole = journal(_MANY)
    header = lines.Header(ORIGIN, 1, _MANY, _MANY, str(SIGNER.public), "")
    pairs = enumerate(zip(whole.contents, whole.hashes, strict=True), start=1)
    export = [lines.write_header(header)]
    export += [lines.write_record(lines.Record(number, digest, content)) for number, (content, digest) in pairs]
    export.append(lines.write_footer(lines.Footer(whole.checkpoint())))
    grown = Frontier()

    def grow() -> None:
        nonlocal grown
        for digest in whole.hashes:
            grown = grown.append(leaf(digest))[0]

    def sign() -> None:
        for size in range(_SIGNED):
            note.signed(note.Checkpoint(ORIGIN, size, grown.root()), SIGNER)

    def check() -> None:
        assert not offline.check(export, [SIGNER.public]).finding

    _tell("tree", grow, _MANY)
    _tell("root and signature", sign, _SIGNED)
    _tell("checking a line of an export", check, _MANY)


def _tell(what: str, work: Callable[[], None], times: int) -> None:
    begin = time.process_time()
    work()
    print(f"{what}: {(time.process_time() - begin) / times * 1e6:.0f} µs")


if __name__ == "__main__":
    main()
