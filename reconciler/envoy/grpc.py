"""gRPC services that Envoy calls.

https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/core/v3/grpc_service.proto
"""

from envoy.config.core.v3.grpc_service_pb2 import GrpcService

from reconciler.envoy.protobuf import milliseconds


def grpc_service(cluster: str, timeout_ms: int = 0) -> GrpcService:
    """A service by its cluster; a call takes at most ``timeout_ms`` milliseconds, 0 for as long as it likes."""
    message = GrpcService(envoy_grpc=GrpcService.EnvoyGrpc(cluster_name=cluster))
    if timeout_ms:
        message.timeout.CopyFrom(milliseconds(timeout_ms))
    return message
