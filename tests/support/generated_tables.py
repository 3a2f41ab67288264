"""Mapping, Host and Listener documents made by chance, and requests that come near to what they ask for.

Everything follows from the seed. Values are drawn from small sets, so that Mappings overlap and requests hit.
"""

from dataclasses import dataclass
from random import Random
from typing import Any

import yaml

from reconciler.model.regex import full_match
from reconciler.model.table import Request

Document = dict[str, Any]

_SEGMENTS = ("a", "b", "A", "ab", "a.b", "a%20b", "b-~_", "")
_SENT_SEGMENTS = (*_SEGMENTS, "%61", "a\\b", ".", "..;x")
_PATTERNS = ("/a.*", "/[ab]/\\w+", "(?i)/A/.*", "/a|/b/?", ".*", "/(a|b)(/.*)?", "/a/", "/[^/]*/b.*", "(?i:/AB)/?")
_HOSTS = ("*", "*", "*", "a.test", "A.Test", "b.test", "*.test", "*.a.test", "a.*", "a.b.*", "x.a.test", "[::1]")
_HOST_PATTERNS = ("[ab]\\.test", ".*", "A\\.test|b\\.TEST", "a\\.test:80", ".*\\.test", "a\\.test(:.*)?", "x.*")
_VALUES = ("1", "2", "red", "a%20b", "1,2")
_SENT_VALUES = (*_VALUES, "")
_VALUE_PATTERNS = (".*", "[0-9]+", "(?i)RED", "1|2", "r.d", "(1|$)")
_HEADERS = ("x-a", "x-b", "X-C", "x-forwarded-proto", "x-forwarded-for", "x-request-id", "host", "accept")
_PSEUDO = ((":method", "GET|POST"), (":path", "/a.*"), (":scheme", "https?"), (":authority", "[ab]\\.test"))
_PARAMETERS = ("q", "r", "Q")
_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
_METHOD_PATTERNS = ("GET|HEAD", "P.*", "(?i)get")
_REWRITES = ("/", "", "/new", "/new/", "/a/b", "/n?z=1", None)
_REGEX_REWRITES = (
    ("/a/(.*)", "/\\1"),
    ("a", "b"),
    ("^/([^/]*)", "/n/\\1"),
    ("b*$", "/e"),
    ("(.*)", "/z\\1"),
    ("b", "\\\\"),
    ("^/(a)?", "/<\\1>"),
)
_REDIRECT_HOSTS = ("n.test", "n.test:8443", "n.test:80", "n.test:443", "[::1]:9", "[::1]")
_REDIRECT_SCHEMES = ("", "", "http://", "https://")
_REDIRECT_PATHS = ("/p", "/p?z=1", "p", "//p/")
_REDIRECT_PREFIXES = ("/p/", "/p", "/p?z=1")
_REQUEST_HOSTS = ("a.test", "A.TEST", "b.test", "x.a.test", "c.a.test", "a.b.c", "a.", "a.x", ".test", "other", "[::1]")
_PORTS = ("", "", "", ":80", ":8080", ":443", ":1")
_SENT_HEADERS = ("x-a", "x-b", "x-c", "x-forwarded-proto", "x-envoy-retry-on", "accept")
_PATHS = ("/a", "/a/b", "/A/b", "/b", "/ab/", "/a/", "/x/b/c", "/.well-known/acme-challenge/t")
_MOSTLY = 0.9
_TAILS = ("", "", "/", "b", "/b", "/a/b", "//", "/./c", "/../b", "/c/../b", "%2Fb", "%2e%2E/b", "/%41", ";x", "/%7E")


@dataclass(frozen=True)
class Generated:
    """One repository's worth of documents, as text."""

    seed: int
    text: str


def documents(seed: int) -> Generated:
    """The documents of a seed: Mappings, sometimes Hosts, sometimes Listeners."""
    chance = Random(seed)
    found = [_mapping(chance, f"m{number}") for number in range(chance.randint(1, 9))]
    found += _canaries(chance, found)
    if chance.random() < 0.4:
        found += [_host(chance, f"h{number}") for number in range(chance.randint(1, 3))]
    if chance.random() < 0.3:
        found += [_listener(chance, port) for port in (8080, 8081)[: chance.randint(1, 2)]]
    found += [
        _policy(chance, document) for document in found if document["kind"] == "Mapping" and chance.random() < 0.1
    ]
    return Generated(seed, yaml.safe_dump_all(found, sort_keys=False))


def requests(seed: int, count: int, text: str) -> list[Request]:
    """Requests near the documents: their paths, hosts, headers and parameters, hit or just missed."""
    chance = Random(seed)
    specs = [document["spec"] for document in yaml.safe_load_all(text) if document["kind"] == "Mapping"]
    return [_request(chance, chance.choice(specs)) for _ in range(count)]


def _mapping(chance: Random, name: str) -> Document:
    older = chance.random() < 0.3
    spec: Document = {"service": chance.choice(("one", "two", "three:81", "127.0.0.1:9"))}
    spec |= _path(chance) | _hosts(chance, older=older)
    if chance.random() < 0.2:
        spec |= _method(chance)
    if chance.random() < 0.2:
        spec |= _conditions(chance, "headers", _HEADERS, older=older)
    if chance.random() < 0.1:
        header, pattern = chance.choice(_PSEUDO)
        spec.setdefault("regex_headers", {})[header] = pattern
    if chance.random() < 0.2:
        spec |= _conditions(chance, "query_parameters", _PARAMETERS, older=older)
    if chance.random() < 0.2:
        spec["precedence"] = chance.randint(-1, 2)
    spec |= _redirect(chance) if chance.random() < 0.25 else _rewrites(chance)
    version = "getambassador.io/v2" if older else "getambassador.io/v3alpha1"
    labels = {"labels": {"l": chance.choice("12")}} if chance.random() < 0.4 else {}
    return {"apiVersion": version, "kind": "Mapping", "metadata": {"name": name} | labels, "spec": spec}


def _canaries(chance: Random, found: list[Document]) -> list[Document]:
    """For some Mappings others of the same match, with weights."""
    canaries = []
    for document in found:
        if chance.random() < 0.15:
            spec = document["spec"] | {"weight": chance.choice((0, 1, 50, 99)), "service": "canary"}
            metadata = document["metadata"] | {"name": f"{document['metadata']['name']}-canary"}
            canaries.append(document | {"metadata": metadata, "spec": spec})
    return canaries


def _path(chance: Random) -> Document:
    kind = chance.random()
    if kind < 0.15:
        return {"prefix": chance.choice(_PATTERNS), "prefix_regex": True}
    prefix = "/" + "/".join(chance.choice(_SEGMENTS) for _ in range(chance.randint(0, 3)))
    fields: Document = {"prefix": prefix}
    if kind < 0.35:
        fields["prefix_exact"] = True
    if chance.random() < 0.2:
        fields["case_sensitive"] = False
    return fields


def _hosts(chance: Random, *, older: bool) -> Document:
    kind = chance.random()
    if kind < 0.15:
        return {"host": chance.choice(_HOST_PATTERNS), "host_regex": True}
    if older:
        return {} if kind < 0.5 else {"host": chance.choice(_HOSTS)}
    return {} if kind < 0.2 else {"hostname": chance.choice(_HOSTS)}


def _method(chance: Random) -> Document:
    if chance.random() < 0.3:
        return {"method": chance.choice(_METHOD_PATTERNS), "method_regex": True}
    return {"method": chance.choice(_METHODS)}


def _conditions(chance: Random, field: str, names: tuple[str, ...], *, older: bool) -> Document:
    fields: Document = {}
    for name in chance.sample(names, chance.randint(1, 2)):
        kind = chance.random()
        if older and kind < 0.3:
            fields.setdefault(field, {})[name] = True
        elif kind < 0.6:
            fields.setdefault(field, {})[name] = chance.choice(_VALUES)
        else:
            fields.setdefault(f"regex_{field}", {})[name] = chance.choice(_VALUE_PATTERNS)
    return fields


def _rewrites(chance: Random) -> Document:
    fields: Document = {}
    kind = chance.random()
    if kind < 0.4:
        fields["rewrite"] = chance.choice(_REWRITES)
    elif kind < 0.6:
        pattern, substitution = chance.choice(_REGEX_REWRITES)
        fields["regex_rewrite"] = {"pattern": pattern, "substitution": substitution}
    host = chance.random()
    if host < 0.15:
        fields["host_rewrite"] = "h.test:7"
    elif host < 0.3:
        fields["auto_host_rewrite"] = True
    return fields


def _redirect(chance: Random) -> Document:
    fields: Document = {
        "host_redirect": True,
        "service": chance.choice(_REDIRECT_SCHEMES) + chance.choice(_REDIRECT_HOSTS),
    }
    kind = chance.random()
    if kind < 0.25:
        fields["path_redirect"] = chance.choice(_REDIRECT_PATHS)
    elif kind < 0.5:
        fields["prefix_redirect"] = chance.choice(_REDIRECT_PREFIXES)
    elif kind < 0.75:
        pattern, substitution = chance.choice(_REGEX_REWRITES)
        fields["regex_redirect"] = {"pattern": pattern, "substitution": substitution}
    if chance.random() < 0.5:
        fields["redirect_response_code"] = chance.choice((301, 302, 303, 307, 308))
    return fields


def _policy(chance: Random, about: Document) -> Document:
    """A MappingPolicy that has Envoy answer for a Mapping by itself."""
    name = about["metadata"]["name"]
    part = chance.choice(({"direct_response": {"status": 418}}, {"maintenance": {"enabled": chance.random() < 0.7}}))
    metadata, spec = {"name": f"of-{name}"}, {"mappings": [name], **part}
    return {"apiVersion": "reconciler.dev/v1alpha1", "kind": "MappingPolicy", "metadata": metadata, "spec": spec}


def _host(chance: Random, name: str) -> Document:
    spec: Document = {"hostname": chance.choice(_HOSTS)}
    if chance.random() < 0.2:
        spec["mappingSelector"] = {"matchLabels": {"l": chance.choice("12")}}
    action = chance.choice(("Route",) * 6 + ("Redirect", "Reject"))
    spec["requestPolicy"] = {"insecure": {"action": action}}
    return {"apiVersion": "getambassador.io/v3alpha1", "kind": "Host", "metadata": {"name": name}, "spec": spec}


def _listener(chance: Random, port: int) -> Document:
    spec = {
        "port": port,
        "protocol": "HTTP",
        "securityModel": chance.choice(("XFP", "SECURE", "INSECURE")),
        "l7Depth": chance.choice((0, 1)),
        "hostBinding": {"namespace": {"from": "ALL"}},
    }
    metadata = {"name": f"l{port}"}
    return {"apiVersion": "getambassador.io/v3alpha1", "kind": "Listener", "metadata": metadata, "spec": spec}


def _request(chance: Random, near: Document) -> Request:
    return Request(
        host=_request_host(chance, near),
        path=_request_path(chance, near),
        method=_request_method(chance, near),
        headers=_near_values(chance, near, "headers", _SENT_HEADERS),
        query=_near_values(chance, near, "query_parameters", _PARAMETERS),
    )


def _request_host(chance: Random, near: Document) -> str:
    wanted = str(near.get("hostname", near.get("host", "*")))
    host = chance.choice(_REQUEST_HOSTS)
    if near.get("host_regex"):
        host = _matching(chance, wanted, _REQUEST_HOSTS)
    elif wanted != "*" and chance.random() < _MOSTLY:
        host = wanted.replace("*", chance.choice(("a", "x", "a.b")))
    return host + chance.choice(_PORTS)


def _request_path(chance: Random, near: Document) -> str:
    path = _matching(chance, near["prefix"], _PATHS) if near.get("prefix_regex") else near["prefix"]
    kind = chance.random()
    if kind < 0.05:
        path = "/" + "/".join(chance.choice(_SENT_SEGMENTS) for _ in range(chance.randint(0, 4)))
    elif kind < 0.1:
        path = path[:-1] or "/"
    elif kind < 0.2:
        path = path.swapcase()
    return path + (chance.choice(_TAILS) if chance.random() < 0.5 else "")


def _request_method(chance: Random, near: Document) -> str:
    wanted = near.get("method")
    if wanted is None or chance.random() > _MOSTLY:
        return chance.choice(_METHODS)
    return _matching(chance, wanted, _METHODS) if near.get("method_regex") else str(wanted)


def _near_values(chance: Random, near: Document, field: str, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """What the conditions ask for, mostly; sometimes another value, none, or one twice."""
    pairs: list[tuple[str, str]] = []
    for name, wanted in (near.get(field) or {}).items():
        exact = isinstance(wanted, str) and chance.random() < _MOSTLY
        pairs.append((name, wanted if exact else chance.choice(_SENT_VALUES)))
    for name, pattern in (near.get(f"regex_{field}") or {}).items():
        pairs.append((name, _matching(chance, pattern, _SENT_VALUES)))
    if chance.random() < 0.2:
        pairs.append((chance.choice(names), chance.choice((*_SENT_VALUES, "http", "https"))))
    chance.shuffle(pairs)
    return tuple(pair for pair in pairs if pair[0].lower() in names or pair[0] in names)


def _matching(chance: Random, pattern: str, known: tuple[str, ...]) -> str:
    """One of the known texts, mostly one that the pattern matches."""
    hits = [text for text in known if full_match(pattern, text)]
    return chance.choice(hits if hits and chance.random() < _MOSTLY else known)
