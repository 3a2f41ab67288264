"""How TLS ends for the clients of a host, in words. Keys are never shown, only where they are."""

from reconciler.model.tls import Authorities, Identity, KeyPair, Termination
from reconciler.plan.fields import Fields
from reconciler.plan.quoting import quoted


def termination_fields(termination: Termination | None) -> Fields:
    """The fields of a virtual host that has TLS; none for one that has not."""
    if termination is None:
        return {}
    spoken = termination.parameters
    versions = f"{spoken.min_version or 'any'} to {spoken.max_version or 'any'}"
    fields = {
        "tls": quoted(termination.name),
        "certificate": _identity(termination.identity),
        "client certificates": _clients(termination),
        "revoked": _authorities(termination.crl) if termination.crl is not None else "",
        "tls versions": versions if spoken.min_version or spoken.max_version else "",
        "ciphers": ", ".join(map(quoted, spoken.cipher_suites)),
        "curves": ", ".join(map(quoted, spoken.ecdh_curves)),
        "alpn": ", ".join(map(quoted, spoken.alpn)),
    }
    return {name: value for name, value in fields.items() if value}


def _identity(identity: Identity) -> str:
    if isinstance(identity, KeyPair):
        return f"files {quoted(identity.chain)} {quoted(identity.key)}"
    return f"secret {quoted(str(identity))}"


def _clients(termination: Termination) -> str:
    if termination.authorities is None:
        return "required" if termination.required else ""
    return f"{'required' if termination.required else 'checked'} with {_authorities(termination.authorities)}"


def _authorities(authorities: Authorities) -> str:
    return f"file {quoted(authorities)}" if isinstance(authorities, str) else f"secret {quoted(str(authorities))}"
