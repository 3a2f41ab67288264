"""A rate-limit service that notes what it is asked.

An entry whose value holds ``over`` is over its limit, ``slow`` gets no answer, ``broken`` an error.
"""

from contextlib import AbstractContextManager

import grpc
from envoy.service.ratelimit.v3 import rls_pb2_grpc
from envoy.service.ratelimit.v3.rls_pb2 import RateLimitRequest, RateLimitResponse

from tests.support.recording_servers import Recorder, as_json, grpc_server


def rate_limit() -> AbstractContextManager[Recorder]:
    """The service."""
    return grpc_server(
        lambda recorder, server: rls_pb2_grpc.add_RateLimitServiceServicer_to_server(_Limits(recorder), server)
    )


class _Limits(rls_pb2_grpc.RateLimitServiceServicer):  # type: ignore[misc] # generated without types
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def ShouldRateLimit(self, request: RateLimitRequest, context: grpc.ServicerContext) -> RateLimitResponse:  # noqa: N802 - gRPC's name
        self._recorder.seen.append(as_json(request))
        values = " ".join(entry.value for one in request.descriptors for entry in one.entries)
        if "slow" in values:
            self._recorder.linger()
        if "broken" in values:
            context.abort(grpc.StatusCode.INTERNAL, "broken")
        over = "over" in values
        return RateLimitResponse(overall_code=RateLimitResponse.OVER_LIMIT if over else RateLimitResponse.OK)
