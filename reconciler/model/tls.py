"""TLS settings, towards clients and towards upstreams. Keys and certificates are only pointed at, never held."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True, order=True)
class SecretRef:
    """A Kubernetes Secret: ``tls.crt`` and ``tls.key``, ``ca.crt`` (or ``user.crt``), ``crl.pem``."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class KeyPair:
    """A certificate chain and its key: files on Envoy's machine."""

    chain: str
    key: str


Identity: TypeAlias = SecretRef | KeyPair  # how one side proves who it is
Authorities: TypeAlias = SecretRef | str  # the CA certificates a peer is verified with: of a Secret, or a file


class TlsVersion(StrEnum):
    """The versions a TLSContext can name."""

    V1_0 = "v1.0"
    V1_1 = "v1.1"
    V1_2 = "v1.2"
    V1_3 = "v1.3"


@dataclass(frozen=True, slots=True)
class TlsParameters:
    """What both directions have in common; ``None`` and empty for Envoy's defaults."""

    min_version: TlsVersion | None = None
    max_version: TlsVersion | None = None
    cipher_suites: tuple[str, ...] = ()
    ecdh_curves: tuple[str, ...] = ()
    alpn: tuple[str, ...] = ()


DEFAULT_PARAMETERS = TlsParameters()


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """TLS as a TLSContext, the ``tls`` of a Host or a block of the ``tls`` Module says it.

    Secrets are named as written: whether ``name.namespace`` is split, a Module may decide.

    Attributes:
        secret: name of the Secret with certificate and key; empty for none.
        key_pair: the same as files.
        ca_secret: name of the Secret with the authorities the other side is verified with; empty for none.
        ca_file: the same as a file; empty for none.
        crl_secret: name of the Secret with revoked certificates; empty for none.
        crl_file: the same as a file; empty for none.
        required: a client must show a certificate.
        sni: name to ask an upstream for.
        redirect_from: port whose requests in clear text are redirected to https.
        split_names: the last dot of a Secret's name stands before a namespace; None when nothing is said.
    """

    secret: str = ""
    key_pair: KeyPair | None = None
    ca_secret: str = ""
    ca_file: str = ""
    crl_secret: str = ""
    crl_file: str = ""
    required: bool | None = None
    sni: str = ""
    redirect_from: int | None = None
    split_names: bool | None = None
    parameters: TlsParameters = DEFAULT_PARAMETERS


@dataclass(frozen=True, slots=True)
class HostTls:
    """How a Host ends TLS: with which certificate, and with the settings of a TLSContext or its own.

    Attributes:
        secret: name of the Secret, as written; empty for the one of the settings.
        namespace: of that Secret; empty for the Host's.
        context: name of a TLSContext, as written; empty for none.
        settings: its own; None when it has none.
    """

    secret: str = ""
    namespace: str = ""
    context: str = ""
    settings: TlsSettings | None = None


NO_TLS = HostTls()


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """TLS that Envoy starts.

    Attributes:
        authorities: who must have signed the certificate; None for the CA file of the settings.
        identity: what Envoy shows when asked.
        sni: name asked for and verified; empty for the service's host.
        crl: revoked certificates.
        verify: False: any certificate will do, as somebody wrote explicitly.
    """

    authorities: Authorities | None = None
    identity: Identity | None = None
    sni: str = ""
    verify: bool = True
    parameters: TlsParameters = DEFAULT_PARAMETERS
    crl: Authorities | None = None


@dataclass(frozen=True, slots=True)
class Termination:
    """TLS that Envoy ends for the clients of some hosts.

    Attributes:
        name: ``namespace/name`` of what says so, unique within a listener.
        authorities: who must have signed a client's certificate; None: clients are not asked for one.
        required: a client without one is turned away.
        crl: revoked client certificates.
    """

    name: str
    identity: Identity
    authorities: Authorities | None = None
    required: bool = False
    crl: Authorities | None = None
    parameters: TlsParameters = DEFAULT_PARAMETERS
