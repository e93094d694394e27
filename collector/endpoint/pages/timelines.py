"""The timeline of a stored bundle, kept for whoever looks at it again: reading its events takes a tenth of a second."""

from __future__ import annotations

import threading
from collections import OrderedDict

from collector.bundle.reader import Bundle
from collector.endpoint.pages.timeline.lines import told_in
from collector.endpoint.pages.timeline.making import timeline
from collector.endpoint.pages.timeline.rows import Timeline

#: Some KB each.
_MOST = 200


def timeline_of(bundle: Bundle) -> Timeline | None:
    """None where no line tells of a step. BundleError for a damaged member."""
    facts = bundle.facts
    now = bundle.created if facts.live else None
    return timeline(told_in(bundle), bundle.failures, bundle.states, now=now, events=facts.events)


class Timelines:
    """Those that were asked for last. They never change: what is stored under a hash is always the same."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, Timeline | None] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, bundle: Bundle, sha256: str) -> Timeline | None:
        """`sha256`: of the stored bundle. BundleError for a damaged member."""
        with self._lock:
            if sha256 in self._known:
                self._known.move_to_end(sha256)
                return self._known[sha256]
        made = timeline_of(bundle)
        with self._lock:
            self._known[sha256] = made
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return made
