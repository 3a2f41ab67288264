"""The bytes of a file → its documents, their digests, and their values where those were needed before."""

import json
from dataclasses import dataclass

from reconciler.model.digest import Digest, Json, digest_bytes
from reconciler.model.limits import DEFAULT_LIMITS, Limits
from reconciler.model.problem import Code
from reconciler.resources.finding import Finding
from reconciler.resources.readers import encode
from reconciler.resources.yaml.text import Chunk, decode, split
from reconciler.resources.yaml.values import Tree, parse

_MAX_KEPT_BYTES = 67_108_864


def document_digests(content: bytes, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Digest, ...]:
    """One digest per document of a file, in order: of its parsed content, of its text when it does not parse.

    Comments and formatting do not count, nor do documents without content. A file that is refused whole counts
    as one document. ``SourceFile.commits`` is aligned with this.
    """
    chunks = chunks_of(content, limits)
    if isinstance(chunks, Finding):
        return (digest_bytes(content),)
    return tuple(_digest(chunk, parse(chunk.text, limits)) for chunk in chunks)


def chunks_of(content: bytes, limits: Limits) -> list[Chunk] | Finding:
    """The documents of a file, or why it is refused whole."""
    if len(content) > limits.max_file_bytes:
        expected, got = f"at most {limits.max_file_bytes} bytes", f"{len(content)}"
        return Finding(Code.FILE_TOO_LARGE, "the file is too large", expected=expected, got=got)
    try:
        text = decode(content)
    except UnicodeDecodeError as error:
        got, line = f"the byte 0x{content[error.start]:02x}", content.count(b"\n", 0, error.start) + 1
        return Finding(
            Code.NOT_UTF8, "not UTF-8", expected="UTF-8 text", got=got, hint="save the file as UTF-8", line=line
        )
    chunks = split(text)
    if len(chunks) > limits.max_documents:
        expected = f"at most {limits.max_documents}"
        return Finding(Code.SIZE_LIMIT, "too many documents in one file", expected=expected, got=str(len(chunks)))
    return chunks


def _digest(chunk: Chunk, tree: Tree) -> Digest:
    if tree.findings:
        return digest_bytes(chunk.text.encode())
    return digest_bytes(encode(tree.value, simple=tree.simple))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A value as JSON: a tenth of the memory of the value itself, and read again in a hundredth of a parse."""

    text: str
    line: int
    simple: bool

    def tree(self) -> Tree:
        value: Json = json.loads(self.text)
        return Tree(value, self.line, self.simple, (), {})


class ParsedOnce:
    """Values of documents between the moment they are digested and the moment they are loaded.

    Both need them parsed, which is the dear part of either. It holds what was digested last and not loaded yet,
    bounded, and nothing after that.

    Args:
        limits: as `load` has them; with other limits nothing is found here.
        max_kept_bytes: of content of which the values are kept; past it documents are parsed twice.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, max_kept_bytes: int = _MAX_KEPT_BYTES) -> None:
        self._limits = limits
        self._max_kept_bytes = max_kept_bytes
        self._kept_bytes = 0
        self._kept: dict[bytes, tuple[_Kept | None, ...]] = {}

    def digests(self, content: bytes) -> tuple[Digest, ...]:
        """As `document_digests`."""
        chunks = chunks_of(content, self._limits)
        if isinstance(chunks, Finding):
            return (digest_bytes(content),)
        trees = [parse(chunk.text, self._limits) for chunk in chunks]
        if content not in self._kept and self._kept_bytes + len(content) <= self._max_kept_bytes:
            self._kept[content] = tuple(map(_keep, trees))
            self._kept_bytes += len(content)
        return tuple(map(_digest, chunks, trees))

    def trees(self, content: bytes, limits: Limits) -> tuple[Tree | None, ...]:
        """The documents of a file without their lines, None for what must be parsed; empty where nothing is known."""
        if limits != self._limits:
            return ()
        return tuple(kept.tree() if kept else None for kept in self._kept.get(content, ()))

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._kept_bytes = 0


def _keep(tree: Tree) -> _Kept | None:
    return None if tree.findings else _Kept(json.dumps(tree.value, ensure_ascii=False), tree.line, tree.simple)
