"""Mapping: one document to one ``MappingResource``.

The next field takes these steps:

1. Its shape goes into ``resources/schema/mapping-v3alpha1.json``, and into ``mapping-v2.json`` as older versions spell
   it. A field whose values may be credentials is named in ``schemas._PRIVATE`` as well.
2. Its reading goes beside its like: what a request must be, into ``conditions``; what becomes of it, into ``actions``;
   what its route asks besides, into ``policies``; what services are told of it, into ``service_fields``; how the
   upstream is talked to, into ``resources/upstream/upstreams.py``. A new name goes into the set of names there, if
   there is one: without it the field is never looked at.
3. Its value goes into ``MappingResource``, or into the ``RoutePolicy`` or ``Upstream`` within it; a condition also into
   ``MappingResource.group``. Where a Module can say it too, None or empty means unsaid: ``table/resolve/defaults.py``
   fills in what the Module says. From the resource to the route it goes through ``table/rules.py``.
4. It is rendered in ``envoy/routes`` or ``envoy/clusters``, worded in ``plan/fields.py``, ``plan/policies.py`` or
   ``plan/upstreams.py``, and has a golden case and a live one in ``tests/acceptance/cases``.
"""

from dataclasses import replace

from reconciler.model.resource import MappingResource, Origin
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.mapping.actions import read_redirect, read_rewrites, read_service
from reconciler.resources.mapping.conditions import read_headers, read_host, read_method, read_path, read_query
from reconciler.resources.mapping.error_replies import with_errors
from reconciler.resources.mapping.policies import read_policy
from reconciler.resources.mapping.service_fields import with_service_fields
from reconciler.resources.upstream.upstreams import read_upstream

# What a Module can say for a Mapping, unless that says something, be it nothing.
_DEFAULTED = frozenset({
    "add_request_headers", "add_response_headers", "circuit_breakers", "remove_request_headers",
    "remove_response_headers",
})  # fmt: skip


def read_mapping(envelope: Envelope, origin: Origin, fields: Fields) -> MappingResource | None:
    """The Mapping of a document; None when a part is missing, which was reported."""
    path = read_path(fields)
    talks = read_upstream(fields)
    host = read_host(fields, envelope.version)
    method, headers, query = read_method(fields), read_headers(fields), read_query(fields)
    redirect = read_redirect(fields)
    rewrites = read_rewrites(fields)
    policy = with_errors(read_policy(fields), fields)
    redirects = fields.flag("host_redirect")
    service = None if redirects else read_service(fields, envelope.namespace)
    if path is None or (redirect is None and service is None):
        return None
    return MappingResource(
        origin=origin,
        labels=envelope.labels,
        host=host,
        path=path,
        method=method,
        headers=headers,
        query=query,
        service=service,
        redirect=redirect,
        rewrite=rewrites.path,
        regex_rewrite=rewrites.regex,
        host_rewrite=rewrites.host,
        auto_host_rewrite=rewrites.auto_host,
        timeout_ms=fields.integer("timeout_ms"),
        precedence=fields.integer("precedence") or 0,
        weight=fields.integer("weight"),
        shadow=fields.flag("shadow"),
        policy=with_service_fields(replace(policy, hash_key=talks.hash_key) if talks.hash_key else policy, fields),
        upstream=talks.upstream,
        tls_context=fields.text("tls") or "",
        resolver=talks.resolver,
        circuit_breaker=talks.circuit_breaker,
        outlier_detection=talks.outlier_detection,
        emptied=_emptied(fields),
    )


def _emptied(fields: Fields) -> tuple[str, ...]:
    """The fields that are there and hold nothing, sorted."""
    given = fields.values.keys() & _DEFAULTED
    return tuple(sorted(name for name in given if not fields.values[name])) if given else ()
