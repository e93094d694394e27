"""Who holds a claim, and whether it still runs: real processes, on both engines."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.database.tables import BUNDLES, QUEUE
from collector.endpoint.indexing.holders import dead, holder
from collector.endpoint.indexing.queue import CLAIM_SECONDS, Queue
from collector.endpoint.reading.bundles import now

_TELL = "from collector.endpoint.indexing.holders import holder; print(holder(), flush=True); input()"


def test_a_process_is_dead_once_it_is_killed_and_before_anyone_asks_for_its_end():
    with subprocess.Popen(
        [sys.executable, "-c", _TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout is not None
        name = one.stdout.readline().strip()
        assert dead([name, holder()]) == []
        one.kill()
        while psutil.Process(one.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        assert dead([name, holder()]) == [name]
    assert dead([name, holder()]) == [name]


def test_a_number_that_another_process_has_now_and_another_host():
    host, pid, start = holder().rsplit(" ", 2)
    assert dead([f"{host} {pid} {int(start) - 60}"]) == [f"{host} {pid} {int(start) - 60}"]
    assert dead([f"{host}-2 {pid} {int(start) - 60}"]) == []


def test_claims_of_the_dead_are_free_at_once_and_those_of_the_living_and_of_other_hosts_are_not(
    tmp_path: Path, database_options: tuple[str, ...]
):
    database = Database(database_options[1] if database_options else f"sqlite:///{tmp_path / 'index.sqlite'}")
    migrate(database)
    host, pid, _ = holder().rsplit(" ", 2)
    holders = {"a" * 16: holder(), "b" * 16: f"{host} {pid} 0", "c" * 16: f"{host}-2 {pid} 0", "d" * 16: None}
    rows = [row(name) for name in holders]
    later = now() + timedelta(seconds=CLAIM_SECONDS)
    with database.writing() as connection:
        connection.execute(sa.insert(BUNDLES), rows)
        claims = [{"bundle": name, "due": later, "tries": 1, "holder": one} for name, one in holders.items()]
        connection.execute(sa.insert(QUEUE), claims)
    queue = Queue(database)
    assert [queue.free_the_dead() for _ in range(2)] == [1, 0]
    assert queue.claim(10) == [("b" * 16, "b" * 64)]
    queue.give_back(["a" * 16, "b" * 16, "c" * 16])  # only what is held by this process
    assert [name for name, _ in queue.claim(10)] == ["a" * 16]
    database.close()


def row(name: str) -> dict[str, object]:
    told = {"id": name, "sha256": name * 4, "bytes": 1, "received": now(), "created": now()}
    return told | {"state": "waiting", "verdict": "failed", "encrypted": False}


def test_a_clock_that_is_set_back_a_day_puts_nothing_off(database: Database):
    tomorrow = now() + timedelta(days=1)
    with database.writing() as connection:
        connection.execute(sa.insert(BUNDLES), [row("a" * 16)])
        connection.execute(sa.insert(QUEUE), [{"bundle": "a" * 16, "due": tomorrow, "tries": 0}])
    queue = Queue(database)
    assert [name for name, _ in queue.claim(10)] == ["a" * 16]
    assert queue.claim(10) == []


def test_a_clock_that_is_set_ends_no_process(monkeypatch: pytest.MonkeyPatch):
    before = holder()
    real = psutil.boot_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: real + 86_400)
    monkeypatch.setattr("psutil._psplatform.boot_time", lambda: real + 86_400)
    assert psutil.Process().create_time() > real + 86_000
    assert dead([before]) == []
