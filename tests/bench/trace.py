"""How many lines of an access log are traced in a second of one core: python -m tests.bench.trace."""

import time
from collections.abc import Callable, Sequence

from reconciler.audit.trace.finding import Finder
from reconciler.audit.trace.telling import Words
from reconciler.audit.trace.tracer import Tracer
from reconciler.audit.trace.version import Version
from tests.support.log_lines import COMMIT, json_line, text_line

_LINES, _CHUNK, _MAPPINGS = 500_000, 1_000, 100


class _Journal:
    """Has one version of each Mapping."""

    def versions(self, kind: str, namespace: str, name: str, _commits: tuple[str, ...]) -> Sequence[Version]:
        place = (kind, namespace, name, "routes/item.yaml", 7, COMMIT, "Ann <ann@example.com>")
        return [Version(*place, "2026-05-06T11:00:00+00:00", 5, 4, "2026-05-06T12:00:00.000Z", None, "")]

    def sent(self, *_version: object) -> tuple[int, str] | None:
        return None

    def deleted(self, _moment: str) -> int | None:
        return None

    def upstreams(self, versions: Sequence[Version]) -> Sequence[str]:
        return [""] * len(versions)

    def hosts(self, _authority: str, _moment: str) -> Sequence[Version]:
        return []


def _measure(line: Callable[[str], str], output: str) -> float:
    chunk = "".join(f"{line(f'default/item-{number % _MAPPINGS}')}\n" for number in range(_CHUNK)).encode()
    tracer = Tracer(Finder(_Journal()), Words(lambda _number: None), output)
    began = time.process_time()
    for _ in range(_LINES // _CHUNK):
        tracer.feed(chunk)
    return _LINES / (time.process_time() - began)


if __name__ == "__main__":
    for form, line in (("text", text_line), ("json", json_line)):
        for output in ("", "text", "json"):
            print(f"{form} in, {output or 'summary'} out: {_measure(line, output):,.0f} lines/s")
