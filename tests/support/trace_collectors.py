"""Collectors of spans, one for each driver, that keep every span."""

import json
from contextlib import AbstractContextManager

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.message_pack import unpack
from tests.support.recording_servers import Heard, Recorder, Reply, as_json, grpc_server, http_server

_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def zipkin() -> AbstractContextManager[Recorder]:
    """Zipkin's: version 2 of its API, JSON; a body of another type is noted by its length."""

    def answer(recorder: Recorder, heard: Heard) -> Reply:
        if heard.headers.get("content-type") != "application/json":
            text = heard.body.decode("latin-1")
            recorder.seen.append({"path": heard.path, "type": heard.headers.get("content-type", ""), "text": text})
            return Reply(202)
        host = heard.headers.get("host", "")
        recorder.seen += [{"path": heard.path, "host": host, "span": span} for span in json.loads(heard.body)]
        return Reply(202)

    return http_server(answer)


def datadog() -> AbstractContextManager[Recorder]:
    """Datadog's agent."""

    def answer(recorder: Recorder, heard: Heard) -> Reply:
        if heard.path.endswith("/traces"):
            for trace in unpack(heard.body):
                recorder.seen += trace
        return Reply(200, (("content-type", "application/json"),), b'{"rate_by_service": {}}')

    return http_server(answer)


def opentelemetry() -> AbstractContextManager[Recorder]:
    """OpenTelemetry's, over gRPC; each span is noted with its resource."""

    def add(recorder: Recorder, server: grpc.Server) -> None:
        def export(request: ExportTraceServiceRequest, _context: grpc.ServicerContext) -> ExportTraceServiceResponse:
            for group in request.resource_spans:
                resource = as_json(group.resource)
                for scope in group.instrumentation_library_spans:  # the older name of scope_spans
                    recorder.seen += [{"resource": resource, "span": as_json(span)} for span in scope.spans]
            return ExportTraceServiceResponse()

        handler = grpc.unary_unary_rpc_method_handler(
            export,
            request_deserializer=ExportTraceServiceRequest.FromString,
            response_serializer=ExportTraceServiceResponse.SerializeToString,
        )
        service, method = _EXPORT.strip("/").split("/")
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))

    return grpc_server(add)
