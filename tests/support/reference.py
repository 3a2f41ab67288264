"""Reference pages made from the code they speak of. ``make docs`` writes them; a test fails when they are stale."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from reconciler.cli.exits import Exit
from reconciler.cli.main import cli
from reconciler.settings import load
from reconciler.settings.load import PREFIX
from reconciler.settings.settings import specs
from tests.support import conformance, editor_schemas, reference_kinds

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"

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
        # As below the group: click keeps the help option that a command was first asked for.
        names = cli.context_settings["help_option_names"]
        context = click.Context(command, info_name=" ".join(path), terminal_width=100, help_option_names=names)
        lines += ["", f"## {' '.join(path)}", "", "```text", command.get_help(context), "```"]
    return "\n".join(lines) + "\n"


def _commands(command: click.Command, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = [(path, command)]
    if isinstance(command, click.Group):
        within = click.Context(command)
        for name in command.list_commands(within):
            verb = command.get_command(within, name)
            found += _commands(verb, (*path, name)) if verb else []
    return found


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "command-line.md": command_line_page,
    "conformance.md": conformance.page,
    **{name: partial(reference_kinds.page, name) for name in reference_kinds.PAGES},
}


def write() -> None:
    """Write all pages, and the schemas for editors."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())
    editor_schemas.write()


if __name__ == "__main__":
    write()
