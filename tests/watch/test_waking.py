"""Being woken by real changes of real folders."""

from __future__ import annotations

import gc
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.watch.waking import Changes, Waker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="how Windows tells is watchdog's own business")
_LONGEST = 20.0


def until(waker: Waker, wanted: Callable[[Changes], bool]) -> Changes:
    """Waits for a change of this kind."""
    end = time.monotonic() + _LONGEST
    while time.monotonic() < end:
        changes = waker.wait(0.5)
        if wanted(changes):
            return changes
    raise AssertionError("no such change was told")


def names(file: Path) -> Callable[[Changes], bool]:
    return lambda changes: changes.files is None or str(file) in changes.files


@pytest.fixture(params=[False, True], ids=["native", "polling"])
def waker(request: pytest.FixtureRequest, tmp_path: Path):
    made = Waker(poll=request.param, poll_seconds=0.05)
    yield made
    made.close()


def test_an_append_wakes(waker: Waker, tmp_path: Path):
    file = tmp_path / "a.log"
    file.write_text("one\n")
    waker.follow({tmp_path: True})
    waker.wait(0.2)
    with file.open("a") as stream:
        stream.write("two\n")
    until(waker, names(file))


def test_a_new_folder_and_what_comes_into_it(waker: Waker, tmp_path: Path):
    waker.follow({tmp_path: True})
    waker.wait(0.2)
    (tmp_path / "New.Extension").mkdir()
    until(waker, lambda changes: changes.folders)
    waker.follow({tmp_path: True})
    (tmp_path / "New.Extension" / "handler.log").write_text("x\n")
    until(waker, lambda changes: changes.folders or any("handler.log" in path for path in changes.came))


def test_reading_wakes_no_one(tmp_path: Path):
    file = tmp_path / "a.log"
    file.write_text("one\n")
    waker = Waker()
    waker.follow({tmp_path: True})
    waker.wait(0.2)
    for _ in range(10):
        file.read_text()
    assert waker.wait(0.5) == Changes()
    waker.close()


def test_a_folder_that_is_deleted_and_made_again(waker: Waker, tmp_path: Path):
    folder = tmp_path / "azure"
    folder.mkdir()
    waker.follow({folder: True})
    shutil.rmtree(folder)
    waker.wait(0.5)
    folder.mkdir()
    waker.wait(0.5)
    waker.follow({folder: True})
    file = folder / "new.log"
    file.write_text("x\n")
    until(waker, lambda changes: names(file)(changes) or changes.folders)


def test_other_threads_can_wake_it(waker: Waker, tmp_path: Path):
    waker.follow({tmp_path: False})
    began = time.monotonic()
    threading.Timer(0.1, waker.wake).start()
    waker.wait(_LONGEST)
    assert time.monotonic() - began < _LONGEST / 2


def test_under_a_flood_it_looks_in_turns_and_later_listens_again(tmp_path: Path):
    file = tmp_path / "a.log"
    waker = Waker()
    waker.follow({tmp_path: False})
    assert waker.mode == "native"
    stop = threading.Event()

    def flood() -> None:
        with file.open("ab", buffering=0) as stream, (tmp_path / "b.log").open("ab", buffering=0) as other:
            while not stop.is_set():
                stream.write(b"x\n")
                other.write(b"x\n")

    writer = threading.Thread(target=flood)
    writer.start()
    try:
        until(waker, lambda changes: waker.mode == "polling")
        assert any("events would cost more" in note for note in waker.notes)
        for _ in range(5):
            until(waker, names(file))
    finally:
        stop.set()
        writer.join()
    until(waker, lambda changes: waker.mode == "native")
    waker.close()


def test_more_folders_than_may_be_watched(tmp_path: Path):
    for number in range(20):
        (tmp_path / str(number)).mkdir()
    waker = Waker(most_watches=10, poll_seconds=0.05)
    waker.follow({tmp_path: True})
    assert waker.mode == "polling"
    file = tmp_path / "7" / "a.log"
    waker.wait(0.2)
    file.write_text("x\n")
    until(waker, lambda changes: changes.folders)
    waker.close()


def test_a_dead_thread_of_the_observer_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from watchdog.observers import inotify_c

    waker = Waker()
    waker.follow({tmp_path: False})
    broken = inotify_c.Inotify.read_events
    monkeypatch.setattr(inotify_c.Inotify, "read_events", lambda *_, **__: (_ for _ in ()).throw(KeyError(3)))
    file = tmp_path / "a.log"
    file.write_text("x\n")  # the thread that waits reads this one still, and dies at the next
    waker.wait(0.5)
    file.write_text("y\n")
    waker.wait(0.5)
    monkeypatch.setattr(inotify_c.Inotify, "read_events", broken)
    waker.wait(0.5)
    file.write_text("z\n")
    until(waker, names(file))
    waker.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the notes are those of its observer")
def test_files_that_are_renamed_all_day_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Folders that are renamed among them are followed all the same."""
    from watchdog.observers.inotify_c import InotifyEvent

    monkeypatch.setattr("collector.watch.waking._FLOOD_EVENTS", 1_000_000)  # to watch anew lets go of everything
    waker = Waker()
    waker.follow({tmp_path: True})
    folder = tmp_path / "0"
    folder.mkdir()
    until(waker, lambda changes: changes.folders)
    for number in range(60):
        for place in range(50):
            (folder / f"{place}.log").touch()
            (folder / f"{place}.log").rename(folder / f"{place}.log.1")
        until(waker, names(folder / "49.log.1"))
        folder = folder.rename(tmp_path / str(number + 1))
        until(waker, lambda changes: changes.folders)
    assert waker.mode == "native"
    held = sum(isinstance(one, InotifyEvent) for one in gc.get_objects())
    assert 0 < held < 1_000, "one of each of 3,060 is held"
    file = folder / "new.log"
    file.write_text("x\n")
    until(waker, names(file))
    waker.close()
