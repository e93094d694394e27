"""One run: lock, manners, pipeline, redaction, bundle, delivery. Whatever fails on the way, the verdict is told."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from collector import pipeline
from collector.bundle.console import cut
from collector.bundle.writer import copy, write
from collector.config import Config
from collector.errors import (
    FAILURE_FOUND,
    HANG_FOUND,
    HEALTHY,
    NO_SOURCES,
    NOT_DELIVERED,
    ConfigError,
    VmextError,
)
from collector.model import BY_COMMAND, BundleInfo, Delivery, Identity, LedgerEntry, Report, Trigger
from collector.platforms import current
from collector.platforms.state import elsewhere, redaction_key, state_folder
from collector.redact.hiding import redactor_of
from collector.redact.redactor import Redactor
from collector.service.made import is_key, note
from collector.service.own_tables import own_tables, whole_tables
from collector.service.sending import delivered, spool_of

_LONGEST_TRIGGER = 500  # characters

if TYPE_CHECKING:
    from collector.bundle.encryption import Recipients


class Run(NamedTuple):
    """What one collect was asked to do; times are aware, `root` None means this machine."""

    root: Path | None
    extensions: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    around: datetime | None
    margin: timedelta
    instance: str | None
    output: Path | None
    upload: bool
    probe_network: bool = False
    trigger: Trigger = BY_COMMAND
    live: bool = False  # processes of this machine work on the disk at `root`
    hang_seconds: float = 0.0  # > 0: what runs for longer hangs
    hanging: tuple[str, ...] = ()  # extensions, or extension/configuration, that were seen to hang
    config_file: Path | None = None  # the one that was given instead of the host's
    incident: str = ""  # the key by which the resident agent knows it


class Progress(pipeline.Progress, Protocol):
    """Is told what is being done as well."""

    def stage(self, name: str) -> None: ...


class Done(NamedTuple):
    """What came of it. `bundle` None where no folder could be written."""

    report: Report
    bundle: BundleInfo | None
    delivery: Delivery


def check(run: Run) -> None:
    """Raises ConfigError for what can't be asked together."""
    if run.root is not None and not run.root.is_dir():
        raise ConfigError(
            f"--root: {run.root} is no folder",
            "Give the folder that is the root of the other machine's disk.",
        )
    if run.root is not None and run.probe_network:
        raise ConfigError(
            "--probe-network asks from this machine, --root reads another machine's disk",
            "Leave out one of them.",
        )
    if run.incident and not is_key(run.incident):
        raise ConfigError(f"--incident: {run.incident!r} is no key of an incident", "It has 16 hexadecimal digits.")
    if run.live and run.root is None:
        raise ConfigError("--live is only for --root", "Leave it out: this machine is live.")
    if run.around and (run.since or run.until):
        raise ConfigError("--around can't be given with --since or --until", "Give either --around or --since/--until.")
    if run.since and run.until and run.since >= run.until:
        raise ConfigError("--since must be before --until")


def collect(
    run: Run,
    config: Config,
    now: datetime,
    environ: Mapping[str, str],
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
) -> Done:
    """Runs the pipeline, then redacts, writes and delivers. Problems of disk and network end in the verdict.

    `clock` in seconds measures how long the run took until the bundle was written.
    """
    begin = clock()
    host = current()
    to = _recipients(config)
    host.lower_priority()
    report = pipeline.collect(_request(run, config, environ, run.config_file or host.config_file()), now, progress)
    progress.stage("writing the bundle")
    state, trouble = state_folder(config.state_dir)
    redactor = redactor_of(redaction_key(state), config, _names(report.identity))
    report = redactor.clean(report)
    trigger = replace(report.trigger, text=cut(report.trigger.text, _LONGEST_TRIGGER))
    duration = timedelta(milliseconds=round(1000 * (clock() - begin)))
    report = replace(report, trigger=trigger, duration=duration)
    bundle, state, trouble = _written(report, redactor, config, to, state, trouble, run.incident)
    if bundle is None or state is None:
        return Done(report, None, Delivery("skipped", error=redactor.text(trouble)))
    progress.stage("sending the bundle" if run.upload and config.upload_url else "keeping the bundle")
    shown = _copied(bundle, run.output)
    delivery = delivered(config, bundle, state, upload=run.upload)
    if shown is bundle and delivery.state == "spooled":
        shown = replace(bundle, path=spool_of(config, state).place(bundle))
    if trouble and delivery.state != "delivered":
        delivery = replace(delivery, error="; ".join(part for part in (delivery.error, trouble) if part))
    return Done(report, shown, redactor.clean(delivery))


def _request(run: Run, config: Config, environ: Mapping[str, str], settings: Path) -> pipeline.Request:
    """`settings`: the configuration file, beside which own tables of places lie. Raises DataError for a broken one, but
    not where nobody is there to mend it."""
    broken: Sequence[LedgerEntry] = ()
    if run.trigger.kind == "watch":
        tables, broken = whole_tables(settings)
    else:
        tables = own_tables(settings)
    return pipeline.Request(
        root=run.root,
        extensions=run.extensions,
        since=run.since,
        until=run.until,
        around=run.around,
        margin=run.margin,
        time_zone=config.time_zone,
        instance=run.instance,
        bytes_per_source=config.bytes_per_source,
        ring=_ring(config.state_dir),
        trigger=run.trigger,
        probe_network=run.probe_network,
        live=run.live,
        hang_seconds=run.hang_seconds,
        hanging=run.hanging,
        **(_of_this_machine(environ) if run.root is None else {}),
        extra_tables=tuple(tables),
        broken_tables=tuple(broken),
    )


def _ring(state: Path) -> Path | None:
    """What the resident agent has kept; None where there is nothing, or others may have put something in its place."""
    try:
        if not state.is_dir():
            return None
        current().make_private(state)
    except OSError as error:
        if error.errno != errno.EROFS:  # a home that is closed to us, say
            return None
    return state / "ring"


def _written(
    report: Report,
    redactor: Redactor,
    config: Config,
    to: Recipients | None,
    state: Path | None,
    trouble: str,
    incident: str,
) -> tuple[BundleInfo | None, Path | None, str]:
    """The bundle, the folder whose spool it lies in, and what was wrong with the state folder: a disk may have room
    for a probe and none for a bundle."""
    while state is not None:
        spool = state / "spool"
        noted = partial(note, spool, incident, report.verdict) if incident else _nothing
        try:
            bundle = write(
                report,
                seal=redactor,
                audit=redactor.document,
                folder=spool,
                budget_bytes=config.bytes_per_bundle,
                budget={"bytes_per_source": config.bytes_per_source, "bytes_per_bundle": config.bytes_per_bundle},
                recipients=to,
                before_named=noted,
            )
        except VmextError as error:
            if trouble:
                return None, None, f"{trouble}; {error}"
            state, trouble = elsewhere(str(error))
        else:
            return bundle, state, trouble
    return None, None, trouble


def _nothing(bundle: BundleInfo) -> None:
    """What is to be kept of a bundle that nobody but its spool knows."""


def _names(identity: Identity) -> tuple[str | None, ...]:
    return identity.instance_name, identity.computer_name, identity.scale_set


def _recipients(config: Config) -> Recipients | None:
    """Whom bundles are encrypted to; ConfigError before anything is collected where that is not possible."""
    if not config.recipients:
        return None
    from collector.bundle.encryption import recipients

    return recipients(config.recipients)


def _of_this_machine(environ: Mapping[str, str]) -> dict[str, Any]:
    from collector.discover.carrier import own_run
    from collector.platforms.azure import MetadataService

    service = MetadataService()
    metadata = service.instance()
    return {
        "metadata": metadata,
        "own_run": own_run(environ),
        "clock_offset_seconds": service.clock_offset_seconds,
    }


def _copied(bundle: BundleInfo, output: Path | None) -> BundleInfo:
    """A copy that no upload removes; it is the one whose path is told."""
    if output is None:
        return bundle
    try:
        return copy(bundle, output)
    except OSError as error:
        raise ConfigError(f"--output: {output} can't be written: {error.strerror}") from error


def exit_code(done: Done) -> int:
    """The documented exit code; not delivered although asked to wins."""
    if done.delivery.state == "spooled":
        return NOT_DELIVERED
    if done.bundle is None and done.delivery.error:
        return NOT_DELIVERED
    return {"failed": FAILURE_FOUND, "hanging": HANG_FOUND, "healthy": HEALTHY, "nothing-found": NO_SOURCES}[
        done.report.verdict
    ]
