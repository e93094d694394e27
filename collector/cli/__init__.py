"""The command line: one thin file per command, loaded when it is asked for."""

from __future__ import annotations

import gc
import io
import sys
from typing import Any

import click

from collector import __version__
from collector.cli.lazy import LazyGroup
from collector.errors import INTERNAL, USAGE, VmextError

#: Command and the module that holds it as `command`.
COMMANDS = {
    "collect": "collector.cli.collect",
    "upload": "collector.cli.upload",
    "redact": "collector.cli.redact",
    "show": "collector.cli.show",
    "verify": "collector.cli.verify",
    "explain": "collector.cli.explain",
    "diagnose": "collector.cli.diagnose",
    "compare": "collector.cli.compare",
    "fleet": "collector.cli.fleet",
    "lint": "collector.cli.lint",
    "rules": "collector.cli.rules",
    "endpoint": "collector.cli.endpoint",
    "review": "collector.cli.review",
    "watch": "collector.cli.watch",
    "status": "collector.cli.status",
    "service": "collector.cli.service",
    "config": "collector.cli.config",
}

#: Objects made before garbage is looked for. Python's 700 would mean dozens of looks while modules are loaded.
_COLLECT_AFTER = 20_000

EXIT_CODES = """\b
Exit codes:
   0  nothing wrong found
   2  usage or configuration error
   3  internal error
  10  a failure was found
  11  a hang was found, and no failure
  12  no logs or state files of any extension found
  13  another collect runs here, and --wait was over before it ended
  14  status: the resident agent does not run, or hangs
  20  not delivered although asked to (wins over 10 and 11)
  21  fleet: an instance gave no verdict, or not every state is told (wins over all)
  22  verify: a bundle is broken, or not what it says it is"""


@click.group(
    cls=LazyGroup, modules=COMMANDS, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="vmext", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show our own log, and tracebacks, on standard error.")
def group(debug: bool) -> None:
    """Finds out, on the instance itself, why a virtual-machine extension failed."""
    if debug:
        from collector.redact.log import install_debug_log

        install_debug_log()


def main(argv: list[str] | None = None) -> int | Any:
    """The entry point: runs a command and turns every error into a sentence and an exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    gc.set_threshold(_COLLECT_AFTER)
    try:
        result = group.main(args=arguments, prog_name="vmext", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("vmext: stopped", err=True)
        return 130
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(file=shown)
        click.echo(redacted(shown.getvalue()), nl=False, err=True)
        return USAGE
    except VmextError as error:
        if "--debug" in arguments:
            _show_traceback()
        click.echo(f"vmext: {redacted(str(error))}", err=True)
        if error.hint:
            click.echo(f"  {redacted(error.hint)}", err=True)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the one place for what no one foresaw
        if "--debug" in arguments:
            _show_traceback()
        if isinstance(error, PermissionError) and isinstance(error.filename, str):
            click.echo(f"vmext: {redacted(error.filename)}: {error.strerror}", err=True)
            click.echo("  This user may not look there: run it as root or as administrator.", err=True)
            return USAGE
        click.echo(f"vmext: internal error: {type(error).__name__}; run again with --debug and report it", err=True)
        return INTERNAL
    return result if isinstance(result, int) else 0


def redacted(text: str) -> str:
    """Errors quote arguments, addresses and lines of files; standard error goes where others read it."""
    import secrets

    from collector.redact.redactor import Redactor

    return Redactor(secrets.token_bytes(32)).text(text)


def _show_traceback() -> None:
    import traceback

    click.echo(redacted(traceback.format_exc().rstrip()), err=True)


if __name__ == "__main__":
    sys.exit(main())
