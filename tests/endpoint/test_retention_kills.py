"""Retention on an index of hundreds of bundles: killed, twice at once, in object stores, beside watched places."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from collector.endpoint.access.audit import now
from collector.endpoint.database.access_tables import AUDIT, LEASES
from collector.endpoint.database.engine import Database
from collector.endpoint.database.expected_tables import LISTS
from collector.endpoint.database.migrate import migrate
from collector.endpoint.database.retention_tables import UNSETTLED
from collector.endpoint.database.stores_tables import WATCHED_FILES
from collector.endpoint.database.tables import BUNDLES, FINDINGS, SCALE_SETS
from collector.endpoint.retention.choosing import Limits, chosen
from collector.endpoint.retention.deleting import delete
from collector.endpoint.retention.settling import drop_empty, settle
from collector.endpoint.settings import Settings
from collector.endpoint.stores.folder import FolderStore
from tests.collecting import collect, failing_disk, vmext
from tests.endpoint.clouds import Cloud
from tests.endpoint.filling import fill
from tests.endpoint.running import endpoint
from tests.endpoint.told import told
from tests.waiting import until

BUNDLES_ALL, GO = 240, 160


@dataclass
class Site:
    """An index of `BUNDLES_ALL` bundles whose files lie in a store; the oldest `GO` are to go."""

    data: Path
    database: Database
    options: tuple[str, ...]
    names: Callable[[], list[str]]
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def command(self) -> list[str]:
        with self.database.reading() as connection:
            received = connection.execute(sa.select(BUNDLES.c.received).order_by(BUNDLES.c.received)).scalars().all()
        days = _days_since(received[-(BUNDLES_ALL - GO)])
        return ["endpoint", "--data", str(self.data), *self.options, "--keep-days", f"{days:.9f}", "retention"]

    def begin(self) -> subprocess.Popen[bytes]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("VMEXT_")}
        run = [sys.executable, "-m", "collector", *self.command]
        return subprocess.Popen(run, env=clean | self.environ, stdout=subprocess.DEVNULL)

    def rows(self) -> set[str]:
        with self.database.reading() as connection:
            return set(connection.execute(sa.select(BUNDLES.c.sha256)).scalars())

    def files(self) -> set[str]:
        return {name.rpartition("/")[2].removesuffix(".zip") for name in self.names()}

    def let_go(self) -> None:
        """What a killed process holds is over by itself after some seconds: a test need not wait for it."""
        with self.database.writing() as connection:
            connection.execute(sa.delete(LEASES))


@pytest.fixture(params=["sqlite", "postgresql", "azure", "s3"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    options: tuple[str, ...] = ()
    if request.param == "postgresql":
        options = ("--database", request.getfixturevalue("postgresql").new())
    with closing(Database(Settings(data, options[1] if options else None).database_url)) as database:
        migrate(database)
        fill(database, bundles=BUNDLES_ALL, findings=4)
        place = Site(data, database, options, list)
        if request.param in ("azure", "s3"):
            cloud: Cloud = request.getfixturevalue("clouds")[request.param]
            url = cloud.new()
            for sha256 in place.rows():
                cloud.put(url, f"objects/{sha256[:2]}/{sha256}.zip", b"a bundle")
            place = Site(data, database, ("--store", url), lambda: cloud.names(url), cloud.environ)
        else:
            store = FolderStore(data)
            for sha256 in place.rows():
                store.path(sha256).parent.mkdir(exist_ok=True)
                store.path(sha256).write_bytes(b"a bundle")
            place = Site(data, database, options, lambda: list(store.all()))
        yield place


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What an index tells to which only those have ever come that are kept."""
    with closing(Database(f"sqlite:///{tmp_path_factory.mktemp('rest') / 'index.sqlite'}")) as database:
        migrate(database)
        fill(database, bundles=BUNDLES_ALL, findings=4, start=GO)
        return dict(told(database))


def holds(site: Site, rest: dict[str, object]) -> None:
    assert site.files() == site.rows()
    assert len(site.rows()) == BUNDLES_ALL - GO
    found = told(site.database)
    for name, rows in rest.items():
        assert found[name] == rows, name
    with site.database.reading() as connection:
        orphans = sa.select(FINDINGS.c.serial).where(FINDINGS.c.bundle.not_in(sa.select(BUNDLES.c.id)))
        assert connection.execute(orphans).all() == []
        assert connection.execute(sa.select(UNSETTLED)).all() == []


def test_killed_at_any_moment_the_next_one_ends_it(site: Site, rest: dict[str, object]):
    command = site.command
    for left in (BUNDLES_ALL - 5, BUNDLES_ALL - 45, BUNDLES_ALL - 100):
        process = site.begin()
        until = time.monotonic() + 120
        while len(site.names()) > left:
            assert time.monotonic() < until
            assert process.poll() is None, "it is killed while it deletes"
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        missing = site.rows() - site.files()
        assert site.files() <= site.rows(), "no file without its row, which a start would take for a new one"
        assert len(missing) <= 100, "what one transaction was about"
        site.let_go()
    done = vmext(*command, environ=site.environ)
    assert done.code == 0, done.err
    holds(site, rest)


def test_two_at_once_delete_each_once(site: Site, rest: dict[str, object]):
    both = [site.begin(), site.begin()]
    assert [process.wait(240) for process in both] == [0, 0]
    holds(site, rest)
    with site.database.reading() as connection:
        acts = connection.execute(sa.select(AUDIT.c.detail).where(AUDIT.c.action == "retention")).scalars().all()
    assert sum(int(act.split(" bundles")[0]) for act in acts) == GO


def test_what_was_chosen_and_is_gone_already_counts_once(database: Database, rest: dict[str, object]):
    """Two that chose the same, and both delete: what a lease that ran out would lead to."""
    fill(database, bundles=BUNDLES_ALL, findings=4)
    with database.reading() as connection:
        received = connection.execute(sa.select(BUNDLES.c.received).order_by(BUNDLES.c.received)).scalars().all()
    days = _days_since(received[GO])
    victims = [one for some in chosen(database, Limits(keep_days=days), now()) for one in some]
    for expected in (GO, 0):
        with database.writing() as connection:
            assert len(delete(database, connection, victims)) == expected
    with database.writing() as connection:
        settle(database, connection, 10_000)
    drop_empty(database, 10_000)
    assert told(database) == rest


def test_a_scale_set_with_a_list_stays(database: Database):
    fill(database, bundles=30, findings=1)
    with database.writing() as connection:
        number = connection.execute(sa.select(SCALE_SETS.c.number).limit(1)).scalar_one()
        row = {"scale_set": number, "listed": now(), "by": "ann", "orchestration": "uniform"}
        connection.execute(sa.insert(LISTS), row)
    assert drop_empty(database, 100) == 0
    victims = [one for some in chosen(database, Limits(keep_bytes=0), now()) for one in some]
    with database.writing() as connection:
        assert len(delete(database, connection, victims)) == 30
    drop_empty(database, 100)
    with database.reading() as connection:
        assert connection.execute(sa.select(SCALE_SETS.c.number)).scalars().all() == [number]


def test_what_lies_in_a_watched_place_is_left_alone_and_comes_back(tmp_path: Path, database_options: tuple[str, ...]):
    made = Path(collect(failing_disk(tmp_path / "disk"), tmp_path / "state").json["bundle"]["path"])
    watched, data = tmp_path / "watched", tmp_path / "data"
    watched.mkdir()
    content, there = made.read_bytes(), watched / made.name
    there.write_bytes(content)
    run = ("endpoint", "--data", data, *database_options, "--keep-days", "0.00001", "retention")
    with endpoint(data, *database_options, "--watch-store", str(watched)) as server:

        def lists(state: str | None) -> None:
            wanted = [state] if state else []
            until(lambda: [one["state"] for one in server.get("/v1/bundles").json()["bundles"]] == wanted)

        lists("indexed")
        _make_old(data, database_options)
        assert "0 bundles" in vmext(*run).out
        assert there.read_bytes() == content
        lists("indexed")
        there.unlink()
        lists("gone")
        assert "1 bundles" in vmext(*run).out
        lists(None)
        there.write_bytes(content)
        lists("indexed")


def test_what_is_gone_from_a_watched_place_takes_no_room(database: Database):
    """Its bytes are not here: others need not go for it."""
    fill(database, bundles=40, findings=1)
    with database.writing() as connection:
        ids = connection.execute(sa.select(BUNDLES.c.id).order_by(BUNDLES.c.received).limit(30)).scalars().all()
        connection.execute(sa.update(BUNDLES).where(BUNDLES.c.id.in_(ids)).values(state="gone"))
        left = connection.execute(sa.select(sa.func.sum(BUNDLES.c.bytes)).where(BUNDLES.c.state != "gone")).scalar_one()
    assert list(chosen(database, Limits(keep_bytes=int(left)), now())) == []
    assert len([one for some in chosen(database, Limits(keep_bytes=int(left) - 1), now()) for one in some]) == 1


def _days_since(moment: datetime) -> float:
    """Of an hour before it: bundles are hours apart, and time goes on until the limit is looked at."""
    return (now() - moment + timedelta(hours=1)) / timedelta(days=1)


def _make_old(data: Path, database_options: tuple[str, ...]) -> None:
    url = Settings(data, database_options[1] if database_options else None).database_url
    with closing(Database(url)) as database, database.writing() as connection:
        connection.execute(sa.update(BUNDLES).values(received=now() - timedelta(days=2)))
        assert connection.execute(sa.select(sa.func.count()).select_from(WATCHED_FILES)).scalar_one() == 1
