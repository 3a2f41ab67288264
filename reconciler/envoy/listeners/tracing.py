"""Spans for every request.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/observability/tracing
"""

from types import MappingProxyType

from envoy.config.trace.v3.datadog_pb2 import DatadogConfig
from envoy.config.trace.v3.http_tracer_pb2 import Tracing as TracingMessage
from envoy.config.trace.v3.opentelemetry_pb2 import OpenTelemetryConfig
from envoy.config.trace.v3.zipkin_pb2 import ZipkinConfig
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
)
from envoy.type.metadata.v3.metadata_pb2 import MetadataKey, MetadataKind
from envoy.type.tracing.v3.custom_tag_pb2 import CustomTag
from envoy.type.v3.percent_pb2 import Percent

from reconciler.envoy.grpc import grpc_service
from reconciler.envoy.protobuf import packed
from reconciler.envoy.routes.route import METADATA_NAMESPACE
from reconciler.model.services import Reached, TagSource, TraceDriver, TraceFormat, TraceSettings, TraceTag, Tracing

_FORMATS = MappingProxyType({TraceFormat.JSON: ZipkinConfig.HTTP_JSON, TraceFormat.PROTO: ZipkinConfig.HTTP_PROTO})
_ORIGIN = ("mapping", "source", "commit")
_EXPORT_MS = 250  # as in the language's other implementation


def hcm_tracing(tracing: Tracing) -> HttpConnectionManager.Tracing:
    """Which requests are traced, with which tags, for whom."""
    sampling = tracing.settings.sampling
    return HttpConnectionManager.Tracing(
        client_sampling=Percent(value=sampling.client),
        random_sampling=Percent(value=sampling.random),
        overall_sampling=Percent(value=sampling.overall),
        custom_tags=[*(custom_tag(tag) for tag in tracing.settings.tags), *origin_tags()],
        provider=provider(tracing.service, tracing.settings),
    )


def provider(service: Reached, settings: TraceSettings) -> TracingMessage.Http:
    """The driver with its settings."""
    match settings.driver:
        case TraceDriver.ZIPKIN:
            config = packed(zipkin(service, settings))
        case TraceDriver.DATADOG:
            config = packed(
                DatadogConfig(
                    collector_cluster=service.cluster,
                    service_name=settings.service_name,
                    collector_hostname=settings.hostname,
                )
            )
        case TraceDriver.OPENTELEMETRY:
            collector = grpc_service(service.cluster, _EXPORT_MS)
            config = packed(OpenTelemetryConfig(grpc_service=collector, service_name=settings.service_name))
    return TracingMessage.Http(name=f"envoy.tracers.{settings.driver}", typed_config=config)


def zipkin(service: Reached, settings: TraceSettings) -> ZipkinConfig:
    """Spans over HTTP, version 2 of Zipkin's API."""
    message = ZipkinConfig(
        collector_cluster=service.cluster,
        collector_endpoint=settings.endpoint,
        collector_endpoint_version=_FORMATS[settings.format],
        collector_hostname=settings.hostname,
        trace_id_128bit=settings.trace_id_128bit,
    )
    message.shared_span_context.value = settings.shared_span_context
    if settings.w3c:
        message.trace_context_option = ZipkinConfig.USE_B3_WITH_W3C_PROPAGATION
    return message


def custom_tag(tag: TraceTag) -> CustomTag:
    """A tag that somebody asks for."""
    match tag.source:
        case TagSource.LITERAL:
            return CustomTag(tag=tag.tag, literal=CustomTag.Literal(value=tag.value))
        case TagSource.ENVIRONMENT:
            variable = CustomTag.Environment(name=tag.value, default_value=tag.default)
            return CustomTag(tag=tag.tag, environment=variable)
        case TagSource.REQUEST_HEADER:
            header = CustomTag.Header(name=tag.value, default_value=tag.default)
            return CustomTag(tag=tag.tag, request_header=header)


def origin_tags() -> list[CustomTag]:
    """Where the route comes from, so that spans and remote logs lead to a commit too."""
    route = MetadataKind(route=MetadataKind.Route())
    return [
        CustomTag(
            tag=f"{METADATA_NAMESPACE}.{key}",
            metadata=CustomTag.Metadata(
                kind=route,
                metadata_key=MetadataKey(key=METADATA_NAMESPACE, path=[MetadataKey.PathSegment(key=key)]),
            ),
        )
        for key in _ORIGIN
    ]
