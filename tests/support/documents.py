"""Documents as people write them, and what loading them gives."""

from typing import Any

import yaml
from hypothesis import strategies as st

from reconciler.model.problem import Code, Problem
from reconciler.model.resource import MappingResource, Resource
from reconciler.model.source import SourceFile
from reconciler.resources import Loaded, load

MINIMAL = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: m}\nspec:\n"


def source(text: str | bytes, path: str = "a.yaml") -> SourceFile:
    """A file of a plain directory."""
    return SourceFile(path, "", text if isinstance(text, bytes) else text.encode())


def load_text(text: str | bytes) -> Loaded:
    """What a single file gives."""
    return load([source(text)])


def spec(**fields: Any) -> str:
    """A v3alpha1 Mapping in Kubernetes form with these fields, besides a prefix and a service unless given."""
    return _document("getambassador.io/v3alpha1", fields)


def old(**fields: Any) -> str:
    """The same in v2."""
    return _document("getambassador.io/v2", fields)


def _document(api_version: str, fields: dict[str, Any]) -> str:
    whole = {"prefix": "/p/", "service": "s"} | fields
    head = {"apiVersion": api_version, "kind": "Mapping", "metadata": {"name": "m"}}
    return yaml.safe_dump(head | {"spec": whole}, sort_keys=False)


def mapping(text: str) -> MappingResource:
    """The one Mapping of a text that must load without any finding."""
    loaded = load_text(text)
    assert loaded.problems == ()
    return only_mapping(loaded.resources)


def warned_mapping(text: str) -> tuple[MappingResource, Problem]:
    """The one Mapping of a text and the one warning about it."""
    loaded = load_text(text)
    (problem,) = loaded.problems
    return only_mapping(loaded.resources), problem


def only_mapping(resources: tuple[Resource, ...]) -> MappingResource:
    """The only resource, a Mapping."""
    (resource,) = resources
    assert isinstance(resource, MappingResource)
    return resource


def refusal(text: str | bytes) -> Problem:
    """The one error of a text that must give no resource and one rejection."""
    loaded = load_text(text)
    assert loaded.resources == ()
    assert len(loaded.rejected) == 1
    (problem,) = loaded.problems
    return problem


def codes(loaded: Loaded) -> list[Code]:
    """The codes of all problems, in order."""
    return [problem.code for problem in loaded.problems]


_WORDS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)

# Fields that go together in any combination.
VALID_SPECS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"prefix": _WORDS.map(lambda w: f"/{w}/"), "service": _WORDS.map(lambda w: f"{w}-svc:8080")},
    optional={
        "hostname": st.sampled_from(["*", "*.example.com", "a.example.com", "a.*"]),
        "method": st.sampled_from(["GET", "POST"]),
        "headers": st.dictionaries(_WORDS, _WORDS, max_size=3),
        "regex_query_parameters": st.dictionaries(_WORDS, st.just("[a-z]+"), max_size=3),
        "rewrite": st.sampled_from(["", "/", "/x", None]),
        "timeout_ms": st.integers(0, 10**6),
        "precedence": st.integers(-5, 5),
        "weight": st.integers(0, 100),
        "case_sensitive": st.booleans(),
        "auto_host_rewrite": st.booleans(),
        "ambassador_id": st.sampled_from(["default", ["other", "default"]]),
        "docs": st.just({"path": "/openapi.json"}),
    },
)
