"""Whether commits are signed, and how, by their own words: by the header of each, which ``git log`` does not show.

Nothing is checked: that takes keys somebody trusts.
"""

from collections.abc import Collection

from reconciler.model.source import Signature
from reconciler.sources.git.objects import Objects

# Headers: https://git-scm.com/docs/signature-format; one of SHA-256 repositories has a name of its own.
_HEADERS = (b"gpgsig ", b"gpgsig-sha256 ")
_KINDS = (
    (b"-----BEGIN PGP ", Signature.GPG),
    (b"-----BEGIN SSH SIGNATURE-----", Signature.SSH),
    (b"-----BEGIN SIGNED MESSAGE-----", Signature.X509),  # gpgsm, gitsign
)


def read_signatures(objects: Objects, shas: Collection[str]) -> dict[str, Signature]:
    """The signature of each commit.

    Raises:
        Corrupt: one is not there.
    """
    return {sha: signature_of(content) for sha, content in objects.commits(sorted(shas))}


def signature_of(commit: bytes) -> Signature:
    """The kind of signature in a commit object: its headers end at the first empty line."""
    for line in commit.partition(b"\n\n")[0].split(b"\n"):
        if line.startswith(_HEADERS):
            value = line.partition(b" ")[2]
            return next((kind for begin, kind in _KINDS if value.startswith(begin)), Signature.OTHER)
    return Signature.NONE
