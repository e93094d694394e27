"""Leave to put a bundle into the store without us: a short-lived address, and the check of what came there.

    grants/ab/SHA256.zip   in the store, until it is confirmed or its time is over

The store promises neither size nor SHA-256 of what somebody puts at such an address, so a confirmed bundle is read once
from there, checked as one that came by us, and stored in its place by us: whoever has the address can change what lies
there until it expires.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.stores_tables import GRANTS
from collector.endpoint.stores.incoming import Incoming
from collector.endpoint.stores.place import Place
from collector.model import iso

log = logging.getLogger(__name__)

#: Seconds that an address is good for; then for as long again until what nobody confirmed is removed.
GRANT_SECONDS = 900
#: What is granted at a time: one more would be one that nobody pays for.
_MOST_OPEN = 10_000
_CLEANED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Grant:
    bundle_id: str
    sha256: str
    bytes: int


class SizeError(Exception):
    """What was put there is not as long as was said."""


class Grants:
    """Every method raises OSError for faults of the index and of the store."""

    def __init__(
        self,
        database: Database,
        place: Place,
        *,
        offered: bool,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._now = now
        self._database = database
        self._place = place
        self._offered = offered

    def begin(self, bundle_id: str, sha256: str, size: int) -> dict[str, Any] | None:
        """What the sender needs; None where none are given: it is not wished, the store can't, or too many are open."""
        signed = self._place.upload_address(_name(sha256), GRANT_SECONDS) if self._offered else None
        if signed is None:
            return None
        now = self._now()
        expires = now + timedelta(seconds=GRANT_SECONDS)
        row = {"sha256": sha256, "bundle": bundle_id, "bytes": size, "expires": expires}
        insert = self._database.insert(GRANTS).values(row)
        changes = {name: insert.excluded[name] for name in ("bundle", "bytes", "expires")}
        with self._database.writing() as connection:
            if connection.execute(sa.select(sa.func.count()).select_from(GRANTS)).scalar_one() >= _MOST_OPEN:
                return None
            connection.execute(insert.on_conflict_do_update(index_elements=["sha256"], set_=changes))
        self._clean(now)
        url, headers = signed
        return {
            "method": "PUT",
            "url": url,
            "headers": headers,
            "expires": iso(expires),
            "confirm": f"/v1/grants/{sha256}/confirm",
            "is_there": self._is_there(sha256, size),
        }

    def find(self, sha256: str) -> Grant | None:
        """None where none was given for this bundle, or it was used. Raises OSError."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(GRANTS).where(GRANTS.c.sha256 == sha256)).first()
        return Grant(row.bundle, row.sha256, row.bytes) if row else None

    def fetch(self, grant: Grant, whole: Incoming) -> None:
        """Reads what was put there. Raises SizeError before more is read than was said, FileNotFoundError."""
        for piece in self._place.pieces(_name(grant.sha256)):
            if whole.size + len(piece) > grant.bytes:
                raise SizeError(f"what was put there has more than the {grant.bytes} bytes that were announced")
            whole.write(piece)
        if whole.size != grant.bytes:
            raise SizeError(f"what was put there has {whole.size} bytes, not {grant.bytes}")

    def drop(self, sha256: str) -> None:
        """What was put there goes, and the grant with it."""
        self._place.remove([_name(sha256)])
        with self._database.writing() as connection:
            connection.execute(sa.delete(GRANTS).where(GRANTS.c.sha256 == sha256))

    def _is_there(self, sha256: str, size: int) -> bool:
        """Whether a try before has put it there, so that only the confirmation was lost."""
        found = [one for chunk in self._place.listing("grants/" + sha256[:2]) for one in chunk]
        return any(one.name == _name(sha256) and one.bytes == size for one in found)

    def _clean(self, now: datetime) -> None:
        """A few at each new one, so that they go as fast as they come."""
        until = now - timedelta(seconds=GRANT_SECONDS)
        expired = sa.select(GRANTS.c.sha256).where(GRANTS.c.expires < until).limit(_CLEANED_AT_ONCE)
        with self._database.reading() as connection:
            left = list(connection.execute(expired).scalars())
        if left:
            log.info("%s grants were not used", len(left))
            self._place.remove([_name(one) for one in left])
            with self._database.writing() as connection:
                connection.execute(sa.delete(GRANTS).where(GRANTS.c.sha256.in_(left), GRANTS.c.expires < until))


def _name(sha256: str) -> str:
    return f"grants/{sha256[:2]}/{sha256}.zip"
