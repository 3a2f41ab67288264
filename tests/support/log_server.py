"""A log service (``envoy.service.accesslog.v3``) that keeps every entry."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import grpc
from envoy.service.accesslog.v3 import als_pb2_grpc
from envoy.service.accesslog.v3.als_pb2 import StreamAccessLogsMessage, StreamAccessLogsResponse

from tests.support.recording_servers import Recorder, as_json, grpc_server


def access_log_service() -> AbstractContextManager[Recorder]:
    """The service; each entry is noted with the name of its log, under ``http`` or ``tcp``."""
    return grpc_server(
        lambda recorder, server: als_pb2_grpc.add_AccessLogServiceServicer_to_server(_Logs(recorder), server)
    )


class _Logs(als_pb2_grpc.AccessLogServiceServicer):  # type: ignore[misc] # generated without types
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def StreamAccessLogs(  # noqa: N802 - gRPC's name
        self, request_iterator: Iterator[StreamAccessLogsMessage], _context: grpc.ServicerContext
    ) -> StreamAccessLogsResponse:
        name = ""
        try:
            for message in request_iterator:
                name = message.identifier.log_name or name
                for entry in message.http_logs.log_entry:
                    self._recorder.seen.append({"log": name, "http": as_json(entry)})
                for connection in message.tcp_logs.log_entry:
                    self._recorder.seen.append({"log": name, "tcp": as_json(connection)})
        except grpc.RpcError:
            pass  # Envoy went away
        return StreamAccessLogsResponse()
