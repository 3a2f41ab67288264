"""The names of cipher suites and curves that Envoy takes: those of BoringSSL, as its ``ssl_cipher.cc`` lists them.

Envoy rejects a whole listener or cluster for any other word.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from reconciler.model.digest import Json
from reconciler.model.problem import Code
from reconciler.resources.fields import Fields
from reconciler.resources.finding import nearest, shown

SUITES = frozenset(
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-PSK-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-PSK-AES128-CBC-SHA",
        "ECDHE-ECDSA-AES128-SHA256",
        "ECDHE-RSA-AES128-SHA256",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-RSA-AES256-SHA",
        "ECDHE-PSK-AES256-CBC-SHA",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "AES256-SHA",
        "PSK-AES128-CBC-SHA",
        "PSK-AES256-CBC-SHA",
        "DES-CBC3-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS_PSK_WITH_AES_128_CBC_SHA",
        "TLS_PSK_WITH_AES_256_CBC_SHA",
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    ]
)
# Each means several of them.
ALIASES = frozenset(
    [
        "ALL",
        "DEFAULT",
        "kRSA",
        "kECDHE",
        "kEECDH",
        "ECDH",
        "kPSK",
        "aRSA",
        "aECDSA",
        "ECDSA",
        "aPSK",
        "RSA",
        "ECDHE",
        "EECDH",
        "PSK",
        "3DES",
        "AES128",
        "AES256",
        "AES",
        "AESGCM",
        "CHACHA20",
        "SHA1",
        "SHA",
        "SSLv3",
        "TLSv1",
        "TLSv1.2",
        "HIGH",
        "FIPS",
    ]
)
CURVES = frozenset(
    [
        "P-256",
        "P-384",
        "P-521",
        "X25519",
        "X25519MLKEM768",
        "MLKEM1024",
        "prime256v1",
        "secp384r1",
        "secp521r1",
        "x25519",
    ]
)
# Envoys of some years ago take these.
_OLDER_CURVES = frozenset(["P-224", "secp224r1", "X25519Kyber768Draft00"])
_STRENGTH = "@STRENGTH"


def _suites_in(word: str) -> list[str]:
    """The names in ``[A|B]``, ``-A``, ``!A``, ``+A``, ``A+B`` and ``A:B``, which say what is preferred."""
    return [name.removeprefix("-") for name in re.split(r"[\[\]|!+:;, ]+", word) if name]


def _curves_in(word: str) -> list[str]:
    return word.split(":")


_WORDS: Mapping[str, tuple[str, Callable[[str], list[str]], frozenset[str]]] = MappingProxyType(
    {
        "cipher_suites": ("a cipher suite", _suites_in, SUITES | ALIASES | {_STRENGTH}),
        "ecdh_curves": ("a curve", _curves_in, CURVES | _OLDER_CURVES),
    }
)


def read_words(fields: Fields, name: str) -> tuple[str, ...]:
    """``cipher_suites`` or ``ecdh_curves``: Envoy's own words, in their order, which says what is preferred."""
    given: Json = fields.values.get(name)
    words = tuple(map(str, given)) if isinstance(given, list) else ()
    what, names_in, known = _WORDS[name]
    for word in words:
        names = names_in(word)
        unknown = next((one for one in names if one not in known), None if names else word)
        if unknown is not None:
            near = nearest(unknown, known)
            expected = f"{near}, or another name that Envoy knows" if near else "a name that Envoy knows"
            hint = "Those of TLS 1.3 are always all there" if unknown.startswith("TLS_AES") else ""
            fields.report(
                Code.INVALID_VALUE, f"not the name of {what}", name, expected=expected, got=shown(unknown), hint=hint
            )
            break
    return words
