"""``reconciler migrate``: older spellings become the current one, comments and layout stay."""

import difflib
import json
import os
import tempfile
from pathlib import Path

import click

from reconciler.cli.exits import Exit
from reconciler.cli.options import output_flag, settings_flags
from reconciler.cli.show import in_colour
from reconciler.cli.stages import stage_options
from reconciler.migrate import Left, MigratedFile, Migration
from reconciler.migrate import migrate as migrated
from reconciler.model.errors import Stalled
from reconciler.model.text import plural, printable
from reconciler.settings import Loaded
from reconciler.sources import DirectorySource

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.argument("place", metavar="PATH", type=click.Path(exists=True, path_type=Path))
@click.option("--write", is_flag=True, help="Write the files; without it, only the changes are shown.")
@settings_flags("language")
@output_flag()
def migrate(place: Path, *, write: bool, settings: Loaded, output: str) -> int:
    """Rewrite older spellings in PATH, a folder or a file, as getambassador.io/v3alpha1.

    Comments, order and layout of everything else stay. What would then mean something else to Envoy is left alone,
    and so are files with errors; exits with 1 when there are any.

    \b
    Examples:
      reconciler migrate routes/
      reconciler migrate routes/ --write
    """
    migration = migrated(DirectorySource(place).fetch(None), stage_options(settings))
    if output == "text":
        for file in migration.files:
            _echo_diff(file)
    if write:
        for file in migration.files:
            _replace(place / file.path if place.is_dir() else place, file)
    if output == "json":
        click.echo(json.dumps(_document(migration, written=write), indent=2))
    else:
        for one in migration.left:
            _echo_left(one)
        _echo_summary(migration, written=write)
    return Exit.PROBLEM if migration.left else Exit.FINE


def _document(migration: Migration, *, written: bool) -> dict[str, object]:
    files = [{"path": f.path, "notes": f.notes, "diff": "\n".join(_diff(f))} for f in migration.files]
    left = [
        {"path": one.path, "resource": one.resource, "field": one.field, "reason": one.reason, "hint": one.hint}
        for one in migration.left
    ]
    return {"files": files, "left": left, "written": written}


def _diff(file: MigratedFile) -> list[str]:
    before, after = (content.decode().splitlines() for content in (file.before, file.after))
    name = printable(file.path)
    return list(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", lineterm=""))


def _echo_diff(file: MigratedFile) -> None:
    colour = in_colour()
    for line in _diff(file):
        shown = printable(line)
        click.echo(click.style(shown, fg=_COLOURS.get(line[:1])) if colour else shown)


def _echo_left(one: Left) -> None:
    subject = f"{one.resource}: " if one.resource else ""
    at = f" ({one.field})" if one.field else ""
    click.echo(f"{click.style('left alone', fg='red', bold=True)} {printable(one.path) or 'all files'}", err=True)
    click.echo(f"  {printable(subject + one.reason + at)}", err=True)
    if one.hint:
        click.echo(f"  hint:     {one.hint}", err=True)


def _echo_summary(migration: Migration, *, written: bool) -> None:
    count = plural(len(migration.files), "file")
    if not migration.files:
        done = "nothing to migrate"
    else:
        done = f"{count} migrated" if written else f"{count} would change; --write writes them"
    left = f", {len({one.path for one in migration.left})} left alone" if migration.left else ""
    click.echo(f"{done}{left}")


def _replace(path: Path, file: MigratedFile) -> None:
    """Write a file whole or not at all, with the permissions it had.

    Raises:
        Stalled: it cannot be written, or is no longer what was migrated.
    """
    try:
        if path.read_bytes() != file.before:
            raise Stalled("FileChanged", f"{printable(str(path))} changed meanwhile", "run the command again")
        mode = path.stat().st_mode
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".migrated")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(file.after)
                stream.flush()
                os.fchmod(stream.fileno(), mode & 0o7777)
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        message = f"{printable(str(path))} cannot be written: {error.strerror}"
        raise Stalled("FileNotWritable", message, "what was written before it stays written") from error
