"""Which documents are ours: API versions and kinds of the language, and what to say about all others."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.model.digest import Json
from reconciler.model.problem import Code, Severity
from reconciler.model.resource import Kind
from reconciler.resources.finding import Finding, nearest, shown, type_words

Document: TypeAlias = dict[str, Json]

API_VERSIONS = {
    "ambassador/v0": "v0",
    "ambassador/v1": "v1",
    "ambassador/v2": "v2",
    "getambassador.io/v1": "v1",
    "getambassador.io/v2": "v2",
    "getambassador.io/v3alpha1": "v3alpha1",
}
CURRENT = "getambassador.io/v3alpha1"
# Our own group, for what the language has no words for: those who know only the language leave its documents alone.
OWN_API_VERSIONS = {"reconciler.dev/v1alpha1": "v1alpha1"}
OWN = "reconciler.dev/v1alpha1"
OWN_KINDS = frozenset({Kind.MAPPING_POLICY, Kind.OWNERSHIP})
_GROUPS = ("ambassador", "getambassador.io")
_OWN_GROUP = "reconciler.dev"

# The next kinds go from here to ``model.origin.Kind`` and ``readers.READERS``.
UNSUPPORTED_KINDS = {
    "Filter": "it belongs to the commercial edition and has no effect",
    "FilterPolicy": "it belongs to the commercial edition and has no effect",
    "RateLimit": "it belongs to the commercial edition and has no effect",
}
# Kinds without any effect on Envoy.
EFFECTLESS_KINDS = {"DevPortal": "it has no effect on routing"}

_KINDS: dict[str, Kind] = {kind.value: kind for kind in Kind}
_LANGUAGE_KINDS = [kind for kind in Kind if kind not in OWN_KINDS]

# Besides these, a List may hold documents, and these two may carry them in an annotation.
ANNOTATED_KINDS = frozenset({"Service", "Ingress"})


@dataclass(frozen=True, slots=True)
class Ours:
    """A document of a kind that is read: its kind and the version of its spelling."""

    kind: Kind
    version: str


def classify(document: Document) -> Ours | Finding:
    """Whether a document is read, or what to report instead."""
    api_version, kind = document.get("apiVersion"), document.get("kind")
    version = API_VERSIONS.get(api_version) if isinstance(api_version, str) else None
    own = isinstance(kind, str) and kind in OWN_KINDS
    if version is not None:
        return _wrong_group(api_version, kind) if own else _of_our_group(kind, version)
    if isinstance(api_version, str) and api_version in OWN_API_VERSIONS:
        return _of_own_group(api_version, kind)
    if _claims_ours(api_version, kind):
        return Finding(
            Code.UNKNOWN_API_VERSION if api_version is not None else Code.MISSING_FIELD,
            f"{kind} has an apiVersion that is not known" if api_version is not None else "apiVersion is missing",
            path=("apiVersion",),
            expected=OWN if own else _meant_version(api_version),
            got="" if api_version is None else shown(api_version),
            hint="" if own else "known are " + ", ".join(API_VERSIONS),
        )
    return foreign(document)


def is_ours(document: Document) -> bool:
    """Whether a document has an API version of the language."""
    api_version = document.get("apiVersion")
    return isinstance(api_version, str) and (api_version in API_VERSIONS or api_version in OWN_API_VERSIONS)


def foreign(document: Json) -> Finding:
    """What is said of a document that is none of ours."""
    if not isinstance(document, dict):
        what = type_words(document)
    elif isinstance(kind := document.get("kind"), str):
        what = f"kind {kind[:80]}"
        if isinstance(group := document.get("apiVersion"), str):
            what += f" of {group[:80]}"
    else:
        what = "a mapping without a kind"
    return Finding(Code.FOREIGN_KIND, f"not a document of this language: {what}; skipped", severity=Severity.INFO)


def likely_kind(document: Document) -> Kind | None:
    """The kind a document means, also when it is misspelt."""
    kind = document.get("kind")
    word = nearest(kind, [*Kind, *UNSUPPORTED_KINDS]) if isinstance(kind, str) else ""
    return _KINDS.get(word)


def _of_our_group(kind: Json, version: str) -> Ours | Finding:
    if kind is None:
        return Finding(Code.MISSING_FIELD, "kind is missing", path=("kind",), expected=" or ".join(_LANGUAGE_KINDS))
    if not isinstance(kind, str):
        return Finding(Code.WRONG_TYPE, "wrong type", path=("kind",), expected="a string", got=type_words(kind))
    if kind in _KINDS:
        return Ours(_KINDS[kind], version)
    if why := UNSUPPORTED_KINDS.get(kind):
        message = f"{kind} is not read: {why}"
        return Finding(Code.UNSUPPORTED_KIND, message, path=("kind",))
    if why := EFFECTLESS_KINDS.get(kind):
        return Finding(Code.UNSUPPORTED_KIND, f"{kind} is not read: {why}", path=("kind",), severity=Severity.INFO)
    word = nearest(kind, [*Kind, *UNSUPPORTED_KINDS, *EFFECTLESS_KINDS])
    hint = f"did you mean {word}?" if word else "known are " + ", ".join(_LANGUAGE_KINDS)
    return Finding(Code.UNKNOWN_KIND, "no kind of this language", path=("kind",), got=shown(kind), hint=hint)


def _of_own_group(api_version: str, kind: Json) -> Ours | Finding:
    if isinstance(kind, str) and kind in OWN_KINDS:
        return Ours(_KINDS[kind], OWN_API_VERSIONS[api_version])
    if isinstance(kind, str) and kind in {*_LANGUAGE_KINDS, *UNSUPPORTED_KINDS}:
        return _wrong_group(api_version, kind)
    known = " or ".join(sorted(OWN_KINDS))
    if kind is None:
        return Finding(Code.MISSING_FIELD, "kind is missing", path=("kind",), expected=known)
    if not isinstance(kind, str):
        return Finding(Code.WRONG_TYPE, "wrong type", path=("kind",), expected="a string", got=type_words(kind))
    return Finding(Code.UNKNOWN_KIND, "no kind of this group", path=("kind",), expected=known, got=shown(kind))


def _wrong_group(api_version: Json, kind: Json) -> Finding:
    """A kind we know under an apiVersion of the other group."""
    message, expected = f"{kind} is no kind of this group", OWN if kind in OWN_KINDS else CURRENT
    return Finding(Code.UNKNOWN_API_VERSION, message, path=("apiVersion",), expected=expected, got=shown(api_version))


def _claims_ours(api_version: Json, kind: Json) -> bool:
    """Whether a document with an unknown apiVersion is one of ours nonetheless.

    ``Mapping`` is nobody else's word. The other kinds are (``Host``, ``Module``, …), so there the API group must
    look like ours, or be missing.
    """
    if not isinstance(kind, str):
        return False
    if kind == Kind.MAPPING:
        return True
    if kind not in {*Kind, *UNSUPPORTED_KINDS}:
        return isinstance(api_version, str) and api_version.partition("/")[0] in {*_GROUPS, _OWN_GROUP}
    if not isinstance(api_version, str):
        return True
    group, slash, _ = api_version.partition("/")
    return not slash or bool(nearest(group, (*_GROUPS, _OWN_GROUP), cutoff=0.8))


def _meant_version(api_version: Json) -> str:
    """The known apiVersion that was meant: a group may be misspelt, but ``v4`` is no slip for ``v2``."""
    group, _, version = api_version.lower().partition("/") if isinstance(api_version, str) else ("", "", "")
    meant = f"{nearest(group, _GROUPS)}/{version}"
    return meant if meant in API_VERSIONS else CURRENT
