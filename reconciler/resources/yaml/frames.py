"""The collections a YAML parse has open, and what its anchors name."""

from dataclasses import dataclass

from reconciler.model.digest import Json
from reconciler.resources.finding import type_words

_MAPPING_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map"})
_SEQUENCE_TAGS = frozenset({None, "!", "tag:yaml.org,2002:seq"})


@dataclass(frozen=True, slots=True)
class Anchored:
    """What an anchor names, and what an alias to it costs: values, and levels of nesting below."""

    value: Json
    nodes: int
    height: int


class Frame:
    """A collection under construction.

    Attributes:
        fields: the mapping, or None.
        items: the list, or None.
        part: its key or index in the collection around it.
        key: the key that waits for its value.
        merging: whether the next value is that of ``<<``.
        merges: the values of ``<<``.
    """

    __slots__ = ("anchor", "fields", "height", "items", "key", "merges", "merging", "nodes_before", "part")

    def __init__(
        self, fields: dict[str, Json] | None, items: list[Json] | None, anchor: str | None, nodes_before: int
    ) -> None:
        self.fields = fields
        self.items = items
        self.anchor = anchor
        self.nodes_before = nodes_before
        self.part: str | int = ""
        self.key: str | None = None
        self.height = 0
        self.merging = False
        self.merges: tuple[Json, ...] = ()

    @property
    def value(self) -> Json:
        """The collection itself."""
        return self.items if self.fields is None else self.fields

    def allows(self, tag: str | None) -> bool:
        """Whether a collection of this kind may have a tag."""
        return tag in (_SEQUENCE_TAGS if self.fields is None else _MAPPING_TAGS)

    @property
    def awaits_key(self) -> bool:
        """Whether the next scalar is a key."""
        return self.fields is not None and self.key is None and not self.merging

    @property
    def next_part(self) -> str | int:
        """Key or index of the value that comes next."""
        if self.items is not None:
            return len(self.items)
        return "<<" if self.key is None else self.key


class MergeError(ValueError):
    """``<<`` was given something that cannot be merged; ``got`` says what."""

    def __init__(self, got: str) -> None:
        super().__init__(got)
        self.got = got


def merge_into(frame: Frame) -> None:
    """Fill in what ``<<`` brings: own keys win, then earlier sources over later ones.

    Raises:
        MergeError: a source is no mapping.
    """
    fields = {} if frame.fields is None else frame.fields
    for given in frame.merges:
        for source in given if isinstance(given, list) else [given]:
            if not isinstance(source, dict):
                raise MergeError(type_words(source))
            for key, value in source.items():
                fields.setdefault(key, value)
