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
from collector.bundle.encryption import Recipients
from collector.bundle.writer import copy, write
from collector.config import Config, load_config
from collector.deliver.spool import Spool
from collector.deliver.targets import kind_of, shown
from collector.errors import (
    FAILURE_FOUND,
    HANG_FOUND,
    HEALTHY,
    NO_SOURCES,
    NOT_DELIVERED,
    ConfigError,
    VmextError,
)
from collector.model import BundleInfo, Delivery, Report
from collector.platforms import current
from collector.redact.redactor import Redactor

log = logging.getLogger(__name__)

_KEY_FILE = "redaction.key"
_KEY_BYTES = 32
_MOST_FAILED_IN_A_ROW = 3


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
    config = load_config(flags, environ, file or host.config_file(), host.state_dir())
    if config.upload_url:
        kind_of(config.upload_url, config.token)
    return config


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
    to = _recipients(config)
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
    redactor = Redactor(_key(state))
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
            recipients=to,
        )
    except VmextError as error:
        return Done(report, None, Delivery("skipped", error=redactor.text(str(error))))
    shown = _copied(bundle, run.output)
    delivery = _deliver(run, config, bundle, state)
    if shown is bundle and delivery.state == "spooled":
        shown = replace(bundle, path=_spool(config, state).place(bundle))
    if trouble and delivery.state != "delivered":
        delivery = replace(delivery, error="; ".join(part for part in (delivery.error, trouble) if part))
    return Done(report, shown, redactor.clean(delivery))


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


def upload(config: Config) -> Iterator[tuple[BundleInfo, Delivery]]:
    """Sends every bundle of the spool, oldest first, and tells what came of each.

    After a few failures in a row the endpoint counts as out of reach, and the others wait for the next time.
    Raises ConfigError without an address, SpoolError if the spool can't be read.
    """
    if not config.upload_url:
        raise ConfigError(
            "no endpoint is given",
            "Give --upload URL, VMEXT_UPLOAD_URL or upload_url in the configuration file.",
        )
    from collector.deliver.send import wait_spread

    spool = _spool(config, config.state_dir)
    failed = 0
    for number, bundle in enumerate(spool.pending()):
        if number == 0:
            wait_spread(config.spread_seconds)
        if not spool.waits(bundle):
            continue  # another process has sent it meanwhile
        if failed >= _MOST_FAILED_IN_A_ROW:
            yield bundle, Delivery("spooled", shown(config.upload_url), error="not tried after the failures before.")
            continue
        delivery = _sent(config, bundle, spool, patience=0.0)
        if delivery.state != "skipped":
            failed = failed + 1 if delivery.state == "spooled" and spool.waits(bundle) else 0
        yield bundle, delivery


def _spool(config: Config, state: Path) -> Spool:
    return Spool(state / "spool", config.spool_bytes, config.spool_days * 86_400)


def _sent(config: Config, bundle: BundleInfo, spool: Spool, patience: float | None = None) -> Delivery:
    from collector.deliver.send import deliver
    from collector.deliver.targets.network import Network

    return deliver(
        replace(bundle, labels=_labels(bundle)),
        spool,
        str(config.upload_url),
        config.token,
        identity_client_id=config.identity_client_id,
        identity_resource_id=config.identity_resource_id,
        deadline_seconds=config.deadline_seconds,
        network=Network(config.ca_bundle, config.proxy, config.client_cert, config.client_key),
        patience=patience,
    )


def part(config: Config, number: int, total: int | None, bundle: str | None, now: float) -> str:
    """Part `number` of the core of `bundle`, or of the newest one that waits here. Nothing is collected: the core is
    made with the first part and kept, so that the parts fit together.

    Raises ConfigError where there is no such bundle or part, BundleError where the bundle can't be read.
    """
    from collector.bundle.core_store import CoreStore
    from collector.bundle.parts import count, part_text

    store = CoreStore(config.state_dir / "cores")
    waiting = {info.id: info for info in Spool(config.state_dir / "spool", config.spool_bytes).pending()}
    newest = next(reversed(waiting), None)
    wanted = bundle or ((newest or store.newest()) if number == 1 else (store.newest() or newest))
    if wanted is None:
        raise ConfigError(f"no bundle waits in {config.state_dir}", "Run vmext collect there first.")
    core = store.get(wanted)
    if core is None:
        core = _core(config, wanted, waiting.get(wanted))
        store.keep(wanted, core, now)
    elif number == 1:
        store.begun(wanted, now)
    known = count(len(core))
    if number > known or total not in (None, known):
        asked = f"{number}/{total}" if total else str(number)
        raise ConfigError(f"the core of bundle {wanted} has {known} parts, and no part {asked}", "Begin with --part 1.")
    return part_text(core, wanted, number)


def _core(config: Config, wanted: str, stored: BundleInfo | None) -> bytes:
    from collector.bundle.core import core_bundle
    from collector.bundle.reader import glance

    if stored is None:
        hint = "Leave --bundle out for the newest one, or run vmext collect there again."
        raise ConfigError(f"bundle {wanted} does not wait in {config.state_dir} any more", hint)
    state = config.state_dir if config.state_dir.is_dir() else None
    return core_bundle(glance(stored.path), stored, Redactor(_key(state)))


def _labels(bundle: BundleInfo) -> tuple[tuple[str, str], ...]:
    """What a store keeps beside the bundle, so that it can be listed without opening each."""
    from collector.bundle.reader import glance

    try:
        opened = glance(bundle.path)
        instance = opened.identity.instance_name or opened.identity.computer_name
        return (("instance", instance or ""), ("verdict", opened.verdict), ("created", opened.created.isoformat()))
    except (VmextError, OSError) as error:
        log.info("bundle %s goes without labels: %s", bundle.id, error)
        return ()


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
    spool = _spool(config, state)
    spool.keep_within_quota(bundle.id, _verdict_of)
    if not run.upload or not config.upload_url:
        return Delivery("skipped")
    from collector.deliver.send import wait_spread

    wait_spread(config.spread_seconds)
    delivery = _sent(config, bundle, spool)
    return replace(delivery, state="spooled") if delivery.state == "skipped" else delivery


def _verdict_of(file: Path) -> str | None:
    """What a bundle of the spool tells, for the choice of what has to go."""
    from collector.bundle.reader import glance

    try:
        return glance(file).verdict
    except VmextError:
        return None


def _copied(bundle: BundleInfo, output: Path | None) -> BundleInfo:
    """A copy that no upload removes; it is the one whose path is told."""
    if output is None:
        return bundle
    try:
        return copy(bundle, output)
    except OSError as error:
        raise ConfigError(f"--output: {output} can't be written: {error.strerror}") from error


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
