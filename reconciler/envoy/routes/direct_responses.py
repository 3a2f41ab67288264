"""What Envoy answers by itself.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-directresponseaction
"""

from envoy.config.core.v3.base_pb2 import DataSource, HeaderValueOption
from envoy.config.route.v3.route_components_pb2 import DirectResponseAction

from reconciler.envoy.routes.policies import added_headers
from reconciler.model.policy import DirectResponse, HeaderValue


def direct_response(answer: DirectResponse) -> DirectResponseAction:
    """Status and body. Without a format the body is sent as it stands; for gRPC Envoy makes its status of both."""
    message = DirectResponseAction(status=answer.status)
    if answer.body:
        message.body.CopyFrom(DataSource(inline_string=answer.body))
    return message


def answer_headers(answer: DirectResponse) -> list[HeaderValueOption]:
    """The headers of the answer, in place of whatever else was to be there."""
    headers = []
    if answer.body and answer.content_type:
        headers.append(HeaderValue("content-type", answer.content_type.replace("%", "%%"), append=False))
    if answer.retry_after_s is not None:
        headers.append(HeaderValue("retry-after", str(answer.retry_after_s), append=False))
    return added_headers(headers)
