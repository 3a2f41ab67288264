"""What tests of watched endpoints and Secrets serve: a Host with a certificate, and a Mapping to endpoints."""

import socket

_DOCUMENTS = """
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {{name: http}}
spec: {{port: {http}, protocol: HTTP, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {{name: https}}
spec: {{port: {https}, protocol: HTTPS, securityModel: XFP, hostBinding: {{namespace: {{from: ALL}}}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {{name: a}}
spec:
  hostname: a.test
  tlsSecret: {{name: served, namespace: {namespace}}}
  requestPolicy: {{insecure: {{action: Route}}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {{name: shop}}
spec: {{hostname: a.test, prefix: {prefix}, service: shop.{namespace}, resolver: kubernetes-endpoint}}
"""


def documents(namespace: str, http: int, https: int, prefix: str = "/") -> str:
    """``a.test`` on two ports, with the Secret ``served`` and the Service ``shop`` of a namespace."""
    return _DOCUMENTS.format(namespace=namespace, http=http, https=https, prefix=prefix)


def own_address() -> str:
    """An address of this machine that is not loopback: no EndpointSlice may have one of those."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
