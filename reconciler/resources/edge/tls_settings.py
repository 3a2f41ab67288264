"""TLS settings, as TLSContexts, Hosts and the old ``tls`` Module write them."""

import re
from types import MappingProxyType

from reconciler.model.problem import Code
from reconciler.model.tls import KeyPair, TlsParameters, TlsSettings, TlsVersion
from reconciler.resources.edge.tls_words import read_words
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.machine import check_tls_file
from reconciler.resources.patterns import has_control_characters
from reconciler.resources.refused import check_secret

# A Kubernetes name (RFC 1123): it becomes a part of a path, so nothing else may get through.
_SECRET = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_LONGEST_PROTOCOL = 255  # RFC 7301, section 3.1
_ORDER = tuple(TlsVersion)
# Of each pair one at most: the same thing, from a Secret or from a file.
_EITHER = (("secret", "cert_chain_file"), ("ca_secret", "cacert_chain_file"), ("crl_secret", "crl_file"))

# The spelling of old Hosts.
CAMEL = MappingProxyType(
    {
        "alpnProtocols": "alpn_protocols",
        "caSecret": "ca_secret",
        "cacertChainFile": "cacert_chain_file",
        "certChainFile": "cert_chain_file",
        "certRequired": "cert_required",
        "cipherSuites": "cipher_suites",
        "crlFile": "crl_file",
        "crlSecret": "crl_secret",
        "ecdhCurves": "ecdh_curves",
        "maxTLSVersion": "max_tls_version",
        "maxTlsVersion": "max_tls_version",
        "minTLSVersion": "min_tls_version",
        "minTlsVersion": "min_tls_version",
        "privateKeyFile": "private_key_file",
        "redirectCleartextFrom": "redirect_cleartext_from",
        "v3CRLSecret": "crl_secret",
    }
)


def read_tls_settings(fields: Fields, namespace: str) -> TlsSettings:
    """The TLS settings among some fields.

    Args:
        fields: those of a TLSContext, or of the part of another document that looks like one.
        namespace: of the document.
    """
    fields = _respelt(fields)
    for secret, file in _EITHER:
        if fields.text(secret) and fields.text(file):
            fields.report(Code.FIELDS_CONTRADICT, f"{secret} and {file} exclude each other", file)
    settings = TlsSettings(
        secret=read_secret_name(fields, "secret"),
        key_pair=_key_pair(fields),
        ca_secret=read_secret_name(fields, "ca_secret"),
        ca_file=read_file(fields, "cacert_chain_file"),
        crl_secret=read_secret_name(fields, "crl_secret"),
        crl_file=read_file(fields, "crl_file"),
        required=fields.flag("cert_required") if "cert_required" in fields.values else None,
        sni=read_server_name(fields),
        redirect_from=fields.integer("redirect_cleartext_from"),
        split_names=fields.flag("secret_namespacing") if "secret_namespacing" in fields.values else None,
        parameters=read_parameters(fields),
    )
    _check_authorities(fields, settings)
    for name in ("secret", "ca_secret", "crl_secret"):
        if fields.text(name):
            check_namespace(fields, namespace, name)
            check_secret(fields, fields.text(name) or "", namespace, name)
    return settings


def read_parameters(fields: Fields) -> TlsParameters:
    """Versions, ciphers, curves and protocols."""
    oldest, newest = _version(fields, "min_tls_version"), _version(fields, "max_tls_version")
    if oldest and newest and _ORDER.index(oldest) > _ORDER.index(newest):
        message = "min_tls_version is newer than max_tls_version: nobody could connect"
        fields.report(Code.FIELDS_CONTRADICT, message, "max_tls_version", expected=f"{oldest} or newer", got=newest)
    return TlsParameters(
        min_version=oldest,
        max_version=newest,
        cipher_suites=read_words(fields, "cipher_suites"),
        ecdh_curves=read_words(fields, "ecdh_curves"),
        alpn=_protocols(fields),
    )


def check_secret_name(fields: Fields, text: str, *parts: str) -> None:
    """Report what can't be the name of a Secret, or a namespace and a name."""
    if not _SECRET.fullmatch(text):
        expected = "a name of lower-case letters, digits, - and ."
        fields.report(Code.INVALID_VALUE, "not the name of a Secret", *parts, expected=expected, got=shown(text))


def check_namespace(fields: Fields, namespace: str, *parts: str) -> None:
    """Report a Secret of a document whose namespace Kubernetes would not allow: a path is made of it."""
    if not _SECRET.fullmatch(namespace):
        message = f"no Secret can be in the namespace {shown(namespace)}"
        fields.report(Code.INVALID_VALUE, message, *parts, expected="a namespace as Kubernetes allows it")


def _respelt(fields: Fields) -> Fields:
    """The fields in today's spelling; both at once is fine where they agree."""
    old = fields.values.keys() & CAMEL.keys()
    if not old:
        return fields
    values = {name: value for name, value in fields.values.items() if name not in old}
    for name in sorted(old):
        today, value = CAMEL[name], fields.values[name]
        if values.setdefault(today, value) != value:
            message = f"{name} is the older spelling of {today}, and they differ"
            fields.report(Code.FIELDS_CONTRADICT, message, name)
    return Fields(values, fields.path, fields.limits, fields.found, fields.rejected)


def _check_authorities(fields: Fields, settings: TlsSettings) -> None:
    """Without authorities nothing can be verified; the other implementation then lets every certificate through."""
    if settings.ca_secret or settings.ca_file or fields.given("ca_secret") or fields.given("cacert_chain_file"):
        return
    asking = [name for name in ("cert_required", "crl_secret", "crl_file") if fields.values.get(name)]
    if asking:
        message = f"{asking[0]} needs the authorities that certificates are verified with"
        expected = "ca_secret or cacert_chain_file"
        fields.report(Code.MISSING_FIELD, message, "ca_secret", expected=expected)


def _key_pair(fields: Fields) -> KeyPair | None:
    chain, key = read_file(fields, "cert_chain_file"), read_file(fields, "private_key_file")
    for name, other, given in (
        ("private_key_file", "cert_chain_file", chain),
        ("cert_chain_file", "private_key_file", key),
    ):
        if given and not fields.given(name):
            fields.report(Code.MISSING_FIELD, f"{other} needs {name} as well", name, expected="a path")
    return KeyPair(chain, key) if chain and key else None


def read_secret_name(fields: Fields, name: str) -> str:
    """The name of a Secret, as written; empty for none."""
    text = fields.text(name) or ""
    if text:
        check_secret_name(fields, text, name)
    return text


def read_file(fields: Fields, name: str) -> str:
    """A file on Envoy's machine, from the root, since nobody knows where Envoy was started; empty for none."""
    text = fields.text(name) or ""
    if text and (not text.startswith("/") or has_control_characters(text)):
        expected = "a path that begins with /"
        fields.report(Code.INVALID_VALUE, "not a file on Envoy's machine", name, expected=expected, got=shown(text))
    elif text:
        check_tls_file(fields, text, name)
    return text


def _version(fields: Fields, name: str) -> TlsVersion | None:
    text = fields.text(name)
    return TlsVersion(text) if text else None


def _protocols(fields: Fields) -> tuple[str, ...]:
    """``h2, http/1.1``, the preferred first."""
    text = fields.text("alpn_protocols")
    words = [word.strip() for word in text.split(",")] if text else []
    for word in words:
        if not 0 < len(word) <= _LONGEST_PROTOCOL or not word.isascii() or has_control_characters(word):
            expected = "names of protocols with commas between them, as in h2,http/1.1"
            fields.report(Code.INVALID_VALUE, "not a protocol", "alpn_protocols", expected=expected, got=shown(text))
            break
    return tuple(words)


def read_server_name(fields: Fields) -> str:
    """``sni``: a host name to ask an upstream for; empty for none."""
    text = fields.text("sni") or ""
    if text and (not text.isascii() or has_control_characters(text) or any(mark in text for mark in " /:*")):
        message = "not a host name"
        fields.report(
            Code.INVALID_VALUE, message, "sni", expected="a host name, as in api.example.com", got=shown(text)
        )
    return text
