"""Where Mapping files come from: the edge on the way in."""

from reconciler.sources.directory import DirectorySource
from reconciler.sources.git import BasicAuth, GitSettings, GitSource, Ref, RefKind, SshAuth
from reconciler.sources.source import Source

__all__ = [
    "BasicAuth",
    "DirectorySource",
    "GitSettings",
    "GitSource",
    "Ref",
    "RefKind",
    "Source",
    "SshAuth",
]
