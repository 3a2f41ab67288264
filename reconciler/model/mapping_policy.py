"""MappingPolicy: what our own API group says for Mappings that the language has no words for.

https://gateway-api.sigs.k8s.io/reference/policy-attachment/ has the idea: a document beside the Mappings it is about,
which whoever knows only Mappings leaves alone.
"""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.origin import Origin
from reconciler.model.policy import Cors, DirectResponse, LocalLimit, RetryPolicy
from reconciler.model.upstream import OutlierDetection


class Part(StrEnum):
    """What a policy can say, each by the name of its field; one policy at most says it of a Mapping."""

    DIRECT_RESPONSE = "direct_response"
    MAINTENANCE = "maintenance"
    LOCAL_RATE_LIMIT = "local_rate_limit"
    OUTLIER_DETECTION = "outlier_detection"
    RETRY_POLICY = "retry_policy"
    CORS = "cors"
    UPSTREAM_TLS = "upstream_tls"


@dataclass(frozen=True, slots=True)
class TlsOverride:
    """How the certificate of an upstream is verified, where the settings do not say it.

    Attributes:
        verify: False: any certificate will do, as somebody wrote explicitly.
        ca_secret: name of the Secret with the authorities, as written; empty for none.
        ca_file: the same as a file on Envoy's machine.
        sni: name asked for and verified; empty for the service's host.
    """

    verify: bool = True
    ca_secret: str = ""
    ca_file: str = ""
    sni: str = ""


@dataclass(frozen=True, slots=True)
class MappingPolicyResource:
    """One MappingPolicy, for Mappings of its own namespace.

    Attributes:
        mappings: names of Mappings, sorted; empty when ``selector`` chooses.
        selector: labels a Mapping must all have; None when ``mappings`` names them.
        maintenance: None also when it is written and not enabled.
    """

    origin: Origin
    mappings: tuple[str, ...] = ()
    selector: tuple[tuple[str, str], ...] | None = None
    direct_response: DirectResponse | None = None
    maintenance: DirectResponse | None = None
    local_rate_limit: LocalLimit | None = None
    outlier_detection: OutlierDetection | None = None
    retry_policy: RetryPolicy | None = None
    cors: Cors | None = None
    upstream_tls: TlsOverride | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it says, in the order of `Part`."""
        return tuple(part for part in Part if getattr(self, part) is not None)
