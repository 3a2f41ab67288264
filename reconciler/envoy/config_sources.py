"""Where Envoy takes a resource from that is named somewhere else.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/core/v3/config_source.proto
"""

from envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ApiVersion, ConfigSource


def ads() -> ConfigSource:
    """The aggregated stream of the bootstrap."""
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)
