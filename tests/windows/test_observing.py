"""Being told of changes by Windows, and no longer wanting to be told."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from watchdog.events import FileSystemEventHandler

from collector.platforms.observing import observer
from collector.watch.waking import Waker

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="needs Windows: scripts/test-windows")


def test_what_began_a_moment_ago_is_ended_again_and_again(tmp_path: Path):
    """A handle that is closed while a thread begins to wait on it ends the process under Wine, or hangs it."""
    folders = {tmp_path: True, **{tmp_path / str(number): False for number in range(4)}}
    for folder in folders:
        folder.mkdir(exist_ok=True)
    before = threading.active_count()
    for number in range(40):
        waker = Waker()
        waker.follow(folders)
        (tmp_path / "1" / f"{number}.log").write_text("x")
        waker.follow({tmp_path: True})  # takes the others away
        waker.close()
    assert threading.active_count() == before


def test_what_was_ended_before_is_not_closed_again(tmp_path: Path):
    """Else the number of its handle, which belongs to another file by then, is."""
    made = observer()
    made.start()
    made.schedule(FileSystemEventHandler(), str(tmp_path))
    (emitter,) = made.emitters
    emitter.stop()
    files = [tmp_path / f"{number}.log" for number in range(40)]
    streams = [file.open("w") for file in files]
    made.stop()
    made.join()
    for stream in streams:
        stream.write("x")
        stream.close()
    assert all(file.read_text() == "x" for file in files)
