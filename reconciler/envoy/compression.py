"""Compression of answers.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/compressor_filter
"""

from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.extensions.compression.gzip.compressor.v3 import gzip_pb2
from envoy.extensions.filters.http.compressor.v3.compressor_pb2 import Compressor
from google.protobuf.wrappers_pb2 import UInt32Value

from reconciler.envoy.protobuf import packed
from reconciler.model.edge import Gzip


def compressor(settings: Gzip) -> Compressor:
    """Gzip for clients that accept it."""
    direction = Compressor.ResponseDirectionConfig(
        disable_on_etag_header=settings.skip_etag,
        remove_accept_encoding_header=settings.hide_accept_encoding,
    )
    direction.common_config.content_type.extend(settings.content_types)
    if settings.min_content_length is not None:
        direction.common_config.min_content_length.value = settings.min_content_length
    library = TypedExtensionConfig(name="gzip", typed_config=packed(gzip(settings)))
    return Compressor(compressor_library=library, response_direction_config=direction)


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
