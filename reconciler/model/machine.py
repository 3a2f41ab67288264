"""What documents may ask of the machine Envoy runs on: whoever may commit may write them.

The lists differ by harm: a certificate is only shown in handshakes, a body to every client, a log is written.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

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
    """

    tls_files: tuple[str, ...] = TLS_FILES
    body_files: tuple[str, ...] = ()
    log_files: tuple[str, ...] = LOG_FILES
    variables: tuple[str, ...] = VARIABLES
    lua: bool = False
    loopback: bool = True


DEFAULT_ACCESS = MachineAccess()


def is_below(path: str, places: Iterable[str]) -> bool:
    """Whether a path is one of some places, or in one of them; ``..`` leads out of it."""
    real = posixpath.normpath(path)
    return any(real == place or real.startswith(f"{place.rstrip('/')}/") for place in map(posixpath.normpath, places))
