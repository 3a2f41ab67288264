"""Compression of answers.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/compressor_filter
"""

from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.extensions.compression.gzip.compressor.v3 import gzip_pb2
from envoy.extensions.filters.http.compressor.v3.compressor_pb2 import Compressor
from google.protobuf.any_pb2 import Any
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import UInt32Value
from xds.type.v3.typed_struct_pb2 import TypedStruct

from reconciler.envoy.protobuf import packed
from reconciler.model.edge import Gzip


def compressor(settings: Gzip) -> Any:
    """Gzip for clients that accept it, as a typed config.

    Envoy 1.40 deprecates ``content_type`` for ``content_type_matcher``, which the published messages do not know yet.
    A ``TypedStruct`` is read by Envoy's own: https://www.envoyproxy.io/docs/envoy/latest/xds/type/v3/typed_struct.proto
    """
    direction = Compressor.ResponseDirectionConfig(
        disable_on_etag_header=settings.skip_etag,
        remove_accept_encoding_header=settings.hide_accept_encoding,
    )
    if settings.min_content_length is not None:
        direction.common_config.min_content_length.value = settings.min_content_length
    library = TypedExtensionConfig(name="gzip", typed_config=packed(gzip(settings)))
    message = Compressor(compressor_library=library, response_direction_config=direction)
    if not settings.content_types:
        return packed(message)
    fields = MessageToDict(message, preserving_proto_field_name=True)
    common = fields.setdefault("response_direction_config", {}).setdefault("common_config", {})
    common["content_type_matcher"] = [{"exact": kind} for kind in settings.content_types]
    type_url = f"type.googleapis.com/{Compressor.DESCRIPTOR.full_name}"
    return packed(TypedStruct(type_url=type_url, value=ParseDict(fields, Struct())))


def gzip(settings: Gzip) -> gzip_pb2.Gzip:
    """How hard it tries, and with how much memory."""
    message = gzip_pb2.Gzip(compression_level=settings.level or 0)
    if settings.strategy is not None:
        message.compression_strategy = gzip_pb2.Gzip.CompressionStrategy.Value(settings.strategy)
    if settings.window_bits is not None:
        message.window_bits.CopyFrom(UInt32Value(value=settings.window_bits))
    if settings.memory_level is not None:
        message.memory_level.CopyFrom(UInt32Value(value=settings.memory_level))
    return message
