"""What all listeners have in common: settings of the Module, and the services every request passes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How connections of clients are read, from the ``ambassador`` Module."""


DEFAULT_HTTP = HttpSettings()


@dataclass(frozen=True, slots=True)
class Edge:
    """Settings of every HTTP listener."""

    http: HttpSettings = DEFAULT_HTTP


PLAIN_EDGE = Edge()
