"""The ``reconciler`` command: its verbs, and the one place where failures become exit codes."""

import os
import platform
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click

from reconciler import __version__
from reconciler.cli.audit import audit
from reconciler.cli.config import config
from reconciler.cli.demo import demo
from reconciler.cli.exits import Exit
from reconciler.cli.plan import plan
from reconciler.cli.render import render
from reconciler.cli.route import route
from reconciler.cli.run import run
from reconciler.cli.sync import sync
from reconciler.cli.validate import validate
from reconciler.model.errors import ReconcileError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    """Serve the Mappings of a Git repository with Envoy, and know which commit caused what.

    \b
    Examples:
      reconciler validate routes/
      reconciler route http://example.com/httpbin/get routes/
      reconciler run --repo https://example.com/routes.git --target xds
      reconciler audit log
    """


for verb in (run, sync, validate, plan, render, route, audit, demo, config):
    cli.add_command(verb)


def main() -> None:
    """Entry point. Exit codes: see `Exit`."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = cli.main(standalone_mode=False)
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
    except BrokenPipeError:
        # The reader (head, less) has seen enough; closing stderr keeps Python from complaining at exit.
        sys.stderr.close()
        code = Exit.FINE
    except Exception:  # noqa: BLE001 - the one place where our own bugs become a report
        click.echo(f"This is a bug of reconciler. A report is in {_report()}; please file it.", err=True)
        code = Exit.BUG
    sys.exit(code if isinstance(code, int) else Exit.FINE)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    """Ends us as Ctrl-C does, with everything cleaned up, until a verb has its own idea of SIGTERM."""
    raise SystemExit(Exit.TERMINATED)


def _report() -> Path:
    """Writes what a maintainer needs to know. Holds no argument and no setting: those may be confidential."""
    handle, name = tempfile.mkstemp(prefix="reconciler-bug-", suffix=".txt")
    text = "\n".join(
        (
            f"reconciler {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"at {datetime.now(UTC).isoformat(timespec='seconds')}",
            "",
            traceback.format_exc(),
        )
    )
    with os.fdopen(handle, "w") as file:
        file.write(text)
    return Path(name)
