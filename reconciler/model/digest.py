"""Content digests: ``sha256:<hex>``. Equal content has an equal digest, on every machine."""

import hashlib
from typing import NewType, TypeAlias

import rfc8785

Digest = NewType("Digest", str)

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def digest_bytes(content: bytes) -> Digest:
    """The digest of raw bytes."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def canonical_json(value: Json) -> bytes:
    """Canonical JSON bytes (RFC 8785): sorted keys, no insignificant white space, UTF-8.

    Raises:
        rfc8785.CanonicalizationError: a number outside the I-JSON range (±2^53-1).
    """
    return rfc8785.dumps(value)


def digest_json(value: Json) -> Digest:
    """The digest of a JSON value in canonical form."""
    return digest_bytes(canonical_json(value))
