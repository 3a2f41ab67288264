"""Host: a virtual host, which Mappings may attach to it, its TLS and its stance on clear text."""

from reconciler.model.problem import Code
from reconciler.model.resource import ANY_HOST, HostMatch, HostResource, InsecureAction, LabelSelector, Origin
from reconciler.resources.edge.host_tls import read_host_tls
from reconciler.resources.edge.hosts import GLOBS, InvalidHost, parse_host
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields
from reconciler.resources.finding import shown


def read_host_resource(envelope: Envelope, origin: Origin, fields: Fields) -> HostResource | None:
    """The Host of a document; None when its hostname was reported."""
    hostname = _hostname(fields)
    selector = read_selector(fields, "mappingSelector")
    older = read_selector(fields, "selector")
    if "selector" in fields.values and "mappingSelector" in fields.values and selector != older:
        message = "selector is the older spelling of mappingSelector, and they differ"
        fields.report(Code.FIELDS_CONTRADICT, message, "selector")
    insecure_policy = fields.inside("requestPolicy").inside("insecure")
    action, port = insecure_policy.text("action"), insecure_policy.integer("additionalPort")
    tls = read_host_tls(fields, envelope.namespace)
    if hostname is None:
        return None
    insecure = InsecureAction.REDIRECT if action is None else InsecureAction(action)
    further = port if port and port > 0 else None
    return HostResource(origin, envelope.labels, hostname, selector or older, insecure, tls, further)


def read_selector(fields: Fields, name: str) -> LabelSelector | None:
    """A label selector; None when absent or empty: everything is selected."""
    labels = fields.inside(name).inside("matchLabels").values
    wanted = tuple(sorted((key, value) for key, value in labels.items() if isinstance(value, str)))
    return LabelSelector(wanted) if wanted else None


def _hostname(fields: Fields) -> HostMatch | None:
    text = fields.text("hostname")
    if text is None:
        return ANY_HOST
    try:
        return parse_host(text, globs=True)
    except InvalidHost as why:
        fields.report(Code.INVALID_VALUE, str(why), "hostname", expected=GLOBS, got=shown(text))
        return None
