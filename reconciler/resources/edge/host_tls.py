"""The TLS of a Host: its certificate, and the settings it ends TLS with."""

from reconciler.model.problem import Code, Severity
from reconciler.model.tls import NO_TLS, HostTls, TlsSettings
from reconciler.resources.edge.tls_settings import check_namespace, check_secret_name, read_tls_settings
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown
from reconciler.resources.refused import check_secret

_FAMILY = frozenset({"tlsSecret", "tlsContext", "tls", "acmeProvider", "previewUrl"})


def read_host_tls(fields: Fields, own_namespace: str) -> HostTls:
    """How a Host of a namespace ends TLS; `NO_TLS` when it says nothing about that."""
    if not fields.values.keys() & _FAMILY:
        return NO_TLS
    _report_acme(fields)
    if fields.inside("previewUrl").flag("enabled"):
        fields.ignored("previewUrl", "preview URLs belong to the commercial edition and are read by no current version")
    context, own = fields.inside("tlsContext"), fields.inside("tls")
    name, namespace = _secret(fields, own_namespace)
    if context.values and own.values:
        fields.report(Code.FIELDS_CONTRADICT, "tlsContext and tls exclude each other", "tls")
    settings = read_tls_settings(own, own_namespace) if own.values else None
    if settings is not None:
        _check_own(fields, own, settings, name)
    return HostTls(name, namespace, context.text("name") or "", settings)


def _secret(fields: Fields, own_namespace: str) -> tuple[str, str]:
    """Name and namespace of the Secret, as written."""
    secret = fields.inside("tlsSecret")
    name, namespace = secret.text("name") or "", secret.text("namespace") or ""
    for part, text in (("name", name), ("namespace", namespace)):
        if text:
            check_secret_name(secret, text, part)
    if name and not namespace:
        check_namespace(secret, own_namespace, "name")
    check_secret(secret, name, namespace or own_namespace, "name")
    if secret.values and not name:
        secret.report(Code.MISSING_FIELD, "name is missing", "name", expected="the name of a Secret")
    return name, namespace


def _check_own(fields: Fields, own: Fields, settings: TlsSettings, secret: str) -> None:
    """Report settings of a Host's own that cannot be, or have no effect."""
    if not secret and settings.key_pair is None and "tlsSecret" not in fields.rejected:
        message = "tls needs a certificate: without one the host would be served in clear text"
        fields.report(Code.MISSING_FIELD, message, "tlsSecret", expected="tlsSecret: {name: …}")
    if secret and settings.key_pair is not None:
        message = "tlsSecret and cert_chain_file exclude each other"
        own.report(Code.FIELDS_CONTRADICT, message, "cert_chain_file")
    for field in ("redirect_cleartext_from", "redirectCleartextFrom"):
        if own.integer(field):
            own.ignored(field, "requestPolicy.insecure says what becomes of clear text", hint="remove it")
    if settings.sni:
        own.ignored("sni", "clients ask for a name here, and only upstreams are asked", hint="remove it")


def _report_acme(fields: Fields) -> None:
    """Nobody here asks an authority for certificates; a Host that wants one had better have it from elsewhere."""
    acme = fields.inside("acmeProvider")
    authority = acme.text("authority")
    if not acme.values or (authority or "").lower() == "none":
        return
    got = shown(authority) if authority else "no authority, which means Let's Encrypt to the commercial edition"
    acme.report(
        Code.FIELD_IGNORED,
        "no certificate is obtained: certificates are used, never asked for",
        "authority",
        severity=Severity.WARNING,
        expected="none",
        got=got,
        hint="let cert-manager obtain it, and name its Secret under tlsSecret",
    )
