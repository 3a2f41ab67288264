"""Own bodies for error answers, whoever gives them.

Two instances of one filter, so that a Mapping's rules replace all of the Module's: that of the Module, off where a
Mapping has its own or wants none, and that of Mappings, off everywhere else. What the upstream said besides, headers
included, does not reach the client.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/custom_response_filter
"""

from collections.abc import Iterator, Sequence

from envoy.config.core.v3.base_pb2 import DataSource, HeaderValue, HeaderValueOption
from envoy.config.core.v3.substitution_format_string_pb2 import SubstitutionFormatString
from envoy.config.route.v3.route_components_pb2 import FilterConfig
from envoy.extensions.filters.http.custom_response.v3.custom_response_pb2 import CustomResponse
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter
from envoy.extensions.http.custom_response.local_response_policy.v3.local_response_policy_pb2 import (
    LocalResponsePolicy,
)
from envoy.type.matcher.v3.status_code_input_pb2 import HttpResponseStatusCodeMatchInput
from google.protobuf.any_pb2 import Any
from google.protobuf.json_format import Parse
from google.protobuf.struct_pb2 import Struct
from xds.core.v3 import extension_pb2
from xds.type.matcher.v3.matcher_pb2 import Matcher

from reconciler.envoy.protobuf import packed
from reconciler.model.policy import ErrorReply

OF_MODULE = "reconciler.errors.module"
OF_MAPPINGS = "reconciler.errors.mapping"


def error_filters(module: Sequence[ErrorReply], *, of_mappings: bool) -> Iterator[HttpFilter]:
    """The filters of a listener: for the bodies of the Module, and for those of Mappings where some have them."""
    if module:
        yield HttpFilter(name=OF_MODULE, typed_config=packed(custom_response(module)))
    if of_mappings:
        yield HttpFilter(name=OF_MAPPINGS, typed_config=packed(CustomResponse()), disabled=True)


def error_overrides(replies: Sequence[ErrorReply] | None) -> Iterator[tuple[str, Any]]:
    """What a route says to them: None leaves it to the Module, empty wants none."""
    if replies is None:
        return
    yield OF_MODULE, packed(FilterConfig(disabled=True, is_optional=True))
    if replies:
        yield OF_MAPPINGS, packed(custom_response(replies))


def custom_response(replies: Sequence[ErrorReply]) -> CustomResponse:
    """A reply for each status."""
    status = extension_pb2.TypedExtensionConfig(name="status", typed_config=packed(HttpResponseStatusCodeMatchInput()))
    tree = Matcher.MatcherTree(input=status)
    for reply in replies:
        tree.exact_match_map.map[str(reply.status)].action.CopyFrom(
            extension_pb2.TypedExtensionConfig(name="reply", typed_config=packed(policy(reply)))
        )
    return CustomResponse(custom_response_matcher=Matcher(matcher_tree=tree))


def policy(reply: ErrorReply) -> LocalResponsePolicy:
    """The new body; the status stays."""
    body = SubstitutionFormatString()
    if reply.json:
        body.json_format.CopyFrom(Parse(reply.body, Struct()))
    elif reply.file:
        body.text_format_source.CopyFrom(DataSource(filename=reply.body))
    else:
        body.text_format_source.CopyFrom(DataSource(inline_string=reply.body))
    kind = reply.content_type or ("application/json" if reply.json else "")
    # Envoy overlooks the content type of a format here, and says text/plain.
    return LocalResponsePolicy(body_format=body, response_headers_to_add=[content_type(kind)] if kind else [])


def content_type(kind: str) -> HeaderValueOption:
    """The header in place of Envoy's own."""
    return HeaderValueOption(
        header=HeaderValue(key="content-type", value=kind), append_action=HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    )
