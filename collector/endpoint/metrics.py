"""What is counted, for Prometheus. With PROMETHEUS_MULTIPROC_DIR all processes of a host are told of by any of them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence

import psutil
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from collector.endpoint.counting import FOLDER
from collector.endpoint.pulse import Beat

__all__ = ["CONTENT_TYPE_LATEST", "forget", "text"]

_OWN = CollectorRegistry()
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)

REQUESTS = Counter("vmext_requests", "Answers", ("route", "method", "status"), registry=_OWN)
DURATION = Histogram(
    "vmext_request_seconds", "From a request to the end of its answer", ("route",), buckets=_SECONDS, registry=_OWN
)
RECEIVED = Counter("vmext_received_bytes", "Bytes of the bundles that were taken", registry=_OWN)
REFUSED = Counter("vmext_refused", "Bundles that were sent away, to come again", ("reason",), registry=_OWN)
INDEXED = Counter("vmext_indexed", "Bundles that were indexed", registry=_OWN)
DAMAGED = Counter("vmext_damaged", "Stored bundles that can't be read", registry=_OWN)
COMMITS = Counter("vmext_commits", "Transactions that put received bundles into the index", registry=_OWN)


class _Now(Collector):
    """What is looked at when somebody asks."""

    def __init__(self, beat: Beat, pool: int, pids: Sequence[int]) -> None:
        self._beat, self._pool, self._pids = beat, pool, pids

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("vmext_queue_bundles", "Bundles that wait to be indexed", self._beat.waiting)
        yield GaugeMetricFamily("vmext_queue_oldest_seconds", "How long the oldest of them waits", self._beat.oldest)
        if self._beat.room is not None:
            yield GaugeMetricFamily(
                "vmext_disk_room_bytes", "What may still be written to the fullest of the disks", self._beat.room
            )
        yield GaugeMetricFamily(
            "vmext_database_connections", "Connections to the database that the process that answers uses", self._pool
        )
        memory = GaugeMetricFamily("vmext_resident_bytes", "Memory of each process", labels=["process"])
        for pid in self._pids:
            try:
                memory.add_metric([str(pid)], psutil.Process(pid).memory_info().rss)
            except psutil.Error:
                continue
        yield memory


def text(beat: Beat, pool: int) -> bytes:
    """In Prometheus' own format."""
    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry = _copy_of(_OWN)
    registry.register(_Now(beat, pool, _family()))
    return generate_latest(registry)


def forget(pid: int) -> None:
    """A process has ended; what it counted stays."""
    if os.environ.get(FOLDER):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _copy_of(other: CollectorRegistry) -> CollectorRegistry:
    registry = CollectorRegistry()

    class Others(Collector):
        collect: Callable[[], Iterable[Metric]] = staticmethod(other.collect)

    registry.register(Others())
    return registry


def _family() -> list[int]:
    """The processes of this endpoint on this host: the first one, and those that it started."""
    above = multiprocessing.parent_process()
    first = psutil.Process(above.pid if above is not None else None)
    return [first.pid, *(child.pid for child in first.children(recursive=True))]
