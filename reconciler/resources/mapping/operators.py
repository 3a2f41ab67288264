"""Command operators of Envoy's format strings, ``%PROTOCOL%``, ``%REQ(x-user)%``: which there are, and what each takes.

As Envoy 1.40 accepts them in header values; it refuses the whole configuration for one it does not know.
https://www.envoyproxy.io/docs/envoy/latest/configuration/advanced/substitution_formatter
"""

import json
import re
from dataclasses import dataclass

from reconciler.resources.finding import nearest

_OPERATOR = re.compile(r"%([A-Z0-9_]+)(?:\((.*?)\))?(?::([0-9]+))?%")
_LIKE_ONE = re.compile(r"%([A-Za-z0-9_]+)")

_BARE = frozenset(
    """
        ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_RETRANSMITTED BYTES_SENT CONNECTION_ID
        CONNECTION_TERMINATION_DETAILS CUSTOM_FLAGS DOWNSTREAM_CX_RTT
        DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT
        DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_DIRECT_LOCAL_ADDRESS
        DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_DIRECT_LOCAL_PORT
        DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_PORT DOWNSTREAM_HANDSHAKE_DURATION
        DOWNSTREAM_HEADER_BYTES_RECEIVED DOWNSTREAM_HEADER_BYTES_SENT DOWNSTREAM_LOCAL_ADDRESS
        DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_LOCAL_CLOSE_REASON DOWNSTREAM_LOCAL_DNS_SAN
        DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_IP_SAN DOWNSTREAM_LOCAL_OTHERNAME_SAN DOWNSTREAM_LOCAL_PORT
        DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_CERT
        DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256
        DOWNSTREAM_PEER_CHAIN_SERIALS DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_EMAIL_SAN
        DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_FINGERPRINT_256 DOWNSTREAM_PEER_IP_SAN
        DOWNSTREAM_PEER_ISSUER DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256 DOWNSTREAM_PEER_ISSUER_SERIAL
        DOWNSTREAM_PEER_OTHERNAME_SAN DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_URI_SAN
        DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_PORT DOWNSTREAM_TLS_CIPHER DOWNSTREAM_TLS_GROUP
        DOWNSTREAM_TLS_SESSION_ID DOWNSTREAM_TLS_VERSION DOWNSTREAM_TRANSPORT_FAILURE_REASON
        DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_WIRE_BYTES_SENT DURATION FILTER_CHAIN_NAME GRPC_STATUS
        GRPC_STATUS_NUMBER HOSTNAME LISTENER_NAME LOCAL_REPLY_BODY PACKETS_RETRANSMITTED PROTOCOL
        REQUESTED_SERVER_NAME REQUEST_DURATION REQUEST_HEADERS_BYTES REQUEST_TX_DURATION RESPONSE_CODE
        RESPONSE_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG RESPONSE_HEADERS_BYTES RESPONSE_TRAILERS_BYTES
        RESPONSE_TX_DURATION ROUNDTRIP_DURATION ROUTE_NAME ROUTE_RESOLUTION_COUNT ROUTE_RESOLUTION_TIME_US
        SPAN_ID STREAM_ID TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT TRACE_ID UNIQUE_ID UPSTREAM_CLUSTER
        UPSTREAM_CLUSTER_RAW UPSTREAM_CONNECTION_ID UPSTREAM_CONNECTION_IDS_ATTEMPTED
        UPSTREAM_CONNECTION_POOL_READY_DURATION UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED
        UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_HEADER_BYTES_RECEIVED
        UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HOST UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT
        UPSTREAM_HOST_NAME UPSTREAM_HOST_NAMES_ATTEMPTED UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT
        UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_CLOSE_REASON
        UPSTREAM_LOCAL_DNS_SAN UPSTREAM_LOCAL_IP_SAN UPSTREAM_LOCAL_PORT UPSTREAM_LOCAL_URI_SAN
        UPSTREAM_PEER_CERT UPSTREAM_PEER_DNS_SAN UPSTREAM_PEER_IP_SAN UPSTREAM_PEER_ISSUER UPSTREAM_PEER_SUBJECT
        UPSTREAM_PEER_URI_SAN UPSTREAM_PROTOCOL UPSTREAM_REMOTE_ADDRESS UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID
        UPSTREAM_REMOTE_PORT UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_SERVER_NAME UPSTREAM_TLS_CIPHER
        UPSTREAM_TLS_GROUP UPSTREAM_TLS_SESSION_ID UPSTREAM_TLS_VERSION UPSTREAM_TRANSPORT_FAILURE_REASON
        UPSTREAM_WIRE_BYTES_RECEIVED UPSTREAM_WIRE_BYTES_SENT VIRTUAL_CLUSTER_NAME
    """.split()  # noqa: SIM905 - one name per line would be longer than all the rest
)
_OPTIONAL = frozenset(
    """
        DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT
        DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_PEER_CERT_V_END DOWNSTREAM_PEER_CERT_V_START
        DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT EMIT_TIME EMIT_TIME_LOCAL PATH QUERY_PARAMS RESPONSE_CODE_DETAILS
        START_TIME START_TIME_LOCAL UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_PEER_CERT_V_END
        UPSTREAM_PEER_CERT_V_START UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT
    """.split()  # noqa: SIM905 - one name per line would be longer than all the rest
)
_REQUIRED = frozenset(
    """
        CEL CLUSTER_METADATA COALESCE COMMON_DURATION DYNAMIC_METADATA ENVIRONMENT FILTER_STATE METADATA
        QUERY_PARAM REQ REQUEST_HEADER RESP RESPONSE_HEADER RESPONSE_TRAILER STREAM_INFO_REQ TRAILER
        UPSTREAM_FILTER_STATE UPSTREAM_METADATA
    """.split()  # noqa: SIM905 - one name per line would be longer than all the rest
)
# Envoy warns of the first and takes the second; both as sent from here.
_OLD_STATE = "PER_REQUEST_STATE"
_OLD_METADATA = frozenset({"UPSTREAM_METADATA", "DYNAMIC_METADATA"})
_KNOWN = _BARE | _OPTIONAL | _REQUIRED | {_OLD_STATE}
_PERCENT = "write %% for a percent sign"
_METADATA = "METADATA"
_METADATA_OF = ("DYNAMIC", "CLUSTER", "ROUTE", "UPSTREAM_HOST", "LISTENER", "LISTENER_FILTER_CHAIN", "VIRTUAL_HOST")
_TRUNCATED = frozenset({"PATH", "QUERY_PARAMS", "METADATA"}) | (
    _REQUIRED - {"CLUSTER_METADATA", "UPSTREAM_METADATA", "COALESCE", "COMMON_DURATION"}
)


class InvalidFormat(ValueError):
    """A text that Envoy refuses as a format; the message says why, without repeating what may be secret.

    Attributes:
        hint: what to write instead; may be empty.
    """

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _Operator:
    name: str
    arguments: str | None
    length: str | None

    @property
    def written(self) -> str:
        """As Envoy likes it today: old spellings in the new one."""
        name, arguments = self.name, self.arguments
        if name == _OLD_STATE:
            name, arguments = "FILTER_STATE", f"{arguments}:PLAIN"
        elif name in _OLD_METADATA and arguments is not None:
            arguments = _colons(arguments)
        inside = "" if arguments is None else f"({arguments})"
        return f"%{name}{inside}{'' if self.length is None else f':{self.length}'}%"


def parse_format(text: str) -> str:
    """A text with operators, as Envoy takes it: ``%%`` is a percent sign, old spellings are replaced.

    Raises:
        InvalidFormat: Envoy would refuse it.
    """
    if "%" not in text:
        return text
    pieces: list[str] = []
    at = 0
    while at < len(text):
        if text.startswith("%%", at):
            pieces.append("%%")
            at += 2
        elif text[at] != "%":
            end = text.find("%", at)
            end = len(text) if end < 0 else end
            pieces.append(text[at:end])
            at = end
        else:
            found = _OPERATOR.match(text, at)
            if found is None:
                raise _no_operator(text, at)
            operator = _Operator(found[1], found[2], found[3])
            _check(operator)
            pieces.append(operator.written)
            at = found.end()
    return "".join(pieces)


def _check(operator: _Operator) -> None:
    name = operator.name
    if name not in _KNOWN:
        word = nearest(name, _KNOWN)
        raise InvalidFormat(f"%{name}% is no operator of Envoy's", f"did you mean %{word}%?" if word else _PERCENT)
    if name in _BARE and operator.arguments is not None:
        raise InvalidFormat(f"%{name}% takes no arguments")
    if name not in _BARE and name not in _OPTIONAL and not operator.arguments:
        raise InvalidFormat(f"%{name}% needs an argument in parentheses")
    if operator.length is not None and name not in _TRUNCATED:
        raise InvalidFormat(f"%{name}% takes no length after a colon")
    if name == _METADATA and (operator.arguments or "").partition(":")[0] not in _METADATA_OF:
        raise InvalidFormat(f"%{name}% begins with one of {', '.join(_METADATA_OF)} and a colon")


def _no_operator(text: str, at: int) -> InvalidFormat:
    """Why no operator begins at a percent sign; nothing but what looks like the name of one is repeated."""
    like = _LIKE_ONE.match(text, at)
    name = like[1].upper() if like else ""
    if name in _KNOWN:
        return InvalidFormat(
            f"%{name} is not closed or not written as an operator is",
            f"write %{name}{'(…)' if name in _REQUIRED else ''}%",
        )
    return InvalidFormat("a lone percent sign begins an operator", _PERCENT)


def _colons(arguments: str) -> str:
    """``["a", "b"]`` as ``a:b``."""
    if not arguments.startswith("["):
        return arguments
    try:
        keys = json.loads(arguments)
    except ValueError:
        return arguments
    return ":".join(map(str, keys)) if isinstance(keys, list) else arguments
