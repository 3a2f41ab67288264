"""The layout of a file target: what the writer and the Envoy that reads it must agree on.

Flat, so that one watched directory covers it: ``cds.pb`` (all clusters), ``lds.pb`` (all listeners) and
``rds.NAME.pb`` per route configuration and ``sds.NAME.pb`` per secret, since Envoy accepts just one in a file;
``srds.pb`` (all scopes of routes) where a listener takes them, since Envoy takes all that are in its file. Each is a
``DiscoveryResponse``.
"""

from enum import StrEnum
from pathlib import PurePath
from urllib.parse import quote

from reconciler.model.digest import digest_bytes

# Where a kubelet keeps the files of a volume: a link that it exchanges for all of them at once.
# https://github.com/kubernetes/kubernetes/blob/master/pkg/volume/util/atomic_writer.go
MOUNTED = "..data"

_LONGEST = 200  # characters; file systems take 255, keys of a ConfigMap 253
_STARTS = ("cds.", "lds.", "rds.", "sds.", "srds.")


class FilesFormat(StrEnum):
    """How a file for Envoy is written; Envoy tells by the suffix."""

    PB = "pb"
    JSON = "json"


def watched(directory: PurePath) -> PurePath:
    """The directory in which a rename tells Envoy that files of ``directory`` changed: of a volume, that of its link.

    The kubelet makes links to new files only after that, so files of a volume are named behind the link.
    """
    return directory.parent if directory.name == MOUNTED else directory


def clusters_file(form: FilesFormat) -> str:
    """Name of the file of all clusters."""
    return f"cds.{form}"


def listeners_file(form: FilesFormat) -> str:
    """Name of the file of all listeners."""
    return f"lds.{form}"


def scopes_file(form: FilesFormat) -> str:
    """Name of the file of all scopes of routes."""
    return f"srds.{form}"


def routes_file(name: str, form: FilesFormat) -> str:
    """Name of the file of one route configuration; whatever its name is, the file stays in the directory."""
    return f"rds.{_quoted(name)}.{form}"


def secret_file(name: str, form: FilesFormat) -> str:
    """Name of the file of one secret, which names certificates and keys."""
    return f"sds.{_quoted(name)}.{form}"


def is_of_layout(name: str, form: FilesFormat) -> bool:
    """Whether a file of this name is one of the layout."""
    return name.startswith(_STARTS) and name.endswith(f".{form}")


def _quoted(name: str) -> str:
    """A name that a file and a key of a ConfigMap may have, no two the same; a digest where it would be too long.

    Those keys know letters, digits, ``-``, ``_`` and ``.``, so an underscore takes the place of the percent sign.
    """
    quoted = quote(name, safe="").replace("_", "%5F").replace("~", "%7E").replace("%", "_")
    return quoted if len(quoted) <= _LONGEST else digest_bytes(name.encode()).removeprefix("sha256:")
