"""Which endpoints work: checks of Envoy's own, and what requests tell.

https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/health_checking
https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier
"""

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.cluster.v3.outlier_detection_pb2 import OutlierDetection as OutlierMessage
from envoy.config.core.v3.base_pb2 import HeaderValue as HeaderMessage
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.core.v3.health_check_pb2 import HealthCheck as HealthMessage
from envoy.type.v3.http_pb2 import CodecClientType
from envoy.type.v3.percent_pb2 import Percent
from envoy.type.v3.range_pb2 import Int64Range

from reconciler.envoy.protobuf import milliseconds, number
from reconciler.model.policy import HeaderValue
from reconciler.model.upstream import GrpcCheck, HealthCheck, HttpCheck, OutlierDetection

_ALL = 100


def health_check(check: HealthCheck, host: str, *, http2: bool) -> HealthMessage:
    """One check.

    A cluster without requests is checked as often as any other: Envoy would by itself look once a minute, and not
    notice for so long that its first and only endpoint works again.

    Args:
        check: what to ask.
        host: of the service, for checks that name none; Envoy would send the name of the cluster.
        http2: whether the service speaks HTTP/2.
    """
    message = HealthMessage(
        timeout=milliseconds(check.timeout_ms),
        interval=milliseconds(check.interval_ms),
        no_traffic_interval=milliseconds(check.interval_ms),
        unhealthy_threshold=number(check.unhealthy_threshold),
        healthy_threshold=number(check.healthy_threshold),
    )
    if check.http is not None:
        message.http_health_check.CopyFrom(http_check(check.http, host, http2=http2))
    elif check.grpc is not None:
        message.grpc_health_check.CopyFrom(grpc_check(check.grpc, host))
    return message


def http_check(check: HttpCheck, host: str, *, http2: bool) -> HealthMessage.HttpHealthCheck:
    """A GET; Envoy's ranges end before their last number."""
    return HealthMessage.HttpHealthCheck(
        host=check.host or host,
        path=check.path,
        request_headers_to_add=[_added(header) for header in check.add_headers],
        request_headers_to_remove=check.remove_headers,
        expected_statuses=[Int64Range(start=first, end=last + 1) for first, last in check.statuses],
        codec_client_type=CodecClientType.HTTP2 if http2 else CodecClientType.HTTP1,
    )


def grpc_check(check: GrpcCheck, host: str) -> HealthMessage.GrpcHealthCheck:
    """A call of ``grpc.health.v1.Health/Check``."""
    return HealthMessage.GrpcHealthCheck(service_name=check.service, authority=check.authority or host)


def _added(header: HeaderValue) -> HeaderValueOption:
    append = (
        HeaderValueOption.APPEND_IF_EXISTS_OR_ADD if header.append else HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    )
    return HeaderValueOption(header=HeaderMessage(key=header.name, value=header.value), append_action=append)


def believe_checks(message: Cluster) -> None:
    """Send nothing to an endpoint that fails its checks, even where it is the only one.

    Envoy sends to all endpoints alike when more than half of them fail. A Service behind one address has one
    endpoint, so that its checks would never make a difference.
    """
    message.common_lb_config.healthy_panic_threshold.CopyFrom(Percent(value=0))
    # An address that DNS no longer gives may be another service's by now, which answers checks just as well.
    message.ignore_health_on_host_removal = True


def outlier_detection(outliers: OutlierDetection) -> OutlierMessage:
    """When an endpoint is left alone; gateway failures count only if somebody asks for it."""
    message = OutlierMessage(
        consecutive_5xx=number(outliers.consecutive_5xx),
        consecutive_gateway_failure=number(outliers.consecutive_gateway_failure),
        max_ejection_percent=number(outliers.max_ejection_percent),
    )
    if outliers.interval_ms is not None:
        message.interval.CopyFrom(milliseconds(outliers.interval_ms))
    if outliers.base_ejection_time_ms is not None:
        message.base_ejection_time.CopyFrom(milliseconds(outliers.base_ejection_time_ms))
    if outliers.consecutive_gateway_failure is not None:
        message.enforcing_consecutive_gateway_failure.value = _ALL
    return message
