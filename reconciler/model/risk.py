"""What of a change a reviewer must not overlook."""

from enum import StrEnum


class Risk(StrEnum):
    """A way in which a change opens something, as far as the words of a plan tell.

    Attributes:
        AUTH_BYPASSED: requests are no longer shown to the auth service: of a route, or of all.
        TLS_REMOVED: connections that were encrypted no longer are: of clients to a host, or to an upstream.
        TLS_WEAKENED: they are, but certificates are no longer checked or asked for, older versions are allowed, or
            plain requests are routed too.
        HOST_WIDENED: a route answers on more hosts.
        PREFIX_WIDENED: it takes more paths.
        CONDITIONS_REMOVED: it asks for less: no method, header or query parameter any more.
        WEIGHT_OVER_HALF: it takes more than half of its group's requests, and did not before.
        LIMITS_REMOVED: rates are no longer limited, or clients no longer turned away by their address.
    """

    AUTH_BYPASSED = "auth-bypassed"
    TLS_REMOVED = "tls-removed"
    TLS_WEAKENED = "tls-weakened"
    HOST_WIDENED = "host-widened"
    PREFIX_WIDENED = "prefix-widened"
    CONDITIONS_REMOVED = "conditions-removed"
    WEIGHT_OVER_HALF = "weight-over-half"
    LIMITS_REMOVED = "limits-removed"
