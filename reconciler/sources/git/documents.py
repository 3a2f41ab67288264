"""Attributes the documents of the current files, reading as little of the history as will do."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import TypeAlias

from reconciler.sources.git.attribution import AttributedFile, Attributions, Step, attribute
from reconciler.sources.git.history import history
from reconciler.sources.git.objects import Corrupt, Objects
from reconciler.sources.git.reading import Input

DocumentDigests: TypeAlias = Callable[[bytes], Sequence[str]]

# Digests kept from an earlier run are only good if documents are still digested in the same way.
_PROBE = b"# Probe\na: 1\nB: [x, 'Y']\n---\nc: {d: null}\n---\n- [\n"


def fingerprint(document_digests: DocumentDigests) -> str:
    """Tells two ways of digesting documents apart."""
    return ",".join(document_digests(_PROBE))


class BlobDigests:
    """The digests of the documents in blobs, each blob read and digested at most once.

    Args:
        objects: the clone.
        document_digests: one digest per document of a file, in order.
        max_file_bytes: an earlier blob larger than this was never served, so it holds nothing.
    """

    def __init__(self, objects: Objects, document_digests: DocumentDigests, max_file_bytes: int) -> None:
        self._objects = objects
        self._document_digests = document_digests
        self._max_file_bytes = max_file_bytes
        self._sets: dict[str, frozenset[str]] = {}
        self._ordered: dict[str, tuple[str, ...]] = {}

    def current(self, file: Input) -> tuple[str, ...]:
        """The digests of a file whose content is at hand, in order."""
        known = self._ordered.get(file.blob)
        if known is None:
            known = tuple(self._document_digests(file.content))
            self._keep(file.blob, known)
        return known

    def remember(self, file: AttributedFile) -> None:
        """Take the digests of a blob from what is known of it."""
        self._keep(file.blob, tuple(digest for digest, _ in file.documents))

    def _keep(self, blob: str, digests: tuple[str, ...]) -> None:
        self._ordered[blob] = digests
        self._sets[blob] = frozenset(digests)

    def earlier(self, blobs: Collection[str]) -> Mapping[str, frozenset[str]]:
        """The digests in each of some earlier blobs."""
        unread = sorted(set(blobs) - self._sets.keys())
        small: list[str] = []
        for blob, fact in zip(unread, self._objects.facts(unread), strict=True):
            if fact is None:
                raise Corrupt(f"blob {blob} is missing")
            if fact.size <= self._max_file_bytes:
                small.append(blob)
            else:
                self._sets[blob] = frozenset()
        for blob, content in self._objects.contents(small):
            self._sets[blob] = frozenset(self._document_digests(content))
        return self._sets


def attribute_documents(
    objects: Objects,
    commit: str,
    sub_path: str,
    inputs: Mapping[str, Input],
    known: Attributions,
    digests: BlobDigests,
) -> Attributions:
    """For each document of each file the commit it comes from; see ``attribution``.

    Args:
        objects: the clone.
        commit: full id.
        sub_path: normalised; empty for the root.
        inputs: the files of that commit.
        known: an earlier result, of any commit.
        digests: of the documents in blobs.

    Raises:
        Corrupt: the history does not explain a document.
    """
    if not inputs:
        return Attributions("", {})
    with closing(history(objects, commit, sub_path)) as steps:
        newest = next(steps, None)
        if newest is None:
            raise Corrupt("files without a history")
        return _attribute(newest, steps, inputs, known, digests)


def _attribute(
    newest: tuple[Step, ...],
    older: Iterator[tuple[Step, ...]],
    inputs: Mapping[str, Input],
    known: Attributions,
    digests: BlobDigests,
) -> Attributions:
    head = newest[0].sha
    same = {path for path, file in inputs.items() if path in known.files and known.files[path].blob == file.blob}
    if head == known.head and len(same) == len(inputs) == len(known.files):
        return known
    wanted = {
        path: tuple(digest for digest, _ in known.files[path].documents) if path in same else digests.current(file)
        for path, file in inputs.items()
    }
    found = attribute(chain([newest], older), wanted, known, digests.earlier)
    try:
        files = {
            path: AttributedFile(inputs[path].blob, tuple((digest, found[path, digest]) for digest in wanted[path]))
            for path in inputs
        }
    except KeyError as error:
        raise Corrupt("the history ends before a document does") from error
    return Attributions(head, files)
