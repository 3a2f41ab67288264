"""How header names are written in HTTP/1, towards clients and upstreams.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/header_casing
"""

from envoy.config.core.v3.protocol_pb2 import Http1ProtocolOptions

from reconciler.model.upstream import HeaderCase


def header_key_format(case: HeaderCase) -> Http1ProtocolOptions.HeaderKeyFormat:
    """Each word capitalised, or some names exactly as they are listed."""
    message = Http1ProtocolOptions.HeaderKeyFormat()
    if case.words:
        message.proper_case_words.SetInParent()
    else:
        message.custom.rules.update({name.lower(): name for name in case.names})
    return message
