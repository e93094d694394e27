"""The same inputs, moment and key give the same bytes: in other processes, zones and orders of hashing too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collector.bundle.reader import open_bundle
from tests.bundle.disks import DISKS, bundle_of

PROGRAM = """
import sys
from pathlib import Path
from tests.bundle.disks import bundle_of
for number, disk in enumerate(sys.argv[2:]):
    print(bundle_of(Path(disk), Path(sys.argv[1]) / str(number)).sha256)
"""
CHOSEN = DISKS[::9]


def hashes(folder: Path, **environ: str) -> list[str]:
    command = [sys.executable, "-c", PROGRAM, str(folder), *map(str, CHOSEN)]
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_other_processes_make_the_same_bytes(tmp_path: Path):
    one = hashes(tmp_path / "one", PYTHONHASHSEED="1", TZ="UTC")
    two = hashes(tmp_path / "two", PYTHONHASHSEED="2", TZ="Asia/Tokyo", LC_ALL="C")
    assert one == two
    assert len(set(one)) == len(CHOSEN) > 8


@pytest.mark.parametrize("disk", CHOSEN[:3], ids=lambda disk: disk.parent.name)
def test_where_it_is_written_and_sent_changes_nothing(tmp_path: Path, disk: Path):
    one, two = bundle_of(disk, tmp_path / "a"), bundle_of(disk, tmp_path / "b" / "spool")
    assert one.path.read_bytes() == two.path.read_bytes()
    assert open_bundle(one.path).id == one.path.stem == two.path.stem
