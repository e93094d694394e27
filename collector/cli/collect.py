"""``vmext collect``: find the failed extension, write one redacted bundle, hand it over, print the verdict."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from collector.cli import EXIT_CODES
from collector.cli.hiding import hidden, hiding_options
from collector.cli.progress import Progress
from collector.cli.taking_turns import Waiting, taken_over
from collector.cli.visible import warn_of_visible
from collector.cli.ways_out import WaysOut, form_of, part_printed, verdicts, ways_out, write
from collector.model import BY_COMMAND, Trigger

if TYPE_CHECKING:
    from collector.config import Config
    from collector.service.run import Run


@click.command(epilog=EXIT_CODES)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="Treat DIR as the root of another machine's disk.",
    metavar="DIR",
)
@click.option(
    "--extension", "extensions", multiple=True, metavar="NAME", help="Only this extension (glob; repeatable)."
)
@click.option("--since", metavar="TIME", help="Start of the window: ISO 8601, or 90m, 2h, 3d ago.")
@click.option("--until", metavar="TIME", help="End of the window.")
@click.option("--around", metavar="TIME", help="Middle of the window.")
@click.option(
    "--margin",
    metavar="LENGTH",
    default="15m",
    show_default=True,
    help="Around --around, and around the evidence.",
)
@click.option("--timezone", "time_zone", metavar="ZONE", help="Zone of local stamps: Europe/Berlin, UTC, +05:30.")
@click.option("--instance", metavar="NAME", help="Name of the instance, where nothing on the disk tells it.")
@click.option(
    "--probe-network",
    is_flag=True,
    help="After a failure, ask the wire server, the metadata service and the hosts it names whether they answer.",
)
@click.option("--live", is_flag=True, hidden=True)  # given by the resident agent
@click.option("--hang-seconds", type=click.FloatRange(min=0), default=0.0, hidden=True)
@click.option("--hanging", multiple=True, hidden=True)
@hiding_options
@click.option(
    "--upload",
    "upload_url",
    metavar="URL",
    help="An endpoint, Azure Blob (SAS or managed identity), S3 (presigned) or a folder.",
)
@click.option("--token-file", metavar="FILE", help="File that holds the endpoint's token.")
@click.option("--token", help="The token itself; others on this machine can see it.")
@click.option(
    "--spread", "spread_seconds", type=float, metavar="SECONDS", help="Wait for a random part of it before sending."
)
@click.option("--no-upload", is_flag=True, help="Only write the bundle.")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="DIR", help="Put a copy of the bundle there as well."
)
@click.option(
    "--encrypt-to",
    "encrypt_to",
    multiple=True,
    metavar="KEY|FILE",
    help="Encrypt the bundle to this public key (age1...), or to those of a file; repeatable.",
)
@click.option("--state-dir", type=click.Path(path_type=Path), metavar="DIR", help="Spool, locks and the redaction key.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="Configuration file.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait so long where another collect runs, and report its result if it was asked for the same; "
    "without it, to its end.",
)
@click.option("--trigger", hidden=True, help="What the resident agent noticed.")
@click.option("--incident", default="", hidden=True, help="The key by which it knows the incident.")
@ways_out
@click.pass_context
def command(
    ctx: click.Context,
    /,
    root: Path | None,
    extensions: tuple[str, ...],
    since: str | None,
    until: str | None,
    around: str | None,
    margin: str,
    instance: str | None,
    probe_network: bool,
    live: bool,
    hang_seconds: float,
    hanging: tuple[str, ...],
    no_upload: bool,
    output: Path | None,
    encrypt_to: tuple[str, ...],
    config_file: Path | None,
    form: str,
    trigger: str | None,
    incident: str,
    wait: float | None,
    ways: WaysOut,
    **settings: Any,  # each overrides one of the configuration
) -> None:
    """Find out what failed, write one redacted bundle, upload it, print the verdict.

    Without --since, --until or --around the window comes from the evidence: the newest failed or unfinished
    status file, handler status or terminal-state line; without any, it is the last 2 hours.
    """
    from collector.cli.own_log import tell_warnings
    from collector.extract.window import moment, span
    from collector.service.configuration import settings as effective
    from collector.service.run import Run, check

    if part_printed(ways, form, settings["state_dir"], config_file):
        return
    now = datetime.now(timezone.utc)
    tell_warnings()
    warn_of_visible(settings["token"], settings["upload_url"])
    run = Run(
        root=root,
        extensions=extensions,
        since=moment(since, now, "--since") if since else None,
        until=moment(until, now, "--until") if until else None,
        around=moment(around, now, "--around") if around else None,
        margin=span(margin, "--margin"),
        instance=instance,
        output=output,
        upload=not no_upload,
        probe_network=probe_network,
        trigger=Trigger("watch", trigger) if trigger is not None else BY_COMMAND,
        live=live,
        hang_seconds=hang_seconds,
        hanging=hanging,
        config_file=config_file,
        incident=incident,
    )
    check(run)
    config = effective({**settings, **_recipients(encrypt_to), **hidden(ctx)}, os.environ, config_file)
    ctx.exit(_in_turn(run, config, now, (since, until, around), form_of(form, ways), wait))


def _in_turn(
    run: Run, config: Config, now: datetime, window: tuple[str | None, ...], form: str, wait: float | None
) -> int:
    """Waits for a run that is under way, takes its result over or collects, prints the verdict; the exit code."""
    from collector.service.made import made
    from collector.service.run import collect, exit_code
    from collector.service.turn import Steps, asked
    from collector.service.turn import turn as one_at_a_time

    seen = sys.stderr.isatty()
    wanted = partial(asked, run, config, window)
    with one_at_a_time(config.state_dir, wanted, form, wait, Waiting(shown=seen)) as turn:
        if (code := taken_over(turn, form, wait)) is not None:
            return code
        if run.incident and (before := made(config, run.incident, upload=run.upload)) is not None:
            write(before.text)
            return before.code
        with Progress(shown=seen) as progress:
            done = collect(run, config, now, os.environ, Steps(turn, progress))
        texts, code = verdicts(done, form), exit_code(done)
        turn.finished(code, done.bundle.id if done.bundle else None, texts)
    write(texts[form])
    return code


def _recipients(encrypt_to: tuple[str, ...]) -> dict[str, object]:
    """Keys, and files of keys, instead of all that the configuration says."""
    if not encrypt_to:
        return {}
    from collector.bundle.encryption import key_lines

    keys = [
        key for given in encrypt_to for key in ([given] if _is_key(given) else key_lines(Path(given), "--encrypt-to"))
    ]
    return {"recipients": keys, "recipients_file": ""}


def _is_key(given: str) -> bool:
    """What can't be a file's name is a key, if a wrong one."""
    return given.startswith("age1") or given.upper().startswith("AGE-SECRET-KEY")
