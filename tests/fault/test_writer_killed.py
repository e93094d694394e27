"""A writer that is killed at any instant leaves whole bundles, and nothing that stays; encrypted ones too."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyrage
import pytest

from collector.bundle.encryption import recipients
from collector.bundle.reader import open_received
from collector.bundle.verifying import verify
from collector.bundle.writer import write
from tests.bundle.samples import REPORT, seal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the writers are forked")
#: At most this long after it began is a writer killed: a few bundles' time.
_LONGEST = 0.06


@contextmanager
def writers(folder: Path, *keys: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.fault.forking_writer", str(folder), *keys]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def kill_one(process: subprocess.Popen[str], seconds: float) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    pid = int(process.stdout.readline())
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    assert process.stdout.readline() == "gone\n"


@pytest.mark.parametrize(("kills", "encrypted"), [(300, False), (150, True)], ids=["clear", "encrypted"])
def test_a_kill_at_any_instant_leaves_only_whole_bundles(tmp_path: Path, kills: int, encrypted: bool):
    keys = [str(pyrage.x25519.Identity.generate().to_public())] if encrypted else []
    chance = random.Random(11)
    sizes, whole = [], 0
    with writers(tmp_path, *keys) as process:
        for _ in range(kills):
            kill_one(process, chance.random() * _LONGEST)
            left = list(tmp_path.glob(".*.partial"))
            assert len(left) <= 1, "what the run before left is removed before the next one writes"
            for file in left:
                sizes.append(file.stat().st_size)
                assert not (encrypted and b"findings.json" in file.read_bytes()), "a plain bundle was on the disk"
            for file in tmp_path.glob("*.zip"):
                assert open_received(file).id == file.stem
                assert verify(file).problems == []
                whole += 1
                file.unlink()
            assert {file.suffix for file in tmp_path.iterdir()} <= {".partial"}
    assert whole, "no writer came to its end"
    assert len(sizes) > kills / 20, "hardly a kill came while a bundle was being written"
    if not encrypted:
        assert len(set(sizes)) > 3, "the kills came at the same place"
    info = write(REPORT, seal=seal, audit=dict, folder=tmp_path, recipients=recipients(keys) if keys else None)
    assert list(tmp_path.iterdir()) == [info.path], "the next run has cleaned up"
