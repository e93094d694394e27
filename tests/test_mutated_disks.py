"""Disks with bytes changed, dropped and put in at random: the run always ends with a bundle that can be read."""

from __future__ import annotations

import random
import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest

from collector import pipeline
from collector.bundle.reader import open_bundle
from collector.bundle.summary import verdict_json, verdict_text
from collector.bundle.writer import write
from collector.model import Source
from collector.redact.redactor import Redactor

HERE = Path(__file__).parent
DISKS = sorted([*HERE.glob("cases/*/disk"), *HERE.glob("scenarios/*/disk")])
NOW = datetime(2026, 11, 24, tzinfo=timezone.utc)
PIECES = [
    b"\n", b"\0", b"\xff\xfe", b'"', b"{", b"exit code: 99999999999999999999 ", b"Timeout(9999999999999999999): x",
    b"0000-00-00T00:00:00Z", b"9999-12-31T23:59:59.999999Z INFO ExtHandler ExtHandler x\n",
    b"0001-01-01T00:00:00Z ERROR ExtHandler [A.B-1.0] x\n", b'JSON config: {"a": "b"}\n', b"--password=x ", b"\x1b[31m",
]  # fmt: skip


class Silent:
    def begin(self, total: int) -> None:
        pass

    def __call__(self, source: Source) -> None:
        pass


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with up to 30 changes."""
    for _ in range(chance.randint(1, 30)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + data[at + chance.randint(1, 50) :]
        elif kind == 2:
            data = data[:at] + data[max(0, at - 40) :]
        elif kind == 3:
            data = data[:at] + chance.choice(PIECES) + data[at:]
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("seed", range(60))
def test_a_broken_disk_still_gives_a_bundle_and_a_verdict(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    disk = tmp_path / "disk"
    shutil.copytree(chance.choice(DISKS), disk)
    files = sorted(file for file in disk.rglob("*") if file.is_file())
    for file in chance.sample(files, min(len(files), chance.randint(1, 6))):
        file.write_bytes(mutated(file.read_bytes(), chance))
    redactor = Redactor(b"k" * 32)
    report = redactor.clean(pipeline.collect(pipeline.Request(root=disk), NOW, Silent()))
    bundle = write(report, seal=redactor, audit=redactor.document, folder=tmp_path / "spool")
    assert open_bundle(bundle.path).id == bundle.id
    assert len(verdict_text(report, bundle, None)) <= 4096
    assert len(verdict_json(report, bundle, None)) <= 4096
