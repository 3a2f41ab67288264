"""Which clients are served, by address.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/rbac_filter
"""

from envoy.config.core.v3.address_pb2 import CidrRange
from envoy.config.rbac.v3 import rbac_pb2
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC
from google.protobuf.wrappers_pb2 import UInt32Value

from reconciler.model.edge import IpRange, IpRules

_POLICY = "addresses"


def rbac(settings: IpRules) -> RBAC:
    """Everybody in the ranges may do everything, and nobody else anything; or the other way round."""
    rules = rbac_pb2.RBAC(action=rbac_pb2.RBAC.ALLOW if settings.allow else rbac_pb2.RBAC.DENY)
    policy = rules.policies[_POLICY]
    policy.permissions.add(any=True)
    policy.principals.extend(principal(one) for one in settings.ranges)
    return RBAC(rules=rules)


def principal(one: IpRange) -> rbac_pb2.Principal:
    """Clients of a range: by connection, or by what is believed of ``x-forwarded-for``."""
    cidr = CidrRange(address_prefix=one.address, prefix_len=UInt32Value(value=one.bits))
    return rbac_pb2.Principal(direct_remote_ip=cidr) if one.peer else rbac_pb2.Principal(remote_ip=cidr)
