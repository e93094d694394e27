"""The agent's own log: redacted, bounded, quiet about what comes again, and never in anyone's way."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.redact.redactor import DROPPED, Redactor
from collector.watch.own_log import OwnLog, is_own

SECRET = "AccountKey=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zg=="


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., tuple[logging.Logger, OwnLog]]]:
    """A logger of its own with the handler; nothing of it reaches the others."""
    made: list[OwnLog] = []

    def new(
        most_bytes: int = 100_000,
        most_files: int = 3,
        clock: Callable[[], float] | None = None,
        folder: Path | None = None,
    ) -> tuple[logging.Logger, OwnLog]:
        handler = OwnLog(folder or tmp_path / "log", Redactor(b"0" * 32), most_bytes, most_files, clock or Clock())
        logger = logging.Logger("collector.watch.test")
        logger.addHandler(handler)
        made.append(handler)
        return logger, handler

    yield new
    for handler in made:
        handler.close()


def entries(handler: OwnLog) -> list[dict[str, Any]]:
    """Of all files, the oldest first."""
    files = sorted(
        handler.file.parent.glob("vmext.log*"), key=lambda file: -int(file.suffix[1:]) if file.suffix != ".log" else 1
    )
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def test_an_entry(make):
    logger, handler = make()
    logger.warning("%s can't be read: %s", "/var/log/a.log", "denied")
    (entry,) = entries(handler)
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "level": "warning",
        "logger": "collector.watch.test",
        "message": "/var/log/a.log can't be read: denied",
        "pid": os.getpid(),
    }


def test_secrets_are_redacted_in_messages_arguments_and_tracebacks(make):
    logger, handler = make()
    logger.info("sent with %s", SECRET)
    try:
        raise ValueError(SECRET)
    except ValueError:
        logger.exception("failed")
    written = handler.file.read_text()
    assert "Zm9vYmFy" not in written
    assert "Traceback" in written and "[" in written


def test_a_long_message_is_cut_after_it_was_redacted(make):
    logger, handler = make()
    logger.info("%s", "x" * 4_090 + " " + SECRET)
    (entry,) = entries(handler)
    assert len(entry["message"]) == 4_096
    assert "Zm9v" not in entry["message"]


@pytest.mark.parametrize("text", ["a\nb", "\udcff", "\x00\x1b[31m", "\u2028", '"}\n{"level": "error"}'])
def test_an_entry_is_one_line_whatever_is_in_it(make, text):
    logger, handler = make()
    logger.info("%s", text)
    (entry,) = entries(handler)
    assert entry["message"] == text
    assert handler.file.read_bytes().count(b"\n") == 1


class Broken:
    """Can't be told."""

    def __str__(self) -> str:
        raise ValueError(SECRET)


@pytest.mark.parametrize("arguments", [(Broken(),), (1, 2), ()])
def test_a_message_that_cant_be_made_is_told_without_its_content(make, arguments, capsys):
    logger, handler = make()
    logger.error("%d of it", *arguments) if arguments else logger.error("%d %s", 1)
    (entry,) = entries(handler)
    assert "could not be told" in entry["message"]
    assert capsys.readouterr() == ("", "")


class NoRedaction(Redactor):
    """One whose tables are broken."""

    def __init__(self) -> None:
        super().__init__(b"0" * 32)
        self._finder = None  # type: ignore[assignment]


def test_what_cant_be_redacted_is_not_written(tmp_path):
    handler = OwnLog(tmp_path, NoRedaction(), 10_000, 2)
    logger = logging.Logger("collector")
    logger.addHandler(handler)
    logger.info("plain %s", SECRET)
    handler.close()
    written = handler.file.read_text()
    assert "plain" not in written and DROPPED in written


def test_the_files_are_bounded(make):
    logger, handler = make(most_bytes=2_000, most_files=3)
    for number in range(500):
        logger.info("entry %d", number)
    files = sorted(handler.file.parent.iterdir())
    assert [file.name for file in files] == ["vmext.log", "vmext.log.1", "vmext.log.2"]
    assert all(file.stat().st_size <= 2_000 for file in files)
    told = [entry["message"] for entry in entries(handler)]
    assert told == [f"entry {number}" for number in range(500 - len(told), 500)]  # the newest, in order, none missing


def test_one_file_alone(make):
    logger, handler = make(most_bytes=2_000, most_files=1)
    for number in range(100):
        logger.info("entry %d", number)
    assert [file.name for file in handler.file.parent.iterdir()] == ["vmext.log"]
    assert entries(handler)[-1]["message"] == "entry 99"


def test_fewer_files_after_the_configuration_was_read_again(make):
    logger, handler = make(most_bytes=1_000, most_files=5)
    for number in range(100):
        logger.info("entry %d", number)
    root, before = logging.getLogger(), logging.getLogger().level
    try:
        handler.configure("error", 1_000, 2)
        assert root.level == logging.ERROR
    finally:
        root.setLevel(before)
    for number in range(100, 200):
        logger.info("entry %d", number)
    assert len(list(handler.file.parent.iterdir())) == 2


def test_a_restart_goes_on_in_the_same_file(make):
    for number in range(3):
        logger, handler = make()
        logger.info("start %d", number)
        handler.close()
    assert [entry["message"] for entry in entries(handler)] == ["start 0", "start 1", "start 2"]


def test_what_comes_again_is_counted(make):
    clock = Clock()
    logger, handler = make(clock=clock)
    for second in range(1_300):
        clock.now = float(second)
        logger.warning("%s can't be read", "a.log")
        if second == 700:
            logger.warning("%s can't be read", "b.log")
    told = entries(handler)
    assert (
        len([entry for entry in told if "a.log" in str(entry["message"])]) == 9
    )  # three in each of three times ten minutes
    assert [entry["repeated"] for entry in told if "repeated" in entry] == [597, 597]
    assert len([entry for entry in told if "b.log" in str(entry["message"])]) == 1


def test_many_messages_are_not_remembered_for_ever(make):
    logger, handler = make(most_bytes=10_000)
    for number in range(2_000):
        logger.info("entry %d", number)
    assert len(handler._seen) <= 512


def test_a_file_that_was_deleted_is_made_anew(make):
    if sys.platform == "win32":
        pytest.skip("Windows does not let others delete it")
    logger, handler = make()
    logger.info("one")
    handler.file.unlink()
    logger.info("two")
    assert [entry["message"] for entry in entries(handler)] == ["two"]


def test_a_folder_that_is_a_file_never_raises_and_is_told_later(make, tmp_path, capsys):
    clock = Clock()
    (tmp_path / "log").write_text("in the way")
    logger, handler = make(clock=clock)
    for number in range(5):
        logger.info("entry %d", number)
    assert handler.lost == 5
    (tmp_path / "log").unlink()
    logger.info("still waiting")  # the disk is not asked again at once
    clock.now = 60
    logger.info("back")
    assert [entry["message"] for entry in entries(handler)] == ["back", "6 entries before this could not be written"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk")
def test_a_full_disk_leaves_whole_lines():
    """In namespaces of its own, on a disk of 64 KB."""
    script = """
import itertools, logging, sys
from pathlib import Path
from typing import Any
from collector.redact.redactor import Redactor
from collector.watch.own_log import OwnLog
folder, hundreds = Path(sys.argv[1]), itertools.count(0, 100)
handler = OwnLog(folder, Redactor(b"0" * 32), 1_000_000, 3)
handler._clock = lambda: float(next(hundreds))  # asks the disk each time
logger = logging.Logger("collector")
logger.addHandler(handler)
for number in range(2_000):
    logger.info("entry %d %s", number, "x" * 100)
data = handler.file.read_bytes()
assert handler.lost > 1_000, handler.lost
assert data.endswith(b"}\\n"), data[-100:]
assert len(data) > 40_000
(folder / "filler").unlink()
logger.info("there is room")
print(handler.file.read_text().splitlines()[-1])
"""
    folder = f"/tmp/vmext-own-log-{os.getpid()}"
    Path(folder).mkdir()
    shell = (
        f"mount -t tmpfs -o size=64k none {folder} && head -c 8192 /dev/zero > {folder}/filler"
        f' && exec "{sys.executable}" -c "$0" {folder}'
    )
    try:
        done = subprocess.run(["unshare", "-rm", "sh", "-c", shell, script], capture_output=True, text=True, timeout=60)
    finally:
        Path(folder).rmdir()
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no namespaces here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert "could not be written" in done.stdout


def test_many_threads_write_whole_lines(make):
    logger, handler = make(most_bytes=20_000, most_files=50)

    def write(name: int) -> None:
        for number in range(100):
            logger.info("thread %d entry %d", name, number)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({entry["message"] for entry in entries(handler)}) == 800


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_only_its_owner_may_read_it(make):
    logger, handler = make()
    logger.info("x")
    assert handler.file.stat().st_mode & 0o777 == 0o600
    assert handler.file.parent.stat().st_mode & 0o777 == 0o700


def test_installed_it_is_the_only_place_of_our_log(tmp_path):
    """In a process of its own: the root logger belongs to all."""
    script = (
        "import logging, sys\nfrom pathlib import Path\nfrom collector.redact.redactor import Redactor\n"
        "from collector.watch.own_log import install\n"
        "install(Path(sys.argv[1]), Redactor(b'0' * 32), 'warning', 10_000, 2)\n"
        "logging.getLogger('collector.x').info('no')\nlogging.getLogger('collector.x').warning('yes')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("", "")
    (entry,) = [json.loads(line) for line in (tmp_path / "vmext.log").read_text().splitlines()]
    assert (entry["message"], entry["logger"]) == ("yes", "collector.x")


# ---- never in a loop with what is tailed ----------------------------------------------------------------


def test_everything_in_the_state_folder_is_own(tmp_path):
    state = tmp_path / "disk" / "var" / "log" / "state"
    own = is_own(state)
    state.mkdir(parents=True)
    own = is_own(state)
    assert (
        own(state / "log" / "vmext.log") and own(state / "log" / "vmext.log.1") and own(state / "watch" / "ring" / "x")
    )
    assert own(state)
    assert not own(tmp_path / "disk" / "var" / "log" / "state.log")
    assert not own(tmp_path / "disk" / "var" / "log" / "state2" / "x.log")
    assert own(tmp_path / "disk" / "var" / "log" / "other" / ".." / "state" / "x.log")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_by_whatever_path_it_is_reached(tmp_path):
    state = tmp_path / "state"
    (state / "log").mkdir(parents=True)
    (tmp_path / "link").symlink_to(state)
    (state / "log" / "vmext.log").touch()
    (tmp_path / "file.log").symlink_to(state / "log" / "vmext.log")
    assert is_own(state)(tmp_path / "link" / "log" / "vmext.log")
    assert is_own(tmp_path / "link")(state / "log" / "vmext.log")
    assert is_own(state)(tmp_path / "file.log")


def test_the_case_matters_where_it_matters_to_the_system(tmp_path):
    (tmp_path / "State").mkdir()
    same = os.path.normcase("A") == os.path.normcase("a")
    assert is_own(tmp_path / "State")(tmp_path / "STATE" / "x.log") is same
