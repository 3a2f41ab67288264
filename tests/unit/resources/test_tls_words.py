"""Words that Envoy would reject a whole listener or cluster for are told where they stand."""

from itertools import count

import pytest
import yaml

from reconciler.apply.envoy_binary import find_envoy, validate
from reconciler.compile import Options, compile_routes
from reconciler.envoy import RenderOptions, static_bootstrap
from reconciler.model.files import FilesFormat
from reconciler.model.problem import Code
from reconciler.model.source import SourceSnapshot
from reconciler.resources import load
from reconciler.resources.edge.tls_words import ALIASES, CURVES, SUITES
from tests.support.documents import source

_GROUPS = ["[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]", "ECDHE+AESGCM", "AES128-SHA:AES256-SHA"]


def context(name: str, **words: list[str]) -> str:
    """A TLSContext, and a Mapping that speaks TLS as it says."""
    head = {"apiVersion": "getambassador.io/v3alpha1", "metadata": {"name": name}}
    to = {"hostname": "*", "prefix": f"/{name}/", "service": f"https://{name}", "tls": name}
    return yaml.safe_dump_all([head | {"kind": "TLSContext", "spec": words}, head | {"kind": "Mapping", "spec": to}])


def test_every_word_we_know_is_one_of_envoy() -> None:
    """Each in a cluster of its own, all at once."""
    names = (f"c{number}" for number in count())
    texts = [
        context(name, cipher_suites=[word]) for word, name in zip([*SUITES, *ALIASES, *_GROUPS], names, strict=False)
    ]
    texts += [context(name, ecdh_curves=[word]) for word, name in zip(CURVES, names, strict=False)]
    texts.append(context("order", cipher_suites=["ECDHE", "!AES128-SHA", "-AES256-SHA", "@STRENGTH"]))
    loaded = load([source("---\n".join(texts))])
    assert loaded.problems == ()
    compiled = compile_routes(SourceSnapshot(None, None, ()), loaded, Options())
    binary = find_envoy("auto")
    assert binary is not None
    assert len(compiled.table.clusters) == len(texts)
    bootstrap = static_bootstrap(compiled.snapshot, RenderOptions(), FilesFormat.PB, without_files=True)
    assert validate(binary, bootstrap, form=FilesFormat.PB) is None


@pytest.mark.parametrize(
    ("field", "word", "expected"),
    [
        ("cipher_suites", "BOGUS", "a name that Envoy knows"),
        (
            "cipher_suites",
            "ECDHE-RSA-AES128-GCM-SHA25",
            "ECDHE-RSA-AES128-GCM-SHA256, or another name that Envoy knows",
        ),
        ("cipher_suites", "[AES128-SHA|NO]", "a name that Envoy knows"),
        ("ecdh_curves", "secp384r2", "secp384r1, or another name that Envoy knows"),
    ],
)
def test_other_words(field: str, word: str, expected: str) -> None:
    """With the one that was meant, where that can be told; what is right beside it does not help."""
    good = {"cipher_suites": "AES128-SHA", "ecdh_curves": "P-256"}[field]
    (problem,) = load([source(context("a", **{field: [good, word]}))]).problems
    assert (problem.code, problem.field) == (Code.INVALID_VALUE, f"spec.{field}")
    assert problem.expected == expected
