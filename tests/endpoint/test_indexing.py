"""The queue and the indexer, on both engines: each bundle counts once, whoever is killed and whoever else works."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.bundle.reader import Limits, glance_received
from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.database.tables import (
    BUNDLES,
    FINDINGS,
    INCIDENT_INSTANCES,
    INCIDENTS,
    INSTANCES,
    QUEUE,
    STATES,
)
from collector.endpoint.indexing import queue
from collector.endpoint.indexing.indexer import Indexer
from collector.endpoint.indexing.rows import bundle_row
from collector.endpoint.intake.committing import Commits
from collector.endpoint.reading.bundles import now
from collector.endpoint.stores.folder import FolderStore
from tests.endpoint.made import varied
from tests.endpoint.running import endpoint


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "data")


@pytest.fixture
def take(database: Database, store: FolderStore) -> Iterator[Callable[[Path], str]]:
    """Stores a bundle and puts it into the queue, as a request does."""
    commits = Commits(database)

    def taken(file: Path) -> str:
        incoming = store.receive()
        incoming.write(file.read_bytes())
        sha256 = incoming.finish()
        store.keep(incoming, sha256)
        row = bundle_row(glance_received(store.path(sha256)), sha256, file.stat().st_size, now())
        commits.add(row).result(30)
        return sha256

    yield taken
    commits.close()


def rows(database: Database, table: sa.Table) -> list[Mapping[str, Any]]:
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def turns(database: Database, store: FolderStore) -> None:
    while Indexer(database, store, Limits()).turn():
        pass


def test_instances_of_one_failure_are_one_incident(
    database: Database, store: FolderStore, take: Any, bundle: Path, tmp_path: Path
):
    for number in range(7):
        take(
            varied(
                bundle,
                tmp_path,
                scale_set="web",
                instance_id=str(number % 5),
                created=f"2026-01-0{number + 1}T00:00:00Z",
            )
        )
    take(varied(bundle, tmp_path, scale_set="web", instance_id="1", exit_code=127))
    turns(database, store)
    incidents = {row["exit_code"]: row for row in rows(database, INCIDENTS)}
    assert {code: (row["instances"], row["bundles"]) for code, row in incidents.items()} == {100: (5, 7), 127: (1, 1)}
    assert len(rows(database, INSTANCES)) == 5
    assert len(rows(database, INCIDENT_INSTANCES)) == 6
    assert {row["state"] for row in rows(database, BUNDLES)} == {"indexed"}
    assert rows(database, QUEUE) == []


def test_what_an_older_bundle_says_replaces_nothing(
    database: Database, store: FolderStore, take: Any, bundle: Path, tmp_path: Path
):
    new = varied(bundle, tmp_path, scale_set="web", instance_id="1", os="new", created="2026-05-01T00:00:00Z")
    old = varied(bundle, tmp_path, scale_set="web", instance_id="1", os="old", created="2026-01-01T00:00:00Z")
    for file in (new, old):
        take(file)
        turns(database, store)
    (instance,) = rows(database, INSTANCES)
    assert (instance["os"], instance["last_bundle"]) == ("new", new.stem)
    assert (instance["first_seen"].month, instance["last_seen"].month) == (1, 5)
    assert {row["bundle"] for row in rows(database, STATES)} == {new.stem}


def test_workers_side_by_side_index_each_bundle_once(
    database: Database, store: FolderStore, take: Any, bundle: Path, tmp_path: Path
):
    files = [varied(bundle, tmp_path, scale_set="web", instance_id=str(number)) for number in range(120)]
    for file in files:
        take(file)
    workers = [threading.Thread(target=turns, args=(database, store)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    (incident,) = rows(database, INCIDENTS)
    assert (incident["instances"], incident["bundles"]) == (120, 120)
    assert len(rows(database, FINDINGS)) == 120
    assert rows(database, QUEUE) == []


def test_a_claim_that_nobody_ended_is_given_again_and_counts_once(
    database: Database, store: FolderStore, take: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch
):
    take(bundle)
    monkeypatch.setattr(queue, "CLAIM_SECONDS", -1)  # the first worker is taken for dead at once
    first, second = Indexer(database, store, Limits()), Indexer(database, store, Limits())
    assert len(queue.Queue(database).claim(10)) == 1
    assert (first.turn(), second.turn()) == (1, 0)
    assert [row["bundles"] for row in rows(database, INCIDENTS)] == [1]


def test_a_bundle_that_ends_every_worker_is_set_aside(
    database: Database, store: FolderStore, take: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch
):
    take(bundle)
    monkeypatch.setattr(queue, "CLAIM_SECONDS", -1)
    for _ in range(queue.MOST_TRIES):
        assert queue.Queue(database).claim(10)
    assert queue.Queue(database).claim(10) == []
    (row,) = rows(database, BUNDLES)
    assert (row["state"], "never ended" in row["problem"]) == ("damaged", True)


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_a_stored_file_that_is_no_good_is_told(
    database: Database, store: FolderStore, take: Any, bundle: Path, tmp_path: Path, harm: str
):
    sha256 = take(bundle)
    fine = take(varied(bundle, tmp_path, scale_set="web"))
    if harm == "gone":
        store.remove([sha256])
    else:
        content = bytearray(bundle.read_bytes())
        content[len(content) // 2] ^= 0xFF
        store.path(sha256).write_bytes(content)
    turns(database, store)
    states = {row["sha256"]: (row["state"], bool(row["problem"])) for row in rows(database, BUNDLES)}
    assert states == {sha256: ("damaged", True), fine: ("indexed", False)}


def test_killed_between_the_store_and_the_index(tmp_path: Path, database_options: tuple[str, ...], bundle: Path):
    """The object is there and nobody knows of it; whether or not the sender comes again, it stands once."""
    sha256 = hashlib.sha256(bundle.read_bytes()).hexdigest()
    with endpoint(tmp_path / "data", *database_options) as first:
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
    target = tmp_path / f"data/objects/{sha256[:2]}/{sha256}.zip"
    target.parent.mkdir()
    target.write_bytes(bundle.read_bytes())
    with endpoint(tmp_path / "data", *database_options) as second:
        assert second.put(bundle).status_code == 200
        assert second.get("/v1/bundles").json()["total"] == 1
        assert len(second.get(f"/v1/bundles/{bundle.stem}").json()["findings"]) == 1


def test_killed_between_the_receipt_and_the_indexing(tmp_path: Path, database_options: tuple[str, ...], bundle: Path):
    files = [varied(bundle, tmp_path, scale_set="web", instance_id=str(number)) for number in range(30)]
    with endpoint(tmp_path / "data", *database_options) as first:
        assert {first.put(file).status_code for file in files} == {201}
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
    url = database_options[1] if database_options else f"sqlite:///{tmp_path / 'data/index.sqlite'}"
    database = Database(url)
    with endpoint(tmp_path / "data", *database_options) as second:
        second.settle()
        (incident,) = rows(database, INCIDENTS)
        assert (incident["instances"], incident["bundles"]) == (30, 30)
    database.close()


def test_the_index_of_the_first_version_is_made_anew_and_its_tokens_stay(tmp_path: Path, bundle: Path):
    with endpoint(tmp_path / "data") as first:
        first.put(bundle)
    index = tmp_path / "data/index.sqlite"
    for file in (tmp_path / "data").glob("index.sqlite*"):
        file.unlink()
    with sqlite3.connect(index) as connection:
        connection.executescript(
            "CREATE TABLE bundles (id VARCHAR(16) PRIMARY KEY, sha256 VARCHAR(64));"
            "CREATE TABLE findings (bundle VARCHAR(16) REFERENCES bundles (id), number INTEGER);"
            "CREATE TABLE tokens (sha256 VARCHAR(64) PRIMARY KEY, name VARCHAR(64), created VARCHAR(32));"
            "CREATE TABLE schema (version INTEGER PRIMARY KEY);"
            "INSERT INTO schema VALUES (1);"
        )
        of = hashlib.sha256(b"another token").hexdigest()
        connection.execute("INSERT INTO tokens VALUES (?, 'another', '2026-01-01T00:00:00Z')", (of,))
    connection.close()
    with endpoint(tmp_path / "data") as second:
        assert second.get("/v1/bundles").json()["total"] == 1
        assert second.put(bundle, token="another token").status_code == 200


def test_the_tables_are_those_of_the_steps(database: Database):
    """What the steps made is what the code expects."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from collector.endpoint.database.tables import METADATA

    with database.reading() as connection:
        options = {"include_name": lambda name, kind, parents: "_words" not in (name or "")}  # made by triggers
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_a_database_of_a_later_version_is_refused(
    tmp_path: Path, database: Database, database_options: tuple[str, ...]
):
    from collector.errors import ConfigError

    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="9999"):
        migrate(database)
