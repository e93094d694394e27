"""What is deleted by age and size, and that the index is true to what is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.endpoint.access.audit import now
from collector.endpoint.access.leases import Lease
from collector.endpoint.database.access_tables import AUDIT
from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import BUNDLES
from collector.endpoint.settings import Settings
from tests.collecting import collect, failing_disk, vmext
from tests.endpoint.clouds import Cloud
from tests.endpoint.made import varied
from tests.endpoint.running import endpoint
from tests.endpoint.told import told

SET = {"scale_set": "vmss-web", "resource_group": "web-rg", "subscription": "sub-1"}
ROOT = Path(__file__).parents[2]


_OPENED: list[Database] = []


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    while _OPENED:
        _OPENED.pop().close()


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    return Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("healthy")
    disk = ROOT / "tests/scenarios/linux-healthy-with-look-alikes/disk"
    return Path(collect(disk, folder / "state").json["bundle"]["path"])


def made(failing: Path, healthy: Path, folder: Path) -> list[Path]:
    """Oldest first: three instances, two of which have two failures, and each a healthy bundle at some time."""
    plan: list[tuple[Path, dict[str, Any]]] = [
        (failing, {"instance_name": "web_1", "exit_code": 100, "created": "2026-11-01T10:00:00Z"}),
        (healthy, {"instance_name": "web_2", "created": "2026-11-02T10:00:00Z"}),
        (failing, {"instance_name": "web_2", "exit_code": 100, "created": "2026-11-03T10:00:00Z"}),
        (failing, {"instance_name": "web_1", "exit_code": 7, "created": "2026-11-04T10:00:00Z"}),
        (failing, {"instance_name": "web_2", "exit_code": 100, "created": "2026-11-05T10:00:00Z"}),
        (healthy, {"instance_name": "web_1", "created": "2026-11-06T10:00:00Z"}),
        (failing, {"instance_name": "web_3", "exit_code": 7, "created": "2026-11-07T10:00:00Z"}),
        (healthy, {"instance_name": "web_3", "created": "2026-11-08T10:00:00Z"}),
    ]
    return [varied(bundle, folder, **SET | identity) for bundle, identity in plan]


def options_of(data: Path, database_options: tuple[str, ...]) -> tuple[Path, Database, tuple[str, ...]]:
    database = Database(Settings(data, database_options[1] if database_options else None).database_url)
    _OPENED.append(database)
    return data, database, ("endpoint", "--data", str(data), *database_options)


def filled(data: Path, database_options: tuple[str, ...], files: list[Path]) -> Database:
    """Each as if it had been received at the time of its making."""
    with endpoint(data, *database_options) as server:
        for file in files:
            assert server.put(file).status_code == 201
        server.settle()
    _, database, _ = options_of(data, database_options)
    with database.writing() as connection:
        connection.execute(sa.update(BUNDLES).values(received=BUNDLES.c.created))
    return database


def objects(data: Path) -> int:
    return len(list((data / "objects").rglob("*.zip")))


def days_since(text: str) -> float:
    from datetime import datetime

    return (now() - datetime.fromisoformat(text)) / timedelta(days=1)


@pytest.mark.parametrize("kept", [7, 5, 4, 2, 1])
def test_by_age_the_index_is_as_if_only_the_rest_had_come(
    kept: int, failing: Path, healthy: Path, tmp_path: Path, database_options: tuple[str, ...], request: Any
):
    files = made(failing, healthy, tmp_path)
    database = filled(tmp_path / "data", database_options, files)
    oldest = f"2026-11-{9 - kept:02}T09:00:00+00:00"
    run = (
        *options_of(tmp_path / "data", database_options)[2],
        "--keep-days",
        days_since(oldest),
        "retention",
        "--json",
    )
    would = vmext(*run, "--dry-run").json
    assert (would["bundles"], would["by_age"], objects(tmp_path / "data")) == (8 - kept, 8 - kept, 8)
    swept = vmext(*run).json
    assert {**swept, "dry_run": True} == would
    assert objects(tmp_path / "data") == kept
    second = () if not database_options else ("--database", request.getfixturevalue("postgresql").new())
    assert told(database) == told(filled(tmp_path / "second", second, files[8 - kept :]))
    assert vmext(*run).json["bundles"] == 0


def test_when_all_are_gone_nothing_is_left(failing: Path, healthy: Path, tmp_path: Path, database_options: Any):
    database = filled(tmp_path / "data", database_options, made(failing, healthy, tmp_path))
    vmext(*options_of(tmp_path / "data", database_options)[2], "--keep-days", "0.001", "retention")
    assert objects(tmp_path / "data") == 0
    assert not any(told(database).values())
    with endpoint(tmp_path / "data", *database_options) as server:
        assert server.get("/v1/bundles").json()["total"] == 0, "a start does not bring them back"
        assert server.put(made(failing, healthy, tmp_path)[0]).status_code == 201


def test_by_size_failures_are_kept_longest(failing: Path, healthy: Path, tmp_path: Path, database_options: Any):
    files = made(failing, healthy, tmp_path)
    database = filled(tmp_path / "data", database_options, files)
    run = options_of(tmp_path / "data", database_options)[2]

    def left_after(size: int) -> list[int]:
        vmext(*run, "--keep-gb", f"{size / 10**9:.9f}", "retention")
        with database.reading() as connection:
            ids = set(connection.execute(sa.select(BUNDLES.c.id)).scalars())
        return [number for number, file in enumerate(files) if file.stem in ids]

    sizes = [file.stat().st_size for file in files]
    assert left_after(sum(sizes)) == [0, 1, 2, 3, 4, 5, 6, 7]
    # a healthy one that is not its instance's newest goes first, then the oldest whatever it tells
    assert left_after(sum(sizes) - 1) == [0, 2, 3, 4, 5, 6, 7]
    assert left_after(sum(sizes) - sizes[1] - 1) == [2, 3, 4, 5, 6, 7]
    assert left_after(1) == []
    with database.reading() as connection:
        acts = connection.execute(sa.select(AUDIT.c.detail).where(AUDIT.c.action == "retention")).scalars().all()
    assert [act.split(",")[0] for act in acts] == ["1 bundles", "1 bundles", "6 bundles"]


@pytest.mark.parametrize("moment", ["file", "rows"])
def test_a_kill_in_the_middle_loses_and_revives_nothing(
    moment: str, failing: Path, healthy: Path, tmp_path: Path, database_options: tuple[str, ...]
):
    """Killed when the first file is gone, or before the rows' transaction ends; the next sweep ends what was begun."""
    database = filled(tmp_path / "data", database_options, made(failing, healthy, tmp_path))
    place = {
        "file": ("collector.endpoint.stores.folder", "FolderStore", "remove"),
        "rows": ("collector.endpoint.retention.sweep", None, "revise"),
    }[moment]
    code = f"""
import os, signal, sys, importlib
module = importlib.import_module({place[0]!r})
owner = getattr(module, {place[1]!r}) if {place[1]!r} else module
real = getattr(owner, {place[2]!r})
def deadly(*arguments, **options):
    real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, {place[2]!r}, deadly)
from collector.cli import main
sys.exit(main(sys.argv[1:]))
"""
    run = (*options_of(tmp_path / "data", database_options)[2], "--keep-days", "0.001", "retention")
    killed = subprocess.run([sys.executable, "-c", code, *run], check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(BUNDLES)).scalar_one() == 8
    with endpoint(tmp_path / "data", *database_options) as server:
        assert server.get("/v1/bundles").json()["total"] == 8, "a page can be asked for in between"
    assert vmext(*run).code == 0
    assert (objects(tmp_path / "data"), any(told(database).values())) == (0, False)


def test_a_running_endpoint_sweeps_by_itself(failing: Path, tmp_path: Path, database_options: tuple[str, ...]):
    database = filled(tmp_path / "data", database_options, [varied(failing, tmp_path, **SET)])
    with database.writing() as connection:  # it has swept when it was filled, and would wait for an hour
        connection.exec_driver_sql("DELETE FROM leases")
    with endpoint(tmp_path / "data", *database_options, "--keep-days", "0.001") as server:
        end = time.monotonic() + 60
        while server.get("/v1/bundles").json()["total"]:
            assert time.monotonic() < end
            time.sleep(0.1)
        audit = server.get("/admin/audit?action=retention").text
        assert "1 bundles" in audit


def test_of_many_processes_one_has_the_lease(tmp_path: Path, database_options: tuple[str, ...]):
    filled(tmp_path / "data", database_options, [])
    _, database, _ = options_of(tmp_path / "data", database_options)
    first, second = Lease(database, "test"), Lease(database, "test")
    assert first.take(timedelta(minutes=5))
    assert not second.take(timedelta(minutes=5))
    assert first.take(timedelta(minutes=5)), "its holder may go on"
    first.leave(timedelta(0))
    assert second.take(timedelta(0)), "and is killed"
    assert first.take(timedelta(minutes=5))
    second.leave(timedelta(0))
    assert not second.take(timedelta(minutes=5)), "who has lost it can't give it away"


def test_old_acts_go_and_nothing_else_without_limits(failing: Path, tmp_path: Path):
    database = filled(tmp_path / "data", (), [failing])
    with database.writing() as connection:
        connection.execute(sa.update(AUDIT).values(time=now() - timedelta(days=10)))
        connection.exec_driver_sql("DELETE FROM leases")
    with endpoint(tmp_path / "data", "--audit-days", "5") as server:
        end = time.monotonic() + 60
        while "first start" in server.get("/admin/audit").text:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert server.get("/v1/bundles").json()["total"] == 1


def test_without_a_limit_the_command_says_so(tmp_path: Path):
    run = vmext("endpoint", "--data", tmp_path / "data", "retention")
    assert (run.code, "nothing says what to keep" in run.err) == (2, True)


def test_what_is_out_of_reach_is_named(failing: Path, tmp_path: Path, clouds: dict[str, Cloud]):
    cloud = clouds["s3"]
    store = ("--store", cloud.new())
    with endpoint(tmp_path / "data", *store, environ=cloud.environ) as server:
        assert server.put(failing).status_code == 201
        server.settle()
    run = ("--data", tmp_path / "data", *store, "--keep-days", "0.000001", "retention")
    away = vmext("endpoint", *run, environ=cloud.environ | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert (away.code, f"vmext: the store can't be used: {store[1]}" in away.err) == (2, True), away.err
    nowhere = ("--database", "postgresql://vmext@127.0.0.1:1/x")
    gone = vmext("endpoint", *nowhere, *run, environ=cloud.environ)
    assert (gone.code, "vmext: the index can't be used: connection failed" in gone.err) == (2, True), gone.err
    assert vmext("endpoint", *run, environ=cloud.environ).out.startswith("1 bundles of ")
