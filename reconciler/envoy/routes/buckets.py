"""Host names in a finite number of buckets: the same for us, who render, and for Envoy, which asks with every request.

A bucket is a number of six bits. Bit *i* is whether the number of characters of set *i* in the name is odd; a port,
and case, do not count. Envoy has no hash of a header, but it can ask a pattern, in time linear in the name.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes
"""

from types import MappingProxyType

# Letters and digits of each bit, as ranges: of host names as people give them, numbered and named, these spread best.
_SETS = ("a-m0-4", "d-g3-5", "n-t1-2", "b-o5-7", "s-z2-6", "e-i7-8")

BUCKETS = 1 << len(_SETS)


def _characters(ranges: str) -> str:
    found = zip(ranges[::3], ranges[2::3], strict=True)
    return "".join(chr(code) for first, last in found for code in range(ord(first), ord(last) + 1))


def _masks() -> dict[str, int]:
    """The bits that each character turns."""
    masks: dict[str, int] = {}
    for bit, ranges in enumerate(_SETS):
        for character in _characters(ranges):
            masks[character] = masks.get(character, 0) | 1 << bit
    return masks


_MASKS = MappingProxyType(_masks())


def bucket(host: str) -> int:
    """The bucket of a host, below `BUCKETS`."""
    found = 0
    for character in host.lower().partition(":")[0]:
        found ^= _MASKS.get(character, 0)
    return found


def bucket_expression() -> str:
    """The same as an expression of Envoy's (CEL) about a request; its value is the number."""
    terms = (f'(request.host.matches("{_odd(ranges)}") ? {1 << bit} : 0)' for bit, ranges in enumerate(_SETS))
    return " + ".join(terms)


def _odd(ranges: str) -> str:
    """A pattern for texts with an odd number of some characters before the first colon."""
    letters, digits = ranges[:3], ranges[3:]
    counted = letters + letters.upper() + digits
    inside, outside = f"[{counted}]", f"[^{counted}:]"
    return f"^(?:{inside}{outside}*{inside}|{outside})*{inside}{outside}*(?::|$)"
