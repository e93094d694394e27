"""Takes bundles from the outbox and sends what they say, beside everything else that the endpoint does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from collector import __version__
from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import BUNDLES, FINDINGS, INCIDENTS, INSTANCES, SCALE_SETS
from collector.endpoint.exporting.outbox import Outbox
from collector.endpoint.exporting.records import request
from collector.endpoint.exporting.sending import Sender

log = logging.getLogger(__name__)

#: Bundles of one request. A bundle has a few findings of at most 1 KB each.
_BATCH = 50
_LOOK_SECONDS = 2.0
#: How long to wait after a fault; twice as long after each further one.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 300.0

_OF_FINDING = (
    *("bundle", "number", "rule", "kind", "extension", "version", "operation", "exit_code"),
    *("owner", "title", "message", "time"),
)
_FACTS = ("computer_name", "location", "zone", "system", "os", "image")
_QUERY = (
    sa.select(
        *(FINDINGS.c[name] for name in _OF_FINDING),
        BUNDLES.c.created,
        BUNDLES.c.received,
        INCIDENTS.c.id.label("incident"),
        INSTANCES.c.id.label("instance"),
        INSTANCES.c.name.label("instance_name"),
        INSTANCES.c.instance_id.label("instance_number"),
        *(INSTANCES.c[name] for name in _FACTS),
        SCALE_SETS.c.id.label("scale_set"),
        SCALE_SETS.c.name.label("scale_set_name"),
        SCALE_SETS.c.resource_group,
        SCALE_SETS.c.subscription,
    )
    .select_from(
        FINDINGS.join(BUNDLES, FINDINGS.c.bundle == BUNDLES.c.id)
        .join(INCIDENTS, FINDINGS.c.incident == INCIDENTS.c.number)
        .join(INSTANCES, FINDINGS.c.instance == INSTANCES.c.number)
        .join(SCALE_SETS, FINDINGS.c.scale_set == SCALE_SETS.c.number)
    )
    .order_by(FINDINGS.c.instance, FINDINGS.c.bundle, FINDINGS.c.number)
)


class Exporter:
    """One of any number: each sends bundles that no other one does. What fails is tried again."""

    def __init__(self, database: Database, sender: Sender) -> None:
        self._database = database
        self._sender = sender
        self._outbox = Outbox(database)
        self._wait = _FIRST_WAIT
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="exporter", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends after the request that it is at; what waits is sent by who comes next."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._sender.close()

    def turn(self) -> int:
        """Sends up to one batch; tells how many bundles are dealt with. Raises OSError for faults of the index."""
        bundles = self._outbox.claim(_BATCH)
        if not bundles:
            return 0
        rows = self._rows(bundles)
        sent = self._sender.send(request(rows, __version__), self._wait) if rows else None
        if sent is None or sent.taken or sent.again is None:
            if sent is not None and sent.problem:
                log.warning("%s: %s; they are not sent again", self._sender.address, sent.problem)
            self._outbox.done(bundles)
            self._wait = _FIRST_WAIT
            return len(bundles)
        log.warning("findings wait for %s, which answers: %s", self._sender.address, sent.problem)
        self._outbox.later(bundles, sent.again)
        if given_up := self._outbox.trim():
            log.warning("the findings of %d bundles are given up: too many wait", given_up)
        self._stopped.wait(sent.again)
        self._wait = min(self._wait * 2, _LONGEST_WAIT)
        return 0

    def _rows(self, bundles: Sequence[str]) -> list[Mapping[str, Any]]:
        with self._database.reading() as connection:
            found = connection.execute(_QUERY.where(FINDINGS.c.bundle.in_(bundles))).mappings()
            return [dict(row) for row in found]

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                done = self.turn()
            except OSError as error:
                log.warning("findings can't be sent now, and will be later: %s", error)
                done = 0
            if not done:
                self._stopped.wait(_LOOK_SECONDS)
