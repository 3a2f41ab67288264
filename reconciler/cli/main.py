"""The ``reconciler`` command: its verbs, and the one place where failures become exit codes."""

import errno
import os
import platform
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click

from reconciler import __version__
from reconciler.cli import collector
from reconciler.cli.exits import Exit
from reconciler.cli.show import wants_colour
from reconciler.cli.verbs import verbs
from reconciler.model.errors import ReconcileError

_VERBS = "run", "sync", "validate", "plan", "render", "route", "migrate", "audit", "demo", "config", "unpack"


@click.version_option(__version__)
@verbs(*(f"reconciler.cli.{verb}" for verb in _VERBS))
def cli() -> None:
    """Serve the Mappings of a Git repository with Envoy, and know which commit caused what.

    \b
    Examples:
      reconciler validate routes/
      reconciler route http://example.com/httpbin/get routes/
      reconciler run --repo https://example.com/routes.git --target xds
      reconciler audit log
    """


def main() -> None:
    """Entry point. Exit codes: see `Exit`."""
    signal.signal(signal.SIGTERM, _terminate)
    collector.look_seldom()
    output = sys.stdout
    try:
        code = cli.main(standalone_mode=False, color=None if wants_colour() else False)
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        code = Exit.INTERRUPTED
    except ReconcileError as error:
        click.echo(f"{click.style('error', fg='red')} [{error.reason}]: {error.message}", err=True)
        if error.hint:
            click.echo(f"  hint: {error.hint}", err=True)
        code = Exit.PROBLEM
    except SystemExit:
        # click ends us with 1 when the reader (head, less) has seen enough, which is no failure. All that tells this
        # end from others is that click then puts something in the place of the output.
        if sys.stdout is output:
            raise
        code = Exit.FINE
    except Exception as error:  # noqa: BLE001 - the one place where our own bugs become a report
        code = _no_space(error) or _bug()
    sys.exit(code if isinstance(code, int) else Exit.FINE)


def _no_space(error: Exception) -> Exit | None:
    """Says so if the error is a full disk that we were to print to or to keep a temporary file on."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    with suppress(OSError):
        sys.stdout.close()  # what it could not print it would try again at exit
    where = error.filename or "the output"
    click.echo(f"{click.style('error', fg='red')} [DiskFull]: {where}: {error.strerror}", err=True)
    click.echo("  hint: free some space, or write elsewhere", err=True)
    return Exit.PROBLEM


def _bug() -> Exit:
    try:
        place = f"A report is in {_report()}; please file it."
    except OSError:
        place = f"Please file this:\n{_report_text()}"
    click.echo(f"This is a bug of reconciler. {place}", err=True)
    return Exit.BUG


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    """Ends us as Ctrl-C does, with everything cleaned up, until a verb has its own idea of SIGTERM."""
    raise SystemExit(Exit.TERMINATED)


def _report() -> Path:
    handle, name = tempfile.mkstemp(prefix="reconciler-bug-", suffix=".txt")
    with os.fdopen(handle, "w") as file:
        file.write(_report_text())
    return Path(name)


def _report_text() -> str:
    """What a maintainer needs to know. Holds no argument and no setting: those may be confidential."""
    return "\n".join(
        (
            f"reconciler {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"at {datetime.now(UTC).isoformat(timespec='seconds')}",
            "",
            traceback.format_exc(),
        )
    )
