"""How messages become bytes: always the same bytes for the same message."""

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import UInt32Value


def serialise(message: Message) -> bytes:
    """The bytes of a message, map entries in key order."""
    return message.SerializeToString(deterministic=True)


def packed(message: Message) -> Any:
    """A message as a typed config."""
    return Any(type_url=f"type.googleapis.com/{message.DESCRIPTOR.full_name}", value=serialise(message))


def number(value: int | None) -> UInt32Value | None:
    """A number that may be left out."""
    return None if value is None else UInt32Value(value=value)


def milliseconds(count: int) -> Duration:
    """A duration."""
    return Duration(seconds=count // 1000, nanos=count % 1000 * 1_000_000)
