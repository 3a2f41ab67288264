"""Auth services, over HTTP and over gRPC, that note what they are asked.

Both decide by words in the path of the request: ``deny``, ``login`` (a redirect), ``slow`` (no answer), ``broken`` (an
answer that is none); all else may pass.
"""

from contextlib import AbstractContextManager

import grpc
from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.service.auth.v3 import external_auth_pb2_grpc
from envoy.service.auth.v3.external_auth_pb2 import (
    CheckRequest,
    CheckResponse,
    DeniedHttpResponse,
    OkHttpResponse,
)
from envoy.type.v3.http_status_pb2 import HttpStatus
from google.rpc.status_pb2 import Status

from tests.support.recording_servers import Heard, Recorder, Reply, as_json, grpc_server, http_server

_PASSED = (("x-user", "alice"), ("x-hidden", "no"), ("authorization", "upstream"))
_DENIED = (("www-authenticate", "Basic"), ("x-reason", "because"), ("x-hidden", "no"), ("content-type", "text/plain"))


def auth_http() -> AbstractContextManager[Recorder]:
    """An auth service of ``proto: http``."""
    return http_server(_answer)


def auth_grpc() -> AbstractContextManager[Recorder]:
    """An auth service of ``proto: grpc``."""
    return grpc_server(
        lambda recorder, server: external_auth_pb2_grpc.add_AuthorizationServicer_to_server(
            _Authorization(recorder), server
        )
    )


def _answer(recorder: Recorder, heard: Heard) -> Reply:
    recorder.seen.append(
        {
            "method": heard.method,
            "path": heard.path,
            "host": heard.headers.get("host", ""),
            "headers": dict(heard.headers),
            "body": heard.body.decode("latin-1"),
        }
    )
    if "slow" in heard.path:
        recorder.linger()
    if "broken" in heard.path:
        return Reply(503)
    if "login" in heard.path:
        return Reply(302, (("location", "https://login.test/"), ("set-cookie", "state=1")))
    return Reply(401, _DENIED, b"who are you?") if "deny" in heard.path else Reply(200, _PASSED)


class _Authorization(external_auth_pb2_grpc.AuthorizationServicer):  # type: ignore[misc] # generated without types
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def Check(self, request: CheckRequest, context: grpc.ServicerContext) -> CheckResponse:  # noqa: N802 - gRPC's name
        self._recorder.seen.append(as_json(request))
        path = request.attributes.request.http.path
        if "slow" in path:
            self._recorder.linger()
        if "broken" in path:
            context.abort(grpc.StatusCode.INTERNAL, "broken")
        if "deny" in path:
            return CheckResponse(
                status=Status(code=grpc.StatusCode.PERMISSION_DENIED.value[0]),
                denied_response=DeniedHttpResponse(
                    status=HttpStatus(code=401), headers=_options(_DENIED), body="who are you?"
                ),
            )
        passed = OkHttpResponse(headers=_options(_PASSED), headers_to_remove=["x-secret"])
        return CheckResponse(status=Status(code=0), ok_response=passed)


def _options(headers: tuple[tuple[str, str], ...]) -> list[HeaderValueOption]:
    return [HeaderValueOption(header=HeaderValue(key=name, value=value)) for name, value in headers]
