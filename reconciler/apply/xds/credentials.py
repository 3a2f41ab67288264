"""TLS of the ADS server: certificates from files that may be renewed at any time, and who may come in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc

from reconciler.model.certificates import LARGEST_PEM, Unusable, check_authorities, check_pair
from reconciler.model.errors import Stalled

_NAMES = "x509_subject_alternative_name"


@dataclass(frozen=True, slots=True)
class ServerTls:
    """How the server shows who it is, and whom it lets in.

    Attributes:
        cert_file: certificate chain (PEM).
        key_file: its key.
        client_ca_file: who must have signed the certificates of clients; None: clients show none.
        client_names: subject alternative names (DNS or URI), one of which a client's certificate must have; empty: any.
    """

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None
    client_names: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read."""
        return self.cert_file, self.key_file, *([self.client_ca_file] if self.client_ca_file else [])


_Stamp = tuple[int, int, int]


class Certificates:
    """The files of the server, read anew for the next connection once they changed.

    Connections that are there go on. Files that can't be used, such as half of a renewal, change nothing: they are
    looked at again for the connection after that.

    Args:
        tls: which files.
        tell: told in words when files that were renewed can't be used, and nothing when they can again; once each.
    """

    def __init__(self, tls: ServerTls, tell: Callable[[str], None]) -> None:
        self._tls = tls
        self._tell = tell
        self._told = ""
        self._stamps: tuple[_Stamp, ...] = ()

    def credentials(self) -> grpc.ServerCredentials:
        """What gRPC asks for each connection.

        Raises:
            Stalled: the files can't be used.
        """
        try:
            first = self._read()
        except (OSError, Unusable) as error:
            why = f"the xDS server can't use its certificate: {_said(error)}"
            hint = "see --xds-cert-file, --xds-key-file and --xds-client-ca-file"
            raise Stalled("XdsCertificateUnusable", why, hint) from error
        asked = self._tls.client_ca_file is not None
        # None is an answer that gRPC knows, and its stubs do not.
        return grpc.dynamic_ssl_server_credentials(first, self._renewed, asked)  # type: ignore[arg-type]

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """The files where they are other ones than before, None where they are not."""
        try:
            if self._stamped() == self._stamps:
                return None
            read = self._read()
        except (OSError, Unusable) as error:
            self._say(_said(error))
            return None
        self._say("")
        return read

    def _read(self) -> grpc.ServerCertificateConfiguration:
        before = self._stamped()
        chain, key, *authorities = map(_content, self._tls.files)
        now = datetime.now(UTC)
        check_pair(chain, key, now)
        if authorities:
            check_authorities(authorities[0], now)
        self._stamps = before
        return grpc.ssl_server_certificate_configuration([(key, chain)], authorities[0] if authorities else None)

    def _stamped(self) -> tuple[_Stamp, ...]:
        found = [path.stat() for path in self._tls.files]
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in found)

    def _say(self, trouble: str) -> None:
        if trouble != self._told:
            self._told = trouble
            self._tell(trouble)


def unheard(_words: str) -> None:
    """Tells nobody."""


def admitted(names: Iterable[str], facts: Mapping[str, Iterable[bytes]]) -> bool:
    """Whether a connection's certificate has one of the names, where any are asked for."""
    wanted = {name.encode() for name in names}
    return not wanted or not wanted.isdisjoint(facts.get(_NAMES, ()))


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_PEM + 1)


def _said(error: OSError | Unusable) -> str:
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error.why
