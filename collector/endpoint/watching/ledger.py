"""What the index knows of one watched place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.stores_tables import WATCHED, WATCHED_FILES
from collector.endpoint.database.tables import BUNDLES, QUEUE
from collector.endpoint.indexing.rows import Row
from collector.endpoint.intake.committing import insert_bundles
from collector.endpoint.reading.bundles import now
from collector.endpoint.watching.taking import Taken

_NAMES_AT_ONCE = 500
_LONG_AGO = datetime.fromtimestamp(0, now().tzinfo)


@dataclass(frozen=True, slots=True)
class Known:
    mark: str
    gone: bool


class Ledger:
    """Every method raises OSError for faults of the database."""

    def __init__(self, database: Database, name: str) -> None:
        """`name`: the place's address."""
        self._database = database
        self.name = name
        insert = database.insert(WATCHED).values(name=name, held_until=_LONG_AGO).on_conflict_do_nothing()
        with database.writing() as connection:
            connection.execute(insert)
            query = sa.select(WATCHED.c.number).where(WATCHED.c.name == name)
            self.number: int = connection.execute(query).scalar_one()

    def hold(self, holder: str, seconds: float) -> bool:
        """Whether `holder` is the one who watches now, for so many seconds from now on."""
        moment = now()
        free = sa.or_(WATCHED.c.holder == holder, WATCHED.c.held_until < moment)
        change = sa.update(WATCHED).where(WATCHED.c.number == self.number, free)
        with self._database.writing() as connection:
            done = connection.execute(change.values(holder=holder, held_until=moment + timedelta(seconds=seconds)))
            return bool(done.rowcount)

    def release(self, holder: str) -> None:
        """Another one may watch at once."""
        change = sa.update(WATCHED).where(WATCHED.c.number == self.number, WATCHED.c.holder == holder)
        with self._database.writing() as connection:
            connection.execute(change.values(held_until=_LONG_AGO))

    def passed(self) -> None:
        """It was gone through from end to end."""
        self._tell(listed=now(), problem="")

    def failed(self, problem: str) -> None:
        """Why the place could not be looked at, for people; what was known of it stays. Raises OSError."""
        self._tell(problem=problem[:300])

    def _tell(self, **values: object) -> None:
        with self._database.writing() as connection:
            connection.execute(sa.update(WATCHED).where(WATCHED.c.number == self.number).values(**values))

    def known(self, names: Sequence[str]) -> Mapping[str, Known]:
        """What is known of these files, by name; one that was never seen is not in it. Raises OSError."""
        found: dict[str, Known] = {}
        columns = sa.select(WATCHED_FILES.c.name, WATCHED_FILES.c.mark, WATCHED_FILES.c.gone)
        with self._database.reading() as connection:
            for some in _parts(names):
                query = columns.where(WATCHED_FILES.c.place == self.number, WATCHED_FILES.c.name.in_(some))
                found |= {row.name: Known(row.mark, row.gone) for row in connection.execute(query)}
        return found

    def present(self) -> int:
        """How many files were there when it was last looked at."""
        query = sa.select(sa.func.count()).select_from(WATCHED_FILES)
        with self._database.reading() as connection:
            found = connection.execute(query.where(WATCHED_FILES.c.place == self.number, ~WATCHED_FILES.c.gone))
            return int(found.scalar_one())

    def names(self) -> Iterator[Sequence[str]]:
        """Those that were there when it was last looked at, some at a time."""
        last = ""
        while True:
            query = sa.select(WATCHED_FILES.c.name).where(
                WATCHED_FILES.c.place == self.number, ~WATCHED_FILES.c.gone, WATCHED_FILES.c.name > last
            )
            with self._database.reading() as connection:
                some = connection.execute(query.order_by(WATCHED_FILES.c.name).limit(_NAMES_AT_ONCE)).scalars().all()
            if not some:
                return
            last = some[-1]
            yield some

    def waiting(self) -> int:
        """How many bundles wait to be indexed."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(QUEUE)).scalar_one())

    def write(self, taken: Sequence[Taken]) -> None:
        """Files and bundles in one transaction: a kill leaves both or neither."""
        bundles = [one.bundle for one in taken if one.bundle]
        with self._database.writing() as connection:
            first = insert_bundles(self._database, connection, bundles) if bundles else {}
            rows = [self._row(one, first) for one in taken]
            insert = self._database.insert(WATCHED_FILES)
            told = [column.name for column in WATCHED_FILES.c if not column.primary_key]
            changes = {name: insert.excluded[name] for name in told}
            connection.execute(insert.on_conflict_do_update(index_elements=["place", "name"], set_=changes), rows)
            self._bring_back(connection, [row["sha256"] for row in rows if row["sha256"]])

    def _row(self, one: Taken, first: Mapping[str, Row]) -> Row:
        row = one.file | {"place": self.number}
        if one.bundle and first[one.bundle["id"]]["sha256"] != one.bundle["sha256"]:
            problem = f"another bundle has its id {one.bundle['id']} already"
            row |= {"state": "problem", "problem": problem, "sha256": None}
        return row

    def returned(self, names: Sequence[str]) -> None:
        """Files that were gone are there again, as they were."""
        files = WATCHED_FILES
        with self._database.writing() as connection:
            for some in _parts(names):
                of_these = sa.and_(files.c.place == self.number, files.c.name.in_(some))
                connection.execute(sa.update(files).where(of_these).values(gone=False))
                found = connection.execute(sa.select(files.c.sha256).where(of_these, files.c.sha256.is_not(None)))
                self._bring_back(connection, list(found.scalars()))

    def _bring_back(self, connection: sa.Connection, hashes: Sequence[str]) -> None:
        """Bundles of these hashes are not gone any more."""
        for some in _parts(hashes):
            gone = sa.and_(BUNDLES.c.sha256.in_(some), BUNDLES.c.state == "gone")
            read = sa.update(BUNDLES).where(gone, BUNDLES.c.instance.is_not(None))
            connection.execute(read.values(state="indexed", problem=""))
            unread = sa.update(BUNDLES).where(gone).values(state="waiting", problem="").returning(BUNDLES.c.id)
            waiting = [{"bundle": row.id, "due": now()} for row in connection.execute(unread).all()]
            if waiting:
                connection.execute(self._database.insert(QUEUE).on_conflict_do_nothing(), waiting)

    def gone(self, names: Collection[str], keeps: Collection[str] = ()) -> None:
        """These files are not there any more. Their bundles are told as gone, but for the hashes in `keeps` and what
        lies in another place as well."""
        files = WATCHED_FILES
        other = files.alias()
        with self._database.writing() as connection:
            for some in _parts(sorted(names)):
                of_these = sa.and_(files.c.place == self.number, files.c.name.in_(some))
                connection.execute(sa.update(files).where(of_these).values(gone=True))
                elsewhere = sa.exists().where(other.c.sha256 == files.c.sha256, ~other.c.gone)
                lost = sa.select(files.c.sha256).where(of_these, files.c.sha256.is_not(None), ~elsewhere)
                hashes = set(connection.execute(lost).scalars()) - set(keeps)
                change = sa.update(BUNDLES).where(BUNDLES.c.sha256.in_(hashes))
                connection.execute(change.values(state="gone", problem=f"it was removed from {self.name}"[:300]))
                unread = sa.select(BUNDLES.c.id).where(BUNDLES.c.sha256.in_(hashes))
                connection.execute(sa.delete(QUEUE).where(QUEUE.c.bundle.in_(unread)))

    def hashes(self, names: Sequence[str]) -> set[str]:
        """Of the bundles among these files."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for some in _parts(names):
                query = sa.select(WATCHED_FILES.c.sha256).where(
                    WATCHED_FILES.c.place == self.number,
                    WATCHED_FILES.c.name.in_(some),
                    WATCHED_FILES.c.sha256.is_not(None),
                )
                found.update(connection.execute(query).scalars())
        return found


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _NAMES_AT_ONCE):
        yield names[start : start + _NAMES_AT_ONCE]
