"""The stages in order: discover, then read, parse, extract and diagnose where there is something to read.

`examine` does what lies between a list of sources and findings, and is loaded only for that.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from collector import __version__
from collector.discover.facts import gather
from collector.discover.identity import identify
from collector.discover.scan import Scan, scan, system_of
from collector.discover.zone import disk_zone, named_zone
from collector.extract.window import last_hours
from collector.model import Report, System
from collector.pipeline.gone import with_gone
from collector.pipeline.ledger import ledger_of, verdict_of
from collector.pipeline.request import Progress, Request
from collector.platforms import current

__all__ = ["Progress", "Request", "collect"]


def collect(request: Request, now: datetime, progress: Progress) -> Report:
    """One run over one disk, up to its findings. Nothing is redacted yet.

    Raises ConfigError for an unknown time zone; problems of single sources stand in the ledger.
    """
    root = request.root or current().root()
    live = request.root is None or request.live
    system = system_of(root)
    found = with_gone(_found(root, system, request, now), root, request)
    found = replace(found, unfound=(*found.unfound, *request.broken_tables))
    zone = disk_zone(root, system)
    tz = named_zone(root, request.time_zone) if request.time_zone else zone.tz
    identity = identify(root, system, metadata=request.metadata, instance=request.instance)
    zone_note = "" if request.time_zone else zone.note
    facts = gather(
        live=live,
        zone=request.time_zone or zone.name,
        zone_note=zone_note,
        clock_offset_seconds=request.clock_offset_seconds,
        is_tree=request.root is not None and request.live,
    )
    ledger = ledger_of(found.sources, found.unfound)
    report = Report(
        created=now,
        agent_version=__version__,
        verdict=verdict_of((), ledger),
        identity=identity,
        system=facts,
        window=request.window or last_hours(None, now, live=live),
        findings=(),
        failures=(),
        others=(),
        events=(),
        excerpts=(),
        ledger=ledger,
        trigger=request.trigger,
    )
    if all(source.problem is not None for source in found.sources):
        return report
    current().lower_io_priority()
    from collector.pipeline.examine import examine

    return examine(report, found, request, tz, progress)


def _found(root: Path, system: System, request: Request, now: datetime) -> Scan:
    """What lies on the disk and, on Windows, what the registry and the event logs say."""
    if system != "windows":
        return scan(root, system, request.extensions, request.extra_tables)
    from collector.discover.handler_registry import handler_states
    from collector.pipeline.event_logs import with_event_logs

    registry = handler_states(root, request.extensions)
    found = scan(root, system, request.extensions, request.extra_tables, registry.states)
    found = replace(found, unfound=(*found.unfound, *registry.entries))
    return with_event_logs(found, root, request.window, now)
