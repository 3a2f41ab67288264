"""The layout of a file target: what the writer and the Envoy that reads it must agree on.

Flat, so that one watched directory covers it: ``cds.pb`` (all clusters), ``lds.pb`` (all listeners) and
``rds.NAME.pb`` per route configuration, since Envoy accepts just one in a file. Each is a ``DiscoveryResponse``.
"""

from enum import StrEnum
from urllib.parse import quote


class FilesFormat(StrEnum):
    """How a file for Envoy is written; Envoy tells by the suffix."""

    PB = "pb"
    JSON = "json"


def clusters_file(form: FilesFormat) -> str:
    """Name of the file of all clusters."""
    return f"cds.{form}"


def listeners_file(form: FilesFormat) -> str:
    """Name of the file of all listeners."""
    return f"lds.{form}"


def routes_file(name: str, form: FilesFormat) -> str:
    """Name of the file of one route configuration; whatever its name is, the file stays in the directory."""
    return f"rds.{quote(name, safe='')}.{form}"
