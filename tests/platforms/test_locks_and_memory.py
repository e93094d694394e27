"""Locks of others, and memory that goes back, as the running system tells them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from collector.deliver.lock import held
from collector.platforms.locks import is_locked

HOLD = """
import sys
from pathlib import Path
from collector.deliver.lock import held
with held(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


def test_a_lock_of_another_process_is_seen_and_not_disturbed(tmp_path: Path):
    file = tmp_path / "lock"
    assert not is_locked(file)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline().strip() == "True"
        assert is_locked(file)
        with held(file) as mine:
            assert not mine
        process.stdin.write("\n")
        process.stdin.close()
        assert process.wait(60) == 0
    assert not is_locked(file)
    with held(file) as mine:  # asking has left nothing behind
        assert mine


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="becomes another user")
def test_a_lock_in_a_folder_that_may_not_be_entered():
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom collector.platforms.locks import is_locked\nos.setuid(65534)\n"
        "try:\n    is_locked(Path(sys.argv[1]))\nexcept PermissionError:\n    print('denied')"
    )
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o700)
        (Path(place) / "lock").touch()
        done = subprocess.run(
            [sys.executable, "-c", script, str(Path(place) / "lock")],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    assert done.stdout.strip() == "denied"


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="its C library keeps no pages")
def test_memory_that_was_freed_goes_back_to_the_system():
    script = """
import psutil
from collector.platforms.memory import give_back
kept = [bytes(2_000) for _ in range(20_000)]
last = bytes(2_000)  # above the others: the C library gives back by itself only what is at the end
full = psutil.Process().memory_info().rss
del kept
freed = psutil.Process().memory_info().rss
give_back()
print(full, freed, psutil.Process().memory_info().rss)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    full, freed, after = map(int, done.stdout.split())
    assert full - freed < 20_000_000 < full - after
