"""Where Mapping files come from: the edge on the way in."""

from reconciler.sources.combined import CombinedSource, Patience
from reconciler.sources.directory import DirectorySource
from reconciler.sources.git import BasicAuth, GitSettings, GitSource, InRef, Ref, RefKind, SshAuth
from reconciler.sources.source import Source

__all__ = [
    "BasicAuth",
    "CombinedSource",
    "DirectorySource",
    "GitSettings",
    "GitSource",
    "InRef",
    "Patience",
    "Ref",
    "RefKind",
    "Source",
    "SshAuth",
]
