"""What rendering depends on besides the route table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class AccessLogFormat(StrEnum):
    """One line of words, or one line of JSON, per request."""

    TEXT = "text"
    JSON = "json"


class Routing(StrEnum):
    """How Envoy finds the rule for a request; what it finds is the same.

    Attributes:
        LIST: it asks one rule after the other.
        TREE: it looks the path up in a tree of prefixes, and asks the rules it finds there, where that is possible.
        AUTO: for each host, what is faster.
    """

    LIST = "list"
    TREE = "tree"
    AUTO = "auto"


class Sharding(StrEnum):
    """Into which pieces the virtual hosts of a listener are divided; Envoy builds again only those that change.

    Attributes:
        NONE: one for all.
        HOSTS: one for each host, where no virtual host is a pattern, and `BUCKETS` where one is.
        BUCKETS: a fixed number, by a part of the host's name that Envoy computes with each request.
    """

    NONE = "none"
    HOSTS = "hosts"
    BUCKETS = "buckets"


class EndpointSource(StrEnum):
    """Who tells Envoy the endpoints of services whose resolver says that Kubernetes knows them.

    Attributes:
        DNS: DNS, as for all others.
        KUBERNETES: whoever serves the snapshot; it has a name for each service and port that is asked for.
    """

    DNS = "dns"
    KUBERNETES = "kubernetes"


class SecretSource(StrEnum):
    """How Envoy gets Secrets of Kubernetes that a document names.

    Attributes:
        FILES: as files on its machine, of which it is told the names.
        KUBERNETES: from whoever serves the snapshot, which has their names alone.
    """

    FILES = "files"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """Facts about the place where Envoy runs.

    Attributes:
        service_addresses: where services really are, for places without cluster DNS: ``host:port``, ``host`` or
            ``*`` of a service to the ``host:port`` to use; the most exact key wins.
        access_log_format: see `AccessLogFormat`.
        access_log_path: a file on Envoy's machine; empty for no access log.
        upstream_ca_file: CA certificates on Envoy's machine that ``https://`` services are verified with.
        secrets_path: directory on Envoy's machine with a directory per namespace, in it one per Secret, in it a file
            per key of the Secret, as Kubernetes mounts it.
        ca_entry: key of a Secret under which the authorities of certificates stand.
        connect_timeout_ms: milliseconds to connect to a service.
        admin_address: ``host:port`` of the admin interface in a static bootstrap; port 0 takes a free one.
        routing: see `Routing`.
        sharding: see `Sharding`.
        endpoints: see `EndpointSource`.
        secrets: see `SecretSource`.
    """

    service_addresses: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    access_log_format: AccessLogFormat = AccessLogFormat.TEXT
    access_log_path: str = "/dev/stdout"
    upstream_ca_file: str = "/etc/ssl/certs/ca-certificates.crt"
    secrets_path: str = "/etc/envoy/secrets"
    ca_entry: str = "tls.crt"
    connect_timeout_ms: int = 3000
    admin_address: str = "127.0.0.1:0"
    routing: Routing = Routing.AUTO
    sharding: Sharding = Sharding.NONE
    endpoints: EndpointSource = EndpointSource.DNS
    secrets: SecretSource = SecretSource.FILES
