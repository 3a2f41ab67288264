"""``load_balancer``: how the endpoint of a request is chosen, and what of the request decides it."""

import re
from dataclasses import dataclass

from reconciler.model.policy import HashKey, HashSource
from reconciler.model.problem import Code
from reconciler.model.upstream import LoadBalancing
from reconciler.resources.durations import read_duration
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.patterns import is_token

# What the path of a cookie may hold: RFC 6265, section 4.1.1.
_COOKIE_PATH = re.compile(r"[\x20-\x3a\x3c-\x7e]*")
_SECOND_MS = 1000


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """A policy, and the key of one that hashes."""

    policy: LoadBalancing
    key: HashKey | None = None


def read_load_balancer(fields: Fields, name: str = "load_balancer") -> LoadBalancer | None:
    """The load balancer of a Mapping or Module; None when absent or reported."""
    inside = fields.inside(name)
    policy = inside.text("policy")
    if policy is None:
        return None
    balancing = LoadBalancing(policy)
    keys = [source for source in HashSource if _asked_for(inside, source)]
    if not balancing.hashes:
        for source in keys:
            inside.ignored(
                source, f"{policy} does not look at the request", hint="the policy needs to be ring_hash or maglev"
            )
        return LoadBalancer(balancing)
    if len(keys) != 1:
        message = f"{policy} needs exactly one of cookie, header and source_ip to choose by"
        got = " and ".join(keys) or "none of them"
        inside.report(Code.FIELDS_CONTRADICT if keys else Code.MISSING_FIELD, message, *keys[1:2], got=got)
        return None
    key = _hash_key(inside, keys[0])
    return LoadBalancer(balancing, key) if key else None


def _asked_for(fields: Fields, source: HashSource) -> bool:
    return fields.values.get(source) not in (None, False)


def _hash_key(fields: Fields, source: HashSource) -> HashKey | None:
    match source:
        case HashSource.COOKIE:
            return _cookie(fields.inside("cookie"))
        case HashSource.HEADER:
            header = fields.text("header") or ""
            if not is_token(header):
                fields.report(Code.INVALID_VALUE, "not the name of a header", "header", got=shown(header))
                return None
            return HashKey(source, header.lower())
        case HashSource.SOURCE_IP:
            return HashKey(source)


def _cookie(fields: Fields) -> HashKey | None:
    """A cookie; Envoy makes it where a client has none and ``ttl`` is given."""
    name, path = fields.text("name") or "", fields.text("path") or ""
    ttl = read_duration(fields, "ttl")
    if not is_token(name):
        fields.report(Code.INVALID_VALUE, "not the name of a cookie", "name", got=shown(name))
    if not _COOKIE_PATH.fullmatch(path):
        fields.report(Code.INVALID_VALUE, "not the path of a cookie", "path", got=shown(path))
    if ttl is not None and ttl % _SECOND_MS:
        written = shown(fields.text("ttl") or "")
        fields.report(
            Code.INVALID_VALUE, "a cookie lives for whole seconds", "ttl", expected="such as 30s", got=written
        )
    if path and ttl is None:
        fields.ignored("path", "without ttl Envoy makes no cookie")
    return HashKey(HashSource.COOKIE, name, path, ttl)
