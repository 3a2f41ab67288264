"""Thousands of hosts: found by their names, and the same as by asking each."""

import time
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from reconciler.compile import Options, compile_routes, load_source
from reconciler.model.match import ANY_HOST, HostMatch, MatchKind
from reconciler.model.names import Names
from reconciler.model.source import SourceSnapshot
from tests.support.documents import source

_HEAD = "---\napiVersion: getambassador.io/v3alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec: {}\n"
_MANY = 1000
# By asking each of them for each, it took many minutes.
_SECONDS = 30

_TEXTS = [".".join(parts) for size in (1, 2, 3) for parts in product("ab", repeat=size)]
_HOSTS = st.one_of(
    st.just(ANY_HOST),
    st.builds(HostMatch, st.just(MatchKind.EXACT), st.sampled_from(_TEXTS)),
    st.builds(HostMatch, st.just(MatchKind.SUFFIX), st.sampled_from([f".{text}" for text in _TEXTS])),
    st.builds(HostMatch, st.just(MatchKind.PREFIX), st.sampled_from([f"{text}." for text in _TEXTS])),
)


@given(st.sets(_HOSTS), _HOSTS)
def test_overlapping(names: set[HostMatch], pattern: HostMatch) -> None:
    """The same as asking each name."""
    assert set(Names.of(names).overlapping(pattern)) == {name for name in names if pattern.overlaps(name)}


@given(st.sets(_HOSTS), _HOSTS)
def test_covering(names: set[HostMatch], pattern: HostMatch) -> None:
    """The same as asking each name."""
    assert {name for name in pattern.covering() if name in names} == {name for name in names if name.covers(pattern)}


def test_many_hosts_and_contexts() -> None:
    """Thousands of Hosts, wildcards and TLSContexts are no way to keep the reconciler busy."""
    listener = "{port: 8443, protocol: HTTPS, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}"
    documents = [_HEAD.format("Listener", "l", listener)]
    for at in range(_MANY):
        documents.append(_HEAD.format("TLSContext", f"c{at}", f"{{hosts: [h{at}.test], secret: s{at}}}"))
        documents.append(_HEAD.format("Host", f"h{at}", f"{{hostname: h{at}.test}}"))
        documents.append(_HEAD.format("Host", f"w{at}", f"{{hostname: '*.w{at}.test', tlsSecret: {{name: w{at}}}}}"))
        documents.append(_HEAD.format("Mapping", f"m{at}", f"{{hostname: '*.w{at}.test', prefix: /, service: s}}"))
    files = [source("".join(documents[at : at + 100]), f"{at:05}.yaml") for at in range(0, len(documents), 100)]
    snapshot = SourceSnapshot(None, None, tuple(files))
    began = time.process_time()
    compiled = compile_routes(snapshot, load_source(snapshot, Options()), Options())
    assert time.process_time() - began < _SECONDS
    assert compiled.problems == ()
    assert len(compiled.table.routes) == _MANY
