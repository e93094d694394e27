"""Puts the parts of the resident agent together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from collector.config import Config, WatchConfig
from collector.discover.carrier import scripts_beside
from collector.discover.catalog import OwnTable
from collector.discover.folders import folders_to_watch
from collector.discover.scan import system_of
from collector.discover.zone import disk_zone, named_zone
from collector.extract.carriers import calls_vmext
from collector.model import System
from collector.platforms import current
from collector.read.keeping.recent import Recent
from collector.read.keeping.ring import Ring
from collector.read.tailing.tail import TailLimits, Tails
from collector.redact.redactor import Redactor
from collector.watch.agent_life import AgentLife
from collector.watch.agent_processes import AgentProcesses
from collector.watch.bursts import Bursts
from collector.watch.console import Console, find_device
from collector.watch.incident import Incidents
from collector.watch.judging import Judge
from collector.watch.limits import CpuShare
from collector.watch.loop import Clock, Loop
from collector.watch.notebook import Notebook, Remembering
from collector.watch.order import Order
from collector.watch.own_log import is_own
from collector.watch.reports import Reports
from collector.watch.sources import Sources
from collector.watch.status import FOLDER
from collector.watch.waking import Waker

_CHECKPOINT, _NOTEBOOK, RING = "checkpoint.json", "notebook.json", "ring"


def assemble(
    order: Order,
    config: Config,
    redactor: Redactor,
    clock: Clock,
    tails_of: Callable[..., Tails] = Tails,
    tables: tuple[OwnTable, ...] = (),
) -> Loop:
    """A loop that has not begun. `tails_of` makes what follows the logs, `tables` are those of one's own.

    Raises ConfigError for an unknown time zone.
    """
    host, watch, state = current(), config.watch, config.state_dir
    root = order.root or host.root()
    system = system_of(root)
    ring = _ring(config, root)
    own, limits = state / FOLDER, TailLimits(most_open=watch.most_open_files)
    tails = tails_of(own / _CHECKPOINT, limits=limits, first_number=ring.newest_stream + 1)
    zone = named_zone(root, config.time_zone) if config.time_zone else disk_zone(root, system).tz
    sources = Sources(
        root,
        system,
        zone,
        tails,
        ring,
        redactor,
        tables=tables,
        is_own=is_own(state),
        is_fresh=tails.start != "continued",
        clock=clock.monotonic,
        recent=Recent(watch.ring_bytes_per_source),
    )
    judge = _judge(system, watch, sources)
    incidents = Incidents(watch.related_seconds, watch.held_seconds)
    agent = AgentLife()
    kept: dict[str, Remembering] = {
        "judge": (judge.dump, judge.load),
        "incidents": (incidents.dump, lambda state: incidents.load(state, clock.monotonic())),
        "states": (sources.dump, sources.load),
        "agent": (agent.dump, agent.load),
    }
    return Loop(
        clock=clock,
        config=watch,
        sources=sources,
        judge=judge,
        incidents=incidents,
        reports=_reports(order, config),
        waker=Waker(poll=watch.poll, poll_seconds=watch.poll_seconds, most_watches=watch.most_inotify_watches),
        agent=agent,
        agent_processes=AgentProcesses() if order.root is None else None,
        share=CpuShare(watch.cpu_percent),
        redactor=redactor,
        folders=lambda: folders_to_watch(root, system, tables),
        notebook=Notebook(own / _NOTEBOOK, kept, lambda values: redactor.dumped(values, json.dumps)),
        console=Console(find_device(watch.console_device)) if watch.console else None,
        tell=order.tell,
    )


def _judge(system: System, watch: WatchConfig, sources: Sources) -> Judge:
    return Judge(
        system,
        hang_seconds=watch.hang_seconds,
        bursts=Bursts(watch.burst_errors, watch.burst_seconds),
        carries_us=lambda run: calls_vmext(scripts_beside(sources.found).get(run, "")),
    )


def _ring(config: Config, root: Path) -> Ring:
    watch = config.watch
    return Ring(
        config.state_dir / RING,
        str(root),
        bytes_per_stream=watch.ring_bytes_per_source,
        bytes_total=watch.ring_bytes,
        days=watch.ring_days,
    )


def _reports(order: Order, config: Config) -> Reports:
    environ = {**order.environ, "VMEXT_STATE_DIR": str(config.state_dir)}
    upload = ["--config", str(order.config_file)] if order.config_file is not None else []
    spool = config.state_dir / "spool"
    return Reports(spool, collect_arguments(order, config), upload, environ, sends=bool(config.upload_url))


def collect_arguments(order: Order, config: Config) -> list[str]:
    """What a collect of this agent's is told, besides the incident and `Order.environ`: the same disk, the same
    settings where no variable stands for them, and when an operation hangs."""
    arguments: list[str] = []
    if order.root is not None:
        arguments += ["--root", str(order.root), "--live"]
    if order.instance:
        arguments += ["--instance", order.instance]
    if order.config_file is not None:
        arguments += ["--config", str(order.config_file)]
    if config.time_zone:
        arguments += ["--timezone", config.time_zone]
    if config.watch.hang_seconds:
        arguments += ["--hang-seconds", f"{config.watch.hang_seconds:g}"]
    return arguments
