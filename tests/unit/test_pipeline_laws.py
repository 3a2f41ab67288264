"""What holds of the pure middle as a whole, files in and Envoy resources out, for every input."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.compile import NOTHING, Compiled, Options, compile_routes, load_source, plan_change
from reconciler.envoy import static_bootstrap
from reconciler.model.origin import Attached
from reconciler.model.provenance import Provenance
from reconciler.model.source import SourceFile, SourceSnapshot
from reconciler.model.table import Route
from reconciler.resources import load_origins
from tests.support.generated_tables import documents

SEEDS = st.integers(0, 2**32)
CHANCE = st.randoms(use_true_random=False)
OPTIONS = Options()
# Compiles take some 10 ms each; how long one takes on a busy machine proves nothing.
laws = settings(max_examples=60, deadline=None)
NOWHERE = Provenance("")


def compiled(files: Mapping[str, str], before: Compiled = NOTHING, unreadable: Sequence[str] = ()) -> Compiled:
    """What the files mean, given what is served."""
    sources = tuple(SourceFile(path, "", text.encode()) for path, text in files.items())
    source = SourceSnapshot(None, None, sources, unreadable=tuple(unreadable))
    return compile_routes(source, load_source(source, OPTIONS), OPTIONS, before.resources)


def placeless(found: Compiled) -> object:
    """A compile without where things were written."""

    def bare(routes: Sequence[Route]) -> list[Route]:
        return [
            replace(route, provenance=NOWHERE, policies=tuple(Attached(p.name, NOWHERE) for p in route.policies))
            for route in routes
        ]

    hosts = [
        (listener.name, virtual_host.host, virtual_host.guard, bare(virtual_host.routes))
        for listener in found.table.listeners
        for virtual_host in listener.virtual_hosts
    ]
    problems = sorted((p.code, p.severity, p.resource, p.field, p.expected, p.got) for p in found.problems)
    return bare(found.table.routes), hosts, found.table.clusters, found.quarantined, problems


def split_up(text: str, chance: Random) -> dict[str, str]:
    """The documents of a text in another order, over some files."""
    found = list(yaml.safe_load_all(text))
    chance.shuffle(found)
    files: dict[str, list[object]] = {}
    for document in found:
        files.setdefault(f"{chance.randrange(4)}.yaml", []).append(document)
    return {path: yaml.safe_dump_all(members) for path, members in files.items()}


@laws
@given(SEEDS, CHANCE)
def test_it_does_not_matter_how_documents_are_spread_over_files(seed: int, chance: Random) -> None:
    """One file or many, in this order or that: the same routes, quarantine and findings."""
    text = documents(seed).text
    assert placeless(compiled(split_up(text, chance))) == placeless(compiled({"all.yaml": text}))


@laws
@given(SEEDS, CHANCE)
def test_the_order_of_files_does_not_matter(seed: int, chance: Random) -> None:
    """Not even where things were written differs, nor one byte of what Envoy gets."""
    files = split_up(documents(seed).text, chance)
    shuffled = list(files.items())
    chance.shuffle(shuffled)
    assert compiled(dict(shuffled)) == compiled(files)


@laws
@given(SEEDS)
def test_formatting_does_not_matter(seed: int) -> None:
    """Other quotes, flow style, sorted keys: not one byte of what Envoy gets differs, but for the name of the file."""
    text = documents(seed).text
    other = yaml.safe_dump_all(yaml.safe_load_all(text), default_flow_style=True, default_style='"', sort_keys=True)
    plain, quoted = compiled({"a.yaml": text}), compiled({"a.yaml": other})
    assert plain.snapshot.digest == quoted.snapshot.digest
    assert plan_change(plain, quoted, OPTIONS, None).empty


def test_rendering_is_the_same_in_every_process() -> None:
    """Byte for byte, whatever the seed of Python's hashes: nothing depends on the order of a set."""
    script = (
        "from tests.unit.test_pipeline_laws import fingerprint\n"
        "print('\\n'.join(fingerprint(seed) for seed in range(40)))"
    )
    printed = set()
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        printed.add(done.stdout)
    assert printed == {"".join(f"{fingerprint(seed)}\n" for seed in range(40))}


def fingerprint(seed: int) -> str:
    """The bytes of everything a seed's documents render to, on one line."""
    found = compiled({"all.yaml": documents(seed).text})
    problems = " ".join(map(str, found.problems)).encode()
    return (static_bootstrap(found.snapshot, OPTIONS.render) + problems).hex()


@laws
@given(SEEDS, CHANCE)
def test_a_revision_compiled_again_is_no_change(seed: int, chance: Random) -> None:
    """diff(x, x) is empty, also on top of what the first compile left served."""
    files = split_up(documents(seed).text, chance)
    first = compiled(files)
    again = compiled(files, first)
    assert again.snapshot == first.snapshot
    plan = plan_change(first, again, OPTIONS, None)
    assert plan.empty


@laws
@given(SEEDS, SEEDS)
def test_a_plan_is_empty_exactly_when_nothing_is_sent(one: int, two: int) -> None:
    """An empty plan and equal digests are the same thing; a plan back undoes it."""
    before, after = (compiled({"all.yaml": documents(seed).text}) for seed in (one, two))
    forth, back = (plan_change(*pair, OPTIONS, None) for pair in ((before, after), (after, before)))
    assert forth.empty == (before.snapshot.digest == after.snapshot.digest)
    there = [(c.id, sorted((f.field, f.before, f.after) for f in c.fields)) for c in forth.changes]
    assert there == [(c.id, sorted((f.field, f.after, f.before) for f in c.fields)) for c in back.changes]


@laws
@given(SEEDS, CHANCE)
def test_what_is_kept_rebuilds_what_is_served(seed: int, chance: Random) -> None:
    """The documents a journal keeps of what is served compile to the same bytes, without the files."""
    served = compiled(split_up(documents(seed).text, chance))
    loaded = load_origins([resource.origin for resource in served.resources])
    restored = compile_routes(SourceSnapshot(None, None, ()), loaded, OPTIONS)
    assert restored.snapshot == served.snapshot
    assert (restored.resources, restored.quarantined) == (served.resources, ())


GOOD = """\
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: {name}}}
spec: {{hostname: "*", prefix: /{name}/{version}/, service: svc}}
"""
# Bad versions of a Mapping that still say whose they are.
BAD = {
    "wrong type": GOOD.replace("service: svc", 'service: svc, timeout_ms: "5s"'),
    "unknown field": GOOD.replace("service: svc", "service: svc, timeout: 5"),
    "no service": GOOD.replace(", service: svc", ""),
    "bad regex": GOOD.replace("service: svc", "service: svc, prefix_regex: true").replace("/{version}/", "/("),
    "key twice": GOOD.replace("service: svc", "service: svc, service: other"),
    "no hostname": GOOD.replace('hostname: "*", ', ""),
    "unknown version": GOOD.replace("v3alpha1", "v9"),
}
# Documents nobody can tell the owner of.
NAMELESS = {"not YAML": "{{{name}: [\n", "no name": GOOD.replace("name: {name}", ""), "a text": "{name}\n"}
FORMS = (*BAD, *NAMELESS, "good", "good", "good", "deleted")
PATHS = ("a.yaml", "b.yaml")
NAMES = ("m", "n", "o")

EDITS = st.tuples(st.sampled_from(NAMES), st.sampled_from(PATHS), st.sampled_from(FORMS))
STEPS = st.lists(
    st.tuples(st.lists(EDITS, max_size=3), st.sampled_from([*[()] * 4, *((path,) for path in PATHS)])), max_size=8
)


@dataclass
class Repository:
    """Files as people edit them, and what the rules say is served of them.

    Attributes:
        written: path, form and version of every Mapping's document.
        served: version and path of every Mapping that is served.
    """

    written: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    served: dict[str, tuple[int, str]] = field(default_factory=dict)
    version: int = 0

    def edit(self, name: str, path: str, form: str) -> None:
        """Writes a new version of a document, good or bad, perhaps into another file; or deletes it."""
        self.version += 1
        self.written.pop(name, None)
        if form != "deleted":
            self.written[name] = path, form, self.version

    def files(self, unreadable: Sequence[str]) -> dict[str, str]:
        """The files as they are read."""
        found: dict[str, list[str]] = {}
        for name, (path, form, version) in self.written.items():
            text = BAD.get(form) or NAMELESS.get(form) or GOOD
            found.setdefault(path, []).append(text.format(name=name, version=version))
        return {path: "---\n".join(texts) for path, texts in found.items() if path not in unreadable}

    def publish(self, unreadable: Sequence[str]) -> None:
        """What is served from now on."""
        nameless = {path for path, form, _ in self.written.values() if form in NAMELESS}
        self.served = {
            name: served
            for name in NAMES
            if (served := self._served(name, unreadable, nameless | set(unreadable))) is not None
        }

    def _served(self, name: str, unreadable: Sequence[str], dark: set[str]) -> tuple[int, str] | None:
        path, form, version = self.written.get(name, ("", "deleted", 0))
        before = self.served.get(name)
        if path not in unreadable:
            if form == "good":
                return version, path
            if form in BAD:
                return before
        # Its document can't be told from the others of its old file: it stays if any of those is in doubt.
        return before if before and before[1] in dark else None


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_what_was_good_stays_served_until_it_is_good_again(
    steps: list[tuple[list[tuple[str, str, str]], tuple[str, ...]]],
) -> None:
    """Over any edits, good and bad: a broken Mapping keeps its last good version, a mended one gets its new one."""
    repository, state = Repository(), NOTHING
    for edits, unreadable in steps:
        for edit in edits:
            repository.edit(*edit)
        repository.publish(unreadable)
        state = compiled(repository.files(unreadable), state, unreadable)
        expected = {f"default/{name}": f"/{name}/{version}/" for name, (version, _) in repository.served.items()}
        assert {route.name: route.path.value for route in state.table.routes} == expected
        kept = load_origins([resource.origin for resource in state.resources])
        assert compile_routes(SourceSnapshot(None, None, ()), kept, OPTIONS).snapshot == state.snapshot
        for name, older in state.quarantined:
            assert older == (name.name in repository.served)
            assert any(problem.resource in {str(name), ""} for problem in state.problems) or unreadable
