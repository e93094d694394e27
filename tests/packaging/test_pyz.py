"""The single file for machines that have a Python: unpacked once, into a folder that is root's alone, and run there."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collector import __version__
from tests.collecting import CSE, Result, failing_disk
from tests.endpoint.running import endpoint
from tests.packaging.building import Built, run
from tests.waiting import until
from tests.watch.agent import Machine

pytestmark = pytest.mark.slow
VERSION = f"vmext {__version__}\n"
PYTHON = "/usr/bin/python3"


def vmext(linux: Built, state: Path, *arguments: object) -> Result:
    return run([PYTHON, linux.single, *arguments], {"VMEXT_STATE_DIR": str(state)})


def code(state: Path) -> Path:
    (folder,) = state.glob("code-*")
    return folder


def test_it_does_the_main_job(linux: Built, tmp_path: Path):
    state, disk = tmp_path / "state", failing_disk(tmp_path / "disk")
    with endpoint(tmp_path / "endpoint") as served:
        upload = ["--upload", served.url, "--token-file", served.data / "admin.token", "--format", "json"]
        result = vmext(linux, state, "collect", "--root", disk, *upload)
        assert result.code == 10, result.err
        assert result.json["delivery"]["state"] == "delivered"
        assert result.json["findings"][0]["extension"] == CSE
    assert state.stat().st_mode & 0o777 == 0o700
    assert code(state).stat().st_mode & 0o777 == 0o700
    assert list(code(state).rglob("_psutil_linux*.so"))


def test_the_second_start_unpacks_nothing(linux: Built, tmp_path: Path):
    assert vmext(linux, tmp_path, "--version").out == VERSION
    before = code(tmp_path).stat().st_ino
    assert vmext(linux, tmp_path, "--version").out == VERSION
    assert code(tmp_path).stat().st_ino == before


def test_what_is_damaged_is_unpacked_anew(linux: Built, tmp_path: Path):
    vmext(linux, tmp_path, "--version")
    (code(tmp_path) / "code" / "collector" / "cli" / "__init__.py").write_text("")
    (code(tmp_path) / "code" / "click" / "core.py").unlink()
    assert vmext(linux, tmp_path, "--version").out == VERSION
    assert (code(tmp_path) / "code" / "click" / "core.py").stat().st_size
    assert not (code(tmp_path) / "broken").exists()


def test_processes_that_start_at_once_do_not_disturb_each_other(linux: Built, tmp_path: Path):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: vmext(linux, tmp_path, "--version"), range(4)))
    assert [(one.code, one.out) for one in results] == [(0, VERSION)] * 4, results
    assert [path.name for path in tmp_path.iterdir()] == [code(tmp_path).name]


@pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="files of another user are made by root")
def test_a_folder_that_others_may_write_to_is_refused(linux: Built, tmp_path: Path):
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    vmext(linux, state, "--version")
    folder = code(state)
    folder.chmod(0o777)
    assert (refused := vmext(linux, state, "--version")).code == 2
    assert "only this user may write to" in refused.err
    folder.chmod(0o700)
    os.chown(folder, 1234, 1234)
    assert vmext(linux, state, "--version").code == 2
    os.chown(folder, 0, 0)
    assert vmext(linux, state, "--version").code == 0
    tmp_path.chmod(0o777)  # somebody could put another folder in the place of the whole state folder
    assert "others may write to" in vmext(linux, state, "--version").err


def test_a_link_in_its_place_is_not_followed(linux: Built, tmp_path: Path):
    vmext(linux, tmp_path / "one", "--version")
    bait = code(tmp_path / "one")
    state = tmp_path / "two"
    state.mkdir(mode=0o700)
    (state / bait.name).symlink_to(bait)
    assert vmext(linux, state, "--version").out == VERSION
    assert not (state / bait.name).is_symlink()


def test_a_changed_file_is_not_run(linux: Built, tmp_path: Path):
    changed = tmp_path / "changed.pyz"
    with zipfile.ZipFile(linux.single) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data + b"\n" if name == "code/collector/cli/__init__.py" else data)
    result = run([PYTHON, changed, "--version"], {"VMEXT_STATE_DIR": str(tmp_path / "state")})
    assert result.code == 2
    assert "not what the manifest says" in result.err
    assert list((tmp_path / "state").iterdir()) == []


def test_code_of_another_version_goes_unless_it_runs(linux: Built, tmp_path: Path):
    for name in ("code-old", "code-running"):
        (tmp_path / name / "code").mkdir(parents=True)
    held = os.open(tmp_path / "code-running" / "code", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    try:
        vmext(linux, tmp_path, "--version")
        assert not (tmp_path / "code-old").exists()
        assert (tmp_path / "code-running").exists()
    finally:
        os.close(held)


def test_the_resident_agent_starts_itself_out_of_it(linux: Built, tmp_path: Path):
    machine = Machine(tmp_path / "disk")
    machine.boot()
    shutil.copy(linux.single, tmp_path / "vmext.pyz")
    command: list[str | Path] = [
        PYTHON,
        "vmext.pyz",
        "watch",
        "--root",
        machine.root,
        "--state-dir",
        tmp_path / "state",
    ]
    output = tmp_path / "watch.out"
    with output.open("w") as stream:
        environ = {"PATH": "/nowhere", "VMEXT_STATE_DIR": str(tmp_path / "state")}
        agent = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=environ, cwd=tmp_path)
        try:
            until(lambda: " follows " in output.read_text() or agent.poll() is not None, "the first look")
            machine.fail(sequence=1)
            spool = tmp_path / "state" / "spool"
            until(lambda: list(spool.glob("*.zip")) or agent.poll() is not None, "the bundle")
        finally:
            agent.terminate()
            agent.wait(60)
            machine.end()
    assert list(spool.glob("*.zip")), output.read_text()


def test_an_old_python_says_what_is_wrong(linux: Built, tmp_path: Path):
    """What runs before that is known is read by Python 2 as well: its words are those of any version."""
    with zipfile.ZipFile(linux.single) as archive:
        main = archive.read("__main__.py").decode()
    old = "import sys, collections; sys.version_info = collections.namedtuple('V', 'major minor micro')(3, 6, 8)\n"
    done = run([PYTHON, "-c", old + main])
    assert (done.code, done.out) == (2, "")
    assert done.err == "vmext: needs Python 3.10 or newer, this is 3.6\n"
    assert "__future__" not in main
