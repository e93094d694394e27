"""A folder in which processes of this machine work as handlers do on theirs: what hangs there now, and who it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from collector.discover.below import Below, of_folder
from collector.discover.processes import Running, open_files, running
from tests.collecting import CSE, HANDLER_LOG, collect, put
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at in Linux's way")

FOLDER = f"var/lib/waagent/{CSE}-2.1.19"
#: Says that it works, then reads from a standard input to which nobody writes.
SCRIPT = "import sys; out = open(sys.argv[1], 'w'); print('ready', flush=True); sys.stdin.read()"


@contextmanager
def hanging(disk: Path, folder: str = FOLDER, log: str = "var/log/script.out") -> Iterator[subprocess.Popen[bytes]]:
    """A script of a handler that waits for input, with a file open."""
    script = put(disk, f"{folder}/bin/script.py", SCRIPT)
    output = put(disk, log, "")
    with subprocess.Popen(
        [sys.executable, script, output], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def begun(disk: Path, seconds_ago: float) -> Path:
    """A Custom Script that began so long ago and says nothing since."""
    stamp = (datetime.now(timezone.utc) - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"operation": "Enable", "status": "transitioning", "formattedMessage": {"message": "Enable in progress"}}
    put(disk, f"{FOLDER}/status/3.status", json.dumps([{"timestampUTC": stamp, "status": status}]))
    line = f'time={stamp} version=v2.1.19/git@0-clean operation=enable seq=3 event="executing command"\n'
    put(disk, HANDLER_LOG, line)
    return disk


def test_what_hangs_is_told_with_what_its_process_does(tmp_path: Path):
    disk = begun(tmp_path / "disk", 20)
    with hanging(disk) as process:
        done = collect(disk, tmp_path / "state", "--live", "--hang-seconds", "5", "--output", tmp_path)
    assert done.json["verdict"] == "hanging"
    facts = done.member("system.json")["facts"]
    (told,) = (one for one in facts["processes"] if one["pid"] == process.pid)
    assert told["extension"] == CSE
    assert told["open_files"] == [str(disk / "var/log/script.out")]
    assert told["waits_for"].startswith("input (a pipe from pid ")
    assert all(str(disk) in one["command"] for one in facts["processes"])
    report = done.member("report.html")
    assert "has open: " in report
    assert "has open " in done.member("summary.txt")


def test_what_began_a_moment_ago_does_not_hang_yet(tmp_path: Path):
    disk = begun(tmp_path / "disk", 20)
    assert collect(disk, tmp_path / "state", "--live").json["verdict"] == "healthy"
    assert collect(disk, tmp_path / "state", "--live", "--hang-seconds", "60").json["verdict"] == "healthy"
    assert collect(disk, tmp_path / "state").json["verdict"] == "hanging", (
        "on a disk that nobody works on it never ends"
    )


def test_what_runs_for_long_hangs_without_being_told_so(tmp_path: Path):
    disk = begun(tmp_path / "disk", 400)
    assert collect(disk, tmp_path / "state", "--live").json["verdict"] == "hanging"


def test_what_was_seen_to_hang_does_although_its_status_is_new(tmp_path: Path):
    disk = begun(tmp_path / "disk", 5)
    for hanging, verdict in ((CSE, "hanging"), (f"{CSE}/other", "healthy"), ("Acme.Apps", "healthy"), ("", "healthy")):
        done = collect(disk, tmp_path / "state", "--live", "--hanging", hanging)
        assert done.json["verdict"] == verdict, hanging


def test_live_is_only_for_another_root(tmp_path: Path):
    from tests.collecting import vmext

    done = vmext("collect", "--live", "--no-upload", "--state-dir", tmp_path)
    assert done.code == 2
    assert "--live is only for --root" in done.err


def test_a_process_belongs_to_a_folder_by_its_command_its_working_folder_or_a_file_it_has_open(tmp_path: Path):
    disk, elsewhere = tmp_path / "disk", tmp_path / "elsewhere"
    log = f"var/log/azure/{CSE}/x.log"
    with (
        hanging(disk) as by_command,
        hanging(elsewhere) as stranger,
        subprocess.Popen(["sleep", "60"], cwd=put(disk, f"{FOLDER}/x", "").parent) as by_folder,
        put(disk, log, "").open("a") as file,
        subprocess.Popen(["sh", "-c", "sleep 60; true"], stdout=file, start_new_session=True) as by_file,
    ):
        below: list[Running] = []
        try:
            end = time.monotonic() + 30
            while not below and time.monotonic() < end:  # the shell needs a moment to start its child
                processes = running()
                below = [one for one in processes.values() if one.parent == by_file.pid]
            chosen = of_folder(processes, Below(disk), own=os.getpid())
            for process in (by_command, by_folder, by_file):
                assert chosen[process.pid] == CSE
            assert stranger.pid not in chosen
            assert all(chosen[one.pid] == CSE for one in below)
        finally:
            for one in below:
                one.process.kill()
            by_folder.kill()
            by_file.kill()


def test_vmext_and_who_started_it_are_none_of_the_folder(tmp_path: Path):
    begun(tmp_path, 20)
    code = "import sys, time; time.sleep(60)"
    with (
        subprocess.Popen([sys.executable, "-c", code, "vmext", "watch", "--root", tmp_path]) as watching,
        subprocess.Popen([sys.executable, "-c", code, tmp_path]) as runner,
    ):
        try:
            until(lambda: runner.pid in of_folder(running(), Below(tmp_path), own=1))
            chosen = of_folder(running(), Below(tmp_path), own=runner.pid)
            assert not {watching.pid, runner.pid} & set(chosen)
        finally:
            watching.kill()
            runner.kill()


def test_of_the_open_files_only_twenty_are_told_those_written_to_first(tmp_path: Path):
    import psutil

    code = (
        "import sys; from pathlib import Path; folder = Path(sys.argv[1])\n"
        "read = [open(folder / f'{n:02}.txt', 'a+') and open(folder / f'{n:02}.txt') for n in range(25)]\n"
        "written = open(folder / 'zz.out', 'w'); print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        told = open_files(psutil.Process(child.pid))
        child.communicate()
    assert len(told) == 20
    assert str(tmp_path / "zz.out") in told
