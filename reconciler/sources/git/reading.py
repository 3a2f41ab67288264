"""Reads the input files of a commit out of the clone; what is too large is never read."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.limits import Limits
from reconciler.sources.files import Tally, too_large
from reconciler.sources.git.objects import Corrupt, Objects
from reconciler.sources.git.tree import Listing, Refused, list_inputs


@dataclass(frozen=True, slots=True)
class Input:
    """The content of one file."""

    blob: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Inputs:
    """Every input file of a commit by path, sorted, those that are refused, sorted, and the size of all files."""

    files: Mapping[str, Input]
    refused: tuple[Refused, ...]
    total_bytes: int


def read_inputs(objects: Objects, commit: str, sub_path: str, limits: Limits, held: Mapping[str, bytes]) -> Inputs:
    """List and read the input files.

    Args:
        objects: the clone.
        commit: full id.
        sub_path: normalised; empty for the root.
        limits: sizes are checked before anything is read.
        held: contents by blob id that need not be read again.

    Raises:
        Stalled: ``GitPathNotFound``, ``TooManyFiles``, ``SourceTooLarge``.
        Corrupt: the clone is broken.
    """
    tally = Tally(limits)
    listing = list_inputs(objects, commit, sub_path, tally)
    sizes = _sizes(objects, listing, held)
    large = {path: sizes[blob] for path, blob in listing.blobs.items() if sizes[blob] > limits.max_file_bytes}
    kept = {path: blob for path, blob in sorted(listing.blobs.items()) if path not in large}
    for blob in kept.values():
        tally.count_bytes(sizes[blob])
    contents = dict(objects.contents(sorted(set(kept.values()) - held.keys())))
    return Inputs(
        files={path: Input(blob, held[blob] if blob in held else contents[blob]) for path, blob in kept.items()},
        refused=tuple(
            sorted(
                (
                    *listing.refused,
                    *(Refused(path, too_large(path, size, limits), path.encode()) for path, size in large.items()),
                ),
                key=lambda refused: (refused.path, refused.name),
            )
        ),
        total_bytes=tally.total_bytes,
    )


def _sizes(objects: Objects, listing: Listing, held: Mapping[str, bytes]) -> dict[str, int]:
    sizes = {blob: len(content) for blob, content in held.items()}
    unknown = sorted(set(listing.blobs.values()) - held.keys())
    for blob, fact in zip(unknown, objects.facts(unknown), strict=True):
        if fact is None:
            raise Corrupt(f"blob {blob} is missing")
        sizes[blob] = fact.size
    return sizes
