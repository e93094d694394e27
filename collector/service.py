"""One run: lock, manners, pipeline, redaction, bundle, delivery. Whatever fails on the way, the verdict is told."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from collector import pipeline
from collector.bundle.writer import write
from collector.config import Config, load_config
from collector.deliver.spool import Spool
from collector.errors import (
    FAILURE_FOUND,
    HANG_FOUND,
    HEALTHY,
    NO_SOURCES,
    NOT_DELIVERED,
    ConfigError,
    SpoolError,
    VmextError,
)
from collector.model import BundleInfo, Delivery, Report
from collector.platforms import current
from collector.redact.patterns import HIDDEN
from collector.redact.redactor import Redactor

log = logging.getLogger(__name__)

_KEY_FILE = "redaction.key"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Run:
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


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it. `bundle` None where no folder could be written."""

    report: Report
    bundle: BundleInfo | None
    delivery: Delivery


def settings(flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None) -> Config:
    """The configuration in force on this host; ConfigError for what is wrong in it."""
    host = current()
    if file is not None and not file.is_file():
        raise ConfigError(f"--config: there is no file {file}")
    return load_config(flags, environ, file or host.config_file(), host.state_dir())


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
    if run.around and (run.since or run.until):
        raise ConfigError("--around can't be given with --since or --until", "Give either --around or --since/--until.")
    if run.since and run.until and run.since >= run.until:
        raise ConfigError("--since must be before --until")


def collect(run: Run, config: Config, now: datetime, environ: Mapping[str, str], progress: pipeline.Progress) -> Done:
    """Runs the pipeline, then redacts, writes and delivers. Problems of disk and network end in the verdict."""
    host = current()
    host.lower_priority()
    live = run.root is None
    request = pipeline.Request(
        root=run.root,
        extensions=run.extensions,
        since=run.since,
        until=run.until,
        around=run.around,
        margin=run.margin,
        time_zone=config.time_zone,
        instance=run.instance,
        bytes_per_source=config.bytes_per_source,
        probe_network=run.probe_network,
        **(_of_this_machine(environ) if live else {}),
        extra_tables=tuple(sorted((host.config_file().parent / "sources.d").glob("*.toml"))),
    )
    report = pipeline.collect(request, now, progress)
    state, trouble = _state_folder(config.state_dir)
    redactor = _redactor(_key(state), config, report)
    report = redactor.clean(report)
    if state is None:
        return Done(report, None, Delivery("skipped", error=redactor.text(trouble)))
    try:
        bundle = write(
            report,
            seal=redactor,
            audit=redactor.document,
            folder=state / "spool",
            budget_bytes=config.bytes_per_bundle,
            budget={"bytes_per_source": config.bytes_per_source, "bytes_per_bundle": config.bytes_per_bundle},
        )
    except VmextError as error:
        return Done(report, None, Delivery("skipped", error=redactor.text(str(error))))
    shown = _copied(bundle, run.output)
    delivery = _deliver(run, config, bundle, state)
    if trouble and delivery.state != "delivered":
        delivery = replace(delivery, error="; ".join(part for part in (delivery.error, trouble) if part))
    return Done(report, shown, redactor.clean(delivery))


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


def upload(config: Config) -> Iterator[tuple[BundleInfo, Delivery]]:
    """Sends every bundle of the spool, oldest first, and tells what came of each.

    Raises ConfigError without an address, SpoolError if the spool can't be used or another process sends it.
    """
    if not config.upload_url:
        raise ConfigError(
            "no endpoint is given",
            "Give --upload URL, VMEXT_UPLOAD_URL or upload_url in the configuration file.",
        )
    spool = Spool(config.state_dir / "spool", config.spool_bytes)
    with spool.lock() as mine:
        if not mine:
            raise SpoolError(f"another process is sending from {spool.folder}", "Wait until it has ended.")
        for bundle in spool.pending():
            yield bundle, _sent(config, bundle, spool)


def _sent(config: Config, bundle: BundleInfo, spool: Spool) -> Delivery:
    from collector.deliver.send import deliver

    return deliver(
        bundle,
        spool,
        str(config.upload_url),
        config.token,
        ca_bundle=config.ca_bundle,
        deadline_seconds=config.deadline_seconds,
    )


def exit_code(done: Done) -> int:
    """The documented exit code; not delivered although asked to wins."""
    if done.delivery.state == "spooled":
        return NOT_DELIVERED
    if done.bundle is None and done.delivery.error:
        return NOT_DELIVERED
    return {"failed": FAILURE_FOUND, "hanging": HANG_FOUND, "healthy": HEALTHY, "nothing-found": NO_SOURCES}[
        done.report.verdict
    ]


def _deliver(run: Run, config: Config, bundle: BundleInfo, state: Path) -> Delivery:
    spool = Spool(state / "spool", config.spool_bytes)
    spool.keep_within_quota(bundle.id)
    if not run.upload or not config.upload_url:
        return Delivery("skipped")
    return _sent(config, bundle, spool)


def _copied(bundle: BundleInfo, output: Path | None) -> BundleInfo:
    """A copy that no upload removes; it is the one whose path is told."""
    if output is None:
        return bundle
    try:
        output.mkdir(parents=True, exist_ok=True)
        temporary = output / f".{bundle.id}.partial"
        temporary.touch(mode=0o600)
        import shutil

        shutil.copyfile(bundle.path, temporary)
        copy = output / f"{bundle.id}.zip"
        temporary.replace(copy)
    except OSError as error:
        raise ConfigError(f"--output: {output} can't be written: {error.strerror}") from error
    return replace(bundle, path=copy)


def _state_folder(wanted: Path) -> tuple[Path | None, str]:
    """The state folder, private to its owner; another place and why, where it can't be written."""
    try:
        current().make_private(wanted)
        _probe(wanted)
    except OSError as error:
        reason = f"{wanted} can't be written ({error.strerror})"
    else:
        return wanted, ""
    try:
        import tempfile

        other = Path(tempfile.mkdtemp(prefix="vmext-"))
        _probe(other)
    except OSError as error:
        return None, f"{reason}, nor can a temporary folder ({error.strerror})"
    return other, reason


def _probe(folder: Path) -> None:
    """Raises OSError where a file of one block can't be written."""
    probe = folder / f".probe-{os.urandom(4).hex()}"
    try:
        probe.write_bytes(bytes(4096))
    finally:
        probe.unlink(missing_ok=True)


def _redactor(key: bytes, config: Config, report: Report) -> Redactor:
    """With what this site hides besides secrets."""
    hide = {"ids": config.hide_ids, "addresses": config.hide_addresses, "hostnames": config.hide_hostnames}
    names = (report.identity.instance_name, report.identity.computer_name, report.identity.scale_set)
    return Redactor(key, [kind for kind in HIDDEN if hide[kind]], [name for name in names if name])


def _key(state: Path | None) -> bytes:
    """The key of pseudonyms; it never leaves the instance. A fresh one where none can be kept."""
    if state is None:
        return os.urandom(_KEY_BYTES)
    file = state / _KEY_FILE
    try:
        key = file.read_bytes()
        if len(key) == _KEY_BYTES:
            return key
    except FileNotFoundError:
        log.info("a new redaction key is made in %s", state)
    except OSError as error:
        log.warning("the redaction key can't be read: %s", error.strerror)
        return os.urandom(_KEY_BYTES)
    key = os.urandom(_KEY_BYTES)
    temporary = file.with_suffix(f".{os.urandom(4).hex()}")
    try:
        temporary.touch(mode=0o600)
        temporary.write_bytes(key)
        temporary.replace(file)
    except OSError as error:
        log.warning("the redaction key can't be kept: %s", error.strerror)
    return key
