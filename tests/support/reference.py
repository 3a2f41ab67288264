"""Reference pages made from the code they speak of. ``make docs`` writes them; a test fails when they are stale."""

import json
from pathlib import Path
from typing import Any

import click

from reconciler.cli.exits import Exit
from reconciler.cli.main import cli
from reconciler.settings import load
from reconciler.settings.load import PREFIX
from reconciler.settings.settings import specs
from tests.support import conformance

_ROOT = Path(__file__).parents[2]
REFERENCE = _ROOT / "docs" / "reference"
SCHEMAS = _ROOT / "reconciler" / "resources" / "schema"

_EXITS = {
    Exit.FINE: "fine",
    Exit.PROBLEM: "a problem, failure or refusal; the message says which",
    Exit.USAGE: "the command line is wrong",
    Exit.BUG: "a bug of ours; a report ready to file was written",
    Exit.CHANGES_PENDING: "`plan --exit-code`: changes are pending and nothing is wrong",
    Exit.INTERRUPTED: "Ctrl-C",
    Exit.TERMINATED: "SIGTERM; `run` and `demo`, once they serve, end with 0 instead, on Ctrl-C too",
}


def settings_page() -> str:
    """Every setting: name in the file, flag, variable, default, meaning."""
    lines = [
        "# Settings",
        "",
        "Flags are stronger than variables, those than the file given with `--config`, and that than the default.",
        "`reconciler config` prints the effective values and where each came from; secrets are redacted.",
        "Durations are written `500ms`, `30s`, `1m30s`, `1h`; shares `0.3` or `30%`.",
        "",
        "| in the file | flag | variable | default | meaning |",
        "|---|---|---|---|---|",
    ]
    shown = load({}, {}, None).typed()
    for name, spec in specs().items():
        flag = "-" if spec.secret else f"`--{name.replace('_', '-')}`"
        value = "the platform's state directory" if name == "state" else f"`{shown[name]}`" if shown[name] else "-"
        lines.append(f"| `{name}` | {flag} | `{PREFIX}{name.upper()}` | {value} | {spec.help.replace('|', '&#124;')} |")
    return "\n".join(lines) + "\n"


def command_line_page() -> str:
    """Every verb with its help, and the exit codes."""
    lines = ["# Command line", "", "## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {int(code)} | {meaning} |" for code, meaning in _EXITS.items()]
    for path, command in _commands(cli, ("reconciler",)):
        context = click.Context(command, info_name=" ".join(path), terminal_width=100)
        lines += ["", f"## {' '.join(path)}", "", "```text", command.get_help(context), "```"]
    return "\n".join(lines) + "\n"


def _commands(command: click.Command, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = [(path, command)]
    if isinstance(command, click.Group):
        for name in command.commands:
            found += _commands(command.commands[name], (*path, name))
    return found


_SCHEMAS = (
    ("Mapping", "mapping-v3alpha1.json", "`getambassador.io/v3alpha1`"),
    ("Mapping, older versions", "mapping-v2.json", "`ambassador/v0`, `v1`, `v2` and `getambassador.io/v1`, `v2`"),
    ("Host", "host.json", "all versions"),
    ("Listener", "listener.json", "all versions"),
)

_MAPPING_HEAD = """\
# Mapping, Host and Listener

A document is either in the Kubernetes form (`apiVersion`, `kind`, `metadata`, `spec`) or flat, with `name` and the
fields side by side. Documents may also stand in the `getambassador.io/config` annotation of a Service or Ingress;
`namespace` and labels then default to those of that object. A document for another `ambassador_id` is left alone.

```yaml
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: checkout
  namespace: shop
spec:
  hostname: shop.example.com
  prefix: /checkout/
  service: checkout
```

Rules match in this order: higher `precedence`, longer `prefix`, more header conditions (method and host count as
such), more query conditions. `reconciler route URL` tells which one serves a request, and why not the others.
"""


def fields_page() -> str:
    """Every field of every kind, from the schemas that documents are checked with."""
    lines = [_MAPPING_HEAD]
    for title, name, versions in _SCHEMAS:
        schema = json.loads((SCHEMAS / name).read_text())
        fields = schema["properties"].items()
        lines += [f"## {title}", "", f"In {versions}. Required: {_codes(schema.get('required', []))}.", ""]
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        lines += [_field_row(field, about) for field, about in fields if not about.get("x-status")]
        later = [field for field, about in fields if about.get("x-status") == "unsupported"]
        dead = [field for field, about in fields if about.get("x-status") == "dead"]
        if later:
            lines += ["", f"Known and not supported yet, each an error: {_codes(later)}."]
        if dead:
            lines += ["", f"Without effect in any version of the peer, each an error: {_codes(dead)}."]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _field_row(field: str, about: dict[str, Any]) -> str:
    default = f"`{json.dumps(about['default'])}`" if "default" in about else "-"
    kind = about.get("x-expected") or about.get("type") or "anything"
    if isinstance(kind, list):
        kind = " or ".join(kind)
    meaning = about.get("description", "").replace("|", "&#124;")
    old = " *Older spelling.*" if about.get("deprecated") else ""
    return f"| `{field}` | {str(kind).replace('|', '&#124;')} | {default} | {meaning}{old} |"


def _codes(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"


PAGES = {
    "settings.md": settings_page,
    "command-line.md": command_line_page,
    "mapping.md": fields_page,
    "conformance.md": conformance.page,
}


def write() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())


if __name__ == "__main__":
    write()
