"""The machine at the time of a failure: what is asked only where there is one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

from collector.discover.facts import gather_more
from collector.model import Failure, Report, Source, SystemFacts, Window
from collector.pipeline.ledger import EVENTS
from collector.pipeline.request import Request
from collector.pipeline.system_log import system_events
from collector.platforms import current

log = logging.getLogger(__name__)


def machine_at(
    report: Report,
    failures: Sequence[Failure],
    window: Window,
    zone: tzinfo | None,
    request: Request,
    sources: Sequence[Source] = (),
) -> SystemFacts:
    """The report's facts with all that can explain the failures. What can't be told is left out, never raised.

    `sources`: what was found, of which event logs tell of the machine."""
    root = request.root or current().root()
    facts = report.system
    if request.probe_network and facts.live:
        facts = _probed(facts, failures)
    hanging = {failure.extension for failure in failures if failure.kind == "hang"}
    is_tree = request.root is not None and request.live
    facts = gather_more(facts, root, is_tree=is_tree, hanging=hanging)
    system = report.identity.system
    try:
        live = facts.live and not is_tree
        until = _until_now(window, failures)
        asked = [source for source in sources if source.format == EVENTS]
        told = system_events(root, system, until, zone, live=live, now=report.created, asked=asked)
    except OSError as error:
        log.warning("the system's own logs can't be read: %s", error)
        return replace(facts, events_note=f"the system's own logs can't be read: {error.strerror or error}")
    return replace(facts, events=told.events, events_note=told.note)


def _until_now(window: Window, failures: Sequence[Failure]) -> Window:
    """What never ended may have been ended by anything since: up to the end of the logs."""
    return replace(window, end=None) if any(failure.kind == "hang" for failure in failures) else window


def _probed(facts: SystemFacts, failures: Sequence[Failure]) -> SystemFacts:
    from collector.discover.probes import hosts_in, probe

    found = probe(hosts_in(text for failure in failures for text in (failure.message, failure.detail)))
    offset = found.clock_offset_seconds
    return replace(
        facts, probes=found.facts, clock_offset_seconds=facts.clock_offset_seconds if offset is None else offset
    )
