"""Several processes that serve and index, on both engines: whoever is killed, each bundle counts once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import requests
import sqlalchemy as sa

from collector.endpoint.counting import clear
from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import INCIDENTS
from collector.endpoint.indexing.queue import CLAIM_SECONDS
from tests.endpoint.made import varied
from tests.endpoint.running import Endpoint, endpoint
from tests.waiting import until

_MANY = ("--workers", "2", "--indexers", "2")


def crew(server: Endpoint) -> list[psutil.Process]:
    """The processes that work for the first one; multiprocessing has one more, which tracks its resources."""
    found = []
    for one in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.Error):  # it may have ended meanwhile
            found += [one] if "spawn_main" in " ".join(one.cmdline()) else []
    return found


def some(bundle: Path, folder: Path, count: int, first: int = 0) -> list[Path]:
    return [varied(bundle, folder, scale_set="web", instance_id=str(number)) for number in range(first, first + count)]


def counts(data: Path, options: tuple[str, ...]) -> tuple[int, int]:
    """Instances and bundles of the only incident."""
    database = Database(options[1] if options else f"sqlite:///{data / 'index.sqlite'}")
    with database.reading() as connection:
        (row,) = connection.execute(sa.select(INCIDENTS.c.instances, INCIDENTS.c.bundles)).all()
    database.close()
    return (row.instances, row.bundles)


def test_many_processes_take_and_index_each_bundle_once_and_end_together(
    tmp_path: Path, database_options: tuple[str, ...], bundle: Path
):
    with endpoint(tmp_path / "data", *_MANY, *database_options) as server:
        assert {server.put(file).status_code for file in some(bundle, tmp_path, 40)} == {201}
        server.settle()
        assert counts(tmp_path / "data", database_options) == (40, 40)
        members = crew(server)
        assert len(members) == 4
    assert server.process.returncode == 0
    assert [one for one in members if one.is_running()] == []


def test_each_process_that_is_killed_is_started_again(tmp_path: Path, database_options: tuple[str, ...], bundle: Path):
    with endpoint(tmp_path / "data", *_MANY, *database_options) as server:
        before = {one.pid for one in crew(server)}
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len({one.pid for one in crew(server)} - before) == 4)

        def is_taken(file: Path) -> bool:
            try:
                return server.put(file).status_code in (200, 201)
            except requests.ConnectionError:
                return False

        for file in some(bundle, tmp_path, 10):
            until(lambda file=file: is_taken(file))  # type: ignore[misc]
        server.settle()
        assert counts(tmp_path / "data", database_options) == (10, 10)
    assert "is started again" in (tmp_path / "endpoint.log").read_text()


def test_indexers_that_are_killed_at_their_work_lose_and_double_nothing(
    tmp_path: Path, database_options: tuple[str, ...], bundle: Path
):
    files = some(bundle, tmp_path, 60)
    with endpoint(tmp_path / "data", "--indexers", "2", *database_options) as server:
        for file in files:
            assert server.put(file).status_code == 201
            if file in files[10::10]:
                for one in crew(server):
                    one.kill()
        server.settle()
        assert counts(tmp_path / "data", database_options) == (60, 60)


def test_who_is_killed_before_it_works_is_started_again(tmp_path: Path, bundle: Path):
    with endpoint(tmp_path / "data", "--indexers", "1") as server:
        killed: set[int] = set()
        while len(killed) < 3:  # nobody has waited for it: it has only begun
            for one in crew(server):
                one.kill()
                killed.add(one.pid)
            time.sleep(0.01)
        assert server.put(bundle).status_code == 201
        server.settle()


def test_all_end_when_the_first_one_is_killed(tmp_path: Path):
    with endpoint(tmp_path / "data", *_MANY) as server:
        members = crew(server)
        os.kill(server.process.pid, signal.SIGKILL)
        until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in members))


def test_those_that_are_only_beginning_end_with_the_first_one_and_say_nothing_of_it(tmp_path: Path):
    """The next endpoint clears away what they were about to count in."""
    (tmp_path / "next").mkdir()
    with endpoint(tmp_path / "data", *_MANY) as server:
        before = crew(server)
        for one in before:
            one.kill()
        until(lambda: len({*crew(server)} - {*before}) == 4)
        begun = crew(server)
        os.kill(server.process.pid, signal.SIGKILL)
    with endpoint(tmp_path / "next/data", "--one-process"):
        until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in begun))
    log = (tmp_path / "endpoint.log").read_text()
    assert "Traceback" not in log
    assert "FileNotFoundError" not in log


def test_what_killed_ones_left_is_cleared_away_once_nobody_counts_in_it(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as alive:
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        for name, counts in (("a", ended.pid), ("b", alive.pid)):
            (tmp_path / f"vmext-metrics-{ended.pid}-{name}").mkdir()
            (tmp_path / f"vmext-metrics-{ended.pid}-{name}" / f"counter_{counts}.db").touch()
        clear(tmp_path)
        assert [one.name[-1] for one in tmp_path.iterdir()] == ["b"]
        alive.communicate(b"\n")
    clear(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_host_may_only_serve_and_another_one_only_index(
    tmp_path: Path, database_options: tuple[str, ...], bundle: Path
):
    data = tmp_path / "data"
    with endpoint(data, "--indexers", "0", *database_options) as server:
        assert server.put(bundle).status_code == 201
        with endpoint(data, "--workers", "0", *database_options, says=" ready to index"):
            server.settle()
        assert counts(data, database_options) == (1, 1)


def test_claims_of_the_dead_come_back_before_anyone_has_to_ask():
    """Who waits for an index that is complete waits for this at most, and some."""
    assert CLAIM_SECONDS <= 30


def test_what_all_processes_count_is_told_by_any(tmp_path: Path, bundle: Path):
    with endpoint(tmp_path / "data", *_MANY) as server:
        for file in some(bundle, tmp_path, 12):
            assert server.put(file).status_code == 201
        server.settle()
        assert requests.get(server.url + "/metrics", timeout=30).status_code == 401
        text = server.get("/metrics").text
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        put = 'vmext_requests_total{method="PUT",route="/v1/bundles/{bundle_id}",status="201"}'
        assert (lines[put], lines["vmext_indexed_total"], lines["vmext_queue_bundles"]) == ("12.0", "12.0", "0.0")
        assert sum(name.startswith("vmext_resident_bytes") for name in lines) >= 5
        assert float(lines["vmext_disk_room_bytes"]) > 0


def test_no_path_that_somebody_invents_makes_a_series(tmp_path: Path):
    with endpoint(tmp_path / "data") as server:
        for path in ("/nothing", "/v1/bundles/0123456789abcdef", "/v1/nothing"):
            requests.get(server.url + path, headers=server.authorization, timeout=30)
        text = server.get("/metrics").text
        assert "nothing" not in text
        assert "0123456789abcdef" not in text


def test_who_can_store_nothing_is_not_ready_and_lives(tmp_path: Path):
    with endpoint(tmp_path / "data") as server:
        assert requests.get(server.url + "/readyz", timeout=30).status_code == 200
        (tmp_path / "data/incoming").rename(tmp_path / "elsewhere")
        told = requests.get(server.url + "/readyz", timeout=30)
        assert (told.status_code, "store" in told.json()) == (503, True)
        assert requests.get(server.url + "/healthz", timeout=30).status_code == 200
        (tmp_path / "elsewhere").rename(tmp_path / "data/incoming")
        assert requests.get(server.url + "/readyz", timeout=30).status_code == 200
