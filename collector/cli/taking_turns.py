"""Where another ``vmext collect`` runs: what is shown meanwhile, and what is told instead of an own result."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from collector.cli.ways_out import write
from collector.errors import STILL_RUNNING

if TYPE_CHECKING:
    from collector.service.turn import Running, Turn


class Waiting:
    """Called again and again while another collect runs; on a terminal it shows once that it waits, and for whom."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown

    def __call__(self, running: Running | None) -> None:
        if self._shown:
            click.echo(f"vmext: waits for {_who(running) if running else 'another collect'}", err=True)
        self._shown = False


def taken_over(turn: Turn, form: str, waited: float | None) -> int | None:
    """Prints the other run's result, or how far it is, and gives the exit code; None where we have to run."""
    if turn.result is not None:
        click.echo(f"vmext: this is what the collect of process {turn.result.pid} found meanwhile", err=True)
        write(turn.result.texts[form])
        return turn.result.code
    if turn.busy is not None:
        write(_progress(turn.busy, form, waited or 0.0))
        return STILL_RUNNING
    return None


def _progress(running: Running, form: str, waited: float) -> str:
    if form == "json":
        since = _stamp(running.since) if running.since else None
        told = {"pid": running.pid or None, "since": since, "stage": running.stage}
        place = {"source": running.source, "sources": running.sources}
        return json.dumps({"schema": 1, "running": {**told, **place}, "waited_seconds": waited})
    return (
        f"VMEXT BUSY: {_who(running)}\n"
        f"Do     run this again later, or with a longer --wait; {waited:g} seconds were waited\n"
        "no answer yet; another collect runs"
    )


def _who(running: Running) -> str:
    since = f", running since {_stamp(running.since)}" if running.since else ""
    process = f" (pid {running.pid})" if running.pid else ""
    place = f", source {running.source} of {running.sources}" if running.stage == "reading" else ""
    return f"another collect{since}{process}: {running.stage}{place}"


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
