"""What documents may ask of the machine Envoy runs on: whoever may commit may write them.

The lists differ by harm: a certificate is only shown in handshakes, a body to every client, a log is written.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, replace

TLS_FILES = ("/",)  # what is no certificate or key shows nothing of itself in a handshake
# No files that somebody keeps: a device is read without end, and what the kernel tells of itself is for nobody else.
NEVER_READ = ("/dev", "/proc", "/sys")
LOG_FILES = ("/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/dev/null", "/var/log/envoy")
# What tells Envoys apart.
VARIABLES = (
    "AMBASSADOR_ID", "AMBASSADOR_NAMESPACE", "HOSTNAME", "HOST_IP", "NODE_NAME", "POD_IP", "POD_NAME", "POD_NAMESPACE",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MachineAccess:
    """What documents may name on Envoy's machine; all else is an error.

    Attributes:
        tls_files: directories, or files, of certificates, keys, authorities and lists of revoked ones; never below
            `NEVER_READ`.
        body_files: the same of error bodies, which every client can read.
        log_files: the same of access logs, which Envoy creates and writes.
        variables: names of environment variables.
        lua: whether a Module may hold scripts: they can do all that Envoy can.
        loopback: whether services may be on the machine itself.
        never_files: directories of which no file may be named, whatever the lists above say.
        secret_files: directory with a directory per namespace of files that Secrets hold; empty: there is none.
        never_secrets: Secrets that none may name, as ``NAMESPACE/NAME``.
        never_services: services and addresses that nothing may be sent to, as ``NAME.NAMESPACE[:PORT]`` or
            ``ADDRESS[:PORT]``.
        own_ports: of the machine itself, to which nothing may be sent, whatever ``loopback`` says.
    """

    tls_files: tuple[str, ...] = TLS_FILES
    body_files: tuple[str, ...] = ()
    log_files: tuple[str, ...] = LOG_FILES
    variables: tuple[str, ...] = VARIABLES
    lua: bool = False
    loopback: bool = True
    never_files: tuple[str, ...] = ()
    secret_files: str = ""
    never_secrets: tuple[str, ...] = ()
    never_services: tuple[str, ...] = ()
    own_ports: tuple[int, ...] = ()

    def for_object(self) -> "MachineAccess":
        """The same for an object of the cluster: it names a Secret by its name, which tells whose it is."""
        return replace(self, never_files=(*self.never_files, self.secret_files)) if self.secret_files else self


DEFAULT_ACCESS = MachineAccess()


def is_below(path: str, places: Iterable[str]) -> bool:
    """Whether a path is one of some places, or in one of them; ``..`` leads out of it."""
    real = _real(path)
    return any(real == place or real.startswith(f"{place.rstrip('/')}/") for place in map(_real, places))


def _real(path: str) -> str:
    """One spelling of a path; POSIX keeps two slashes at its beginning apart from one, and Linux does not."""
    real = posixpath.normpath(f"/{path.lstrip('/')}" if path.startswith("/") else path)
    # A link on every system that has both.
    return real.removeprefix("/var") if real == "/var/run" or real.startswith("/var/run/") else real
