"""Reference pages of the language, one for each kind, made from the schemas that documents are checked with."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from reconciler.model.resource import Kind
from reconciler.resources.kinds import OWN_KINDS
from reconciler.resources.schemas import OWN, config_schema, schema_of

Schema: TypeAlias = dict[str, Any]

EXAMPLES = Path(__file__).parent / "examples"
_NEW, _OLD = "v3alpha1", "v2"
_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}


@dataclass(frozen=True)
class Page:
    """One page: its kinds and what stands above their fields."""

    title: str
    kinds: tuple[Kind, ...]
    about: str


_LIMITS = "A Mapping of the current version says the same itself, and `reconciler migrate` writes it there."
PAGES: dict[str, Page] = {
    "mapping.md": Page(
        "Mapping",
        (Kind.MAPPING,),
        "Which requests go to which service, and what is done with them on the way.\n\n"
        "A document is either in the Kubernetes form (`apiVersion`, `kind`, `metadata`, `spec`) or flat, with `name` "
        "and the fields side by side. Documents may also stand in the `getambassador.io/config` annotation of a "
        "Service or Ingress; `namespace` and labels then default to those of that object. A document for another "
        "`ambassador_id` is left alone.\n\n"
        "Rules match in this order: higher `precedence`, longer `prefix`, more header conditions (method and host "
        "count as such), more query conditions. `reconciler route URL` tells which one serves a request, and why not "
        "the others.",
    ),
    "mappingpolicy.md": Page(
        "MappingPolicy",
        (Kind.MAPPING_POLICY,),
        "What the Mapping language has no words for, said of Mappings in a document beside them: maintenance, answers "
        "by Envoy itself, limits without a service, ejection, patterns of origins, how an upstream is verified.\n\n"
        "It is of our own API group, `reconciler.dev/v1alpha1`, so that Emissary leaves it alone and reads the "
        "Mappings as before. What a Mapping says itself is stronger, and what a Module says is weaker. Two policies "
        "may be about one Mapping, but not say the same part of it: the one that is served holds, else the older one, "
        "and the other is a [`conflict`](problems.md#conflict). [Guide](../guides/mapping-policy.md).",
    ),
    "ownership.md": Page(
        "Ownership",
        (Kind.OWNERSHIP,),
        "Which teams, namespaces and folders may claim which hosts, prefixes and ports. A document that asks for what "
        "is not its author's is left out: [`not-owner`](problems.md#not-owner).\n\n"
        "Who wrote a document is told by where it stands: by the namespace of the object of the cluster, or by the "
        "path of the file. What the document says of its own namespace proves nothing.\n\n"
        "It is of our own API group, `reconciler.dev/v1alpha1`, and is read from the repository only; with "
        "`platform_path`, only from those folders. A broken one keeps its last good version in force, and one that "
        "never was good holds the plan up. [Guide](../guides/ownership.md), "
        "[why it is as it is](../adr/0022-ownership-by-where-a-document-stands.md).",
    ),
    "tcpmapping.md": Page("TCPMapping", (Kind.TCP_MAPPING,), "Which TCP or TLS connections go to which service."),
    "host.md": Page("Host", (Kind.HOST,), "A host name, its certificate, and what happens to requests in clear text."),
    "listener.md": Page("Listener", (Kind.LISTENER,), "A port: what is spoken there and which Hosts it serves."),
    "tlscontext.md": Page(
        "TLSContext",
        (Kind.TLS_CONTEXT,),
        "Certificates and terms of TLS, towards clients (`hosts`) or towards an upstream (named by `tls` of a "
        "Mapping). A Mapping that names one that is not there is an error, and is never served in clear text.",
    ),
    "module.md": Page("Module", (Kind.MODULE,), "What holds for everything that does not say otherwise."),
    "authservice.md": Page("AuthService", (Kind.AUTH_SERVICE,), "Who decides on every request before it is routed."),
    "ratelimitservice.md": Page("RateLimitService", (Kind.RATE_LIMIT_SERVICE,), "Who decides how often is too often."),
    "tracingservice.md": Page("TracingService", (Kind.TRACING_SERVICE,), "Where the spans of requests are sent."),
    "logservice.md": Page("LogService", (Kind.LOG_SERVICE,), "Where log entries of requests are sent, besides files."),
    "resolvers.md": Page(
        "Resolvers",
        (Kind.KUBERNETES_SERVICE_RESOLVER, Kind.KUBERNETES_ENDPOINT_RESOLVER, Kind.CONSUL_RESOLVER),
        "How the name of a service becomes addresses; a Mapping names one in `resolver`.",
    ),
    "older-kinds.md": Page(
        "CircuitBreaker and OutlierDetection",
        (Kind.CIRCUIT_BREAKER, Kind.OUTLIER_DETECTION),
        f"Limits that v0 keeps in documents of their own, for Mappings to name. {_LIMITS}",
    ),
}


def page(name: str) -> str:
    """The text of a page."""
    about = PAGES[name]
    example = (EXAMPLES / name).with_suffix(".yaml").read_text().rstrip()
    lines = [f"# {about.title}", "", about.about, "", "```yaml", example, "```", ""]
    for kind in about.kinds:
        heading = "## Fields" if len(about.kinds) == 1 else f"## Fields of a {kind}"
        lines += [heading, "", *_fields(kind)]
    return "\n".join(lines).rstrip() + "\n"


def _fields(kind: Kind) -> list[str]:
    versions = (OWN, OWN) if kind in OWN_KINDS else (_NEW, _OLD)
    new, old = (schema_of(kind, version).schema for version in versions)
    lines = [_required(new) + _since(new), ""]
    lines += _sections(_properties(new), _properties(old) if old != new else {})
    gone = {name: field for name, field in _properties(old).items() if name not in _properties(new)}
    if gone:
        lines += ["## Fields of older versions only", "", "In `ambassador/v0` to `v2` and `getambassador.io/v1`, `v2`."]
        lines += ["", *_sections(gone, {})]
    if kind is Kind.MODULE:
        lines += ["## Settings of the Module `ambassador`", "", "Below `config`.", ""]
        lines += _sections(_properties(config_schema("ambassador").schema), {})
    return lines


def _required(schema: Schema) -> str:
    names = ", ".join(f"`{name}`" for name in schema.get("required", []))
    return f"Required: {names or 'nothing'}."


def _since(schema: Schema) -> str:
    return f" The kind exists since {schema['x-since']}." if "x-since" in schema else ""


def _sections(fields: Schema, older: Schema) -> list[str]:
    """Sections of the fields that mean something, then those that do not in one sentence each."""
    lines: list[str] = []
    for name, field in fields.items():
        if not field.get("x-status"):
            lines += _section(name, field, older.get(name))
    for status, sentence in (
        ("unsupported", "Known and not supported, each an error"),
        ("dead", "Without effect in any version of the peer, each an error"),
    ):
        names = [name for name, field in fields.items() if field.get("x-status") == status]
        if names:
            lines += [f"{sentence}: {', '.join(f'`{name}`' for name in names)}.", ""]
    return lines


def _section(name: str, field: Schema, older: Schema | None) -> list[str]:
    lines = [f"### `{name}`", "", _meaning(field), "", *_facts(field)]
    if older is not None and older != field:
        was = "" if _type(older) == _type(field) else f" {_type(older)[0].upper()}{_type(older)[1:]}."
        same = older.get("description") == field.get("description")
        told = "" if same else f" {_escaped(str(older.get('description')))}"
        if was or told:
            lines.append(f"- up to v2:{was}{told}")
    if "x-example" in field:
        example = yaml.safe_dump({name: field["x-example"]}, sort_keys=False, width=100).rstrip()
        lines += ["", "```yaml", example, "```"]
    rows = list(_rows(field, ""))
    if rows:
        lines += ["", "| inside | type | default | in Envoy | meaning |", "|---|---|---|---|---|", *rows]
    return [*lines, ""]


def _facts(field: Schema) -> list[str]:
    facts = [f"- type: {_type(field)}"]
    if "default" in field:
        facts.append(f"- default: {_default(field)}")
    if "x-since" in field and "x-mapping" not in field:  # else it is that of the Mapping's field
        facts.append(f"- since: {field['x-since']}")
    if "x-envoy" in field:
        facts.append(f"- in Envoy: {field['x-envoy']}")
    return facts


def _meaning(field: Schema) -> str:
    status = {"unsupported": " *Not supported yet: an error.*", "dead": " *Without effect: an error.*"}
    told = "lder spelling" in field.get("description", "")
    old = " *Older spelling.*" if field.get("deprecated") and not told else ""
    return _escaped(str(field.get("description", ""))) + old + status.get(str(field.get("x-status")), "")


def _escaped(text: str) -> str:
    """Plain text as Markdown: stars and words in underscores mean themselves."""
    return re.sub(r"[*<]|(?<!\w)_(?=\w+_(?!\w))", r"\\\g<0>", text)


def _rows(field: Schema, above: str) -> list[str]:
    """The fields inside a field, of mappings and of list items, as rows of a table."""
    rows: list[str] = []
    inner = [field, *field.get("anyOf", [])]
    inner += [one["items"] for one in inner if isinstance(one.get("items"), dict)]
    for one in inner:
        for name, inside in _properties(one).items():
            path = f"{above}{name}"
            default = _default(inside) if "default" in inside else "-"
            cells = (f"`{path}`", _type(inside), default, inside.get("x-envoy", "-"), _meaning(inside))
            rows.append("| " + " | ".join(str(cell).replace("|", "&#124;") for cell in cells) + " |")
            rows += _rows(inside, f"{path}.")
    return rows


def _properties(schema: Schema) -> Schema:
    found = schema.get("properties", {})
    return found if isinstance(found, dict) else {}


def _default(field: Schema) -> str:
    return f"`{yaml.safe_dump(field['default'], default_flow_style=True).removesuffix('...' + chr(10)).strip()}`"


def _type(field: Schema) -> str:
    """The type in words, with its bounds."""
    if "x-expected" in field:
        return str(field["x-expected"])
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"] if value is not None)
    if "const" in field:
        return f"`{field['const']}`".lower()
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(one) for one in field["anyOf"] if one.get("type") != "null"))
    names = field.get("type", "anything")
    words = [_TYPES.get(name, name) for name in ([names] if isinstance(names, str) else names) if name != "null"]
    bounds = [str(field[bound]) for bound in ("minimum", "maximum") if bound in field]
    return " or ".join(words) + (f", {' to '.join(bounds)}" if len(bounds) == 2 else "")
