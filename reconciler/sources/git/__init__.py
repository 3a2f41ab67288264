"""Mapping files in a Git repository; GitPython is used in ``door`` and nowhere else."""

from reconciler.sources.git.left import InRef
from reconciler.sources.git.settings import BasicAuth, GitSettings, Ref, RefKind, SshAuth
from reconciler.sources.git.source import GitSource

__all__ = ["BasicAuth", "GitSettings", "GitSource", "InRef", "Ref", "RefKind", "SshAuth"]
