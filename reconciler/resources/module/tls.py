"""The Module ``tls``: what TLSContexts were before there were any."""

from reconciler.model.origin import Origin
from reconciler.model.problem import Code
from reconciler.model.tls import TlsSettings
from reconciler.model.tls_module import TlsModuleResource
from reconciler.resources.edge.tls_settings import read_tls_settings
from reconciler.resources.fields import Fields

# The Secrets that are meant where none is named.
_SERVER_SECRET, _CLIENT_SECRET = "ambassador-certs", "ambassador-cacert"
_OF_CLIENTS = {"secret": "ca_secret", "ca_secret": "ca_secret", "cacert_chain_file": "cacert_chain_file"}


def read_tls_module(origin: Origin, config: Fields) -> TlsModuleResource:
    """The Module of a config; what is wrong with it was reported.

    ``server`` is how TLS ends, ``client`` whom the certificates of clients must be signed by; together they are one
    TLSContext for all hosts. Each other block is a TLSContext for upstreams, under its name.
    """
    named = {}
    server = None
    for name, value in sorted(config.values.items()):
        if not isinstance(value, dict) or not config.inside(name).flag("enabled", default=True):
            continue
        if name == "server":
            server = _read(config, name, _with_clients(config), origin)
        elif name != "client":
            named[name] = _read(config, name, config.inside(name), origin)
    if server is None and config.inside("client").flag("enabled", default=True) and "client" in config.values:
        message = "client has no effect without server: no TLS ends here"
        config.report(Code.MISSING_FIELD, message, "server", expected="server: {secret: …}")
    return TlsModuleResource(origin, server, tuple(sorted(named.items(), key=lambda block: block[0])))


def _with_clients(config: Fields) -> Fields:
    """The fields of ``server`` with those of ``client`` as a TLSContext has them."""
    server, client = config.inside("server"), config.inside("client")
    values = dict(server.values)
    if client.values and client.flag("enabled", default=True):
        given = {_OF_CLIENTS[name]: value for name, value in client.values.items() if name in _OF_CLIENTS and value}
        values |= given or {"ca_secret": _CLIENT_SECRET}
        if "cert_required" in client.values:
            values["cert_required"] = client.values["cert_required"]
    return Fields(values, server.path, server.limits, server.found)


def _read(config: Fields, name: str, fields: Fields, origin: Origin) -> TlsSettings:
    values = {key: value for key, value in fields.values.items() if key != "enabled"}
    if not values.keys() & {"secret", "cert_chain_file", "private_key_file"}:
        values["secret"] = _SERVER_SECRET
    path = (*config.path, name)
    return read_tls_settings(Fields(values, path, config.limits, config.found), origin.id.namespace)
