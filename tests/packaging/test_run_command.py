"""The script of Run Command brings the real package to a machine that has no Python and no vmext."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run_command.azure import MOST
from tests.run_command.machine import debian, link
from tests.run_command.server import serving, sha256
from tests.run_command.test_reduced import noisy

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "scripts/build-linux"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="makes chroots, as root"),
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """VMEXT_TEST_ARCHIVE names one that was built before."""
    told = os.environ.get("VMEXT_TEST_ARCHIVE")
    if told:
        return Path(told).read_bytes()
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run([BUILD, "x86_64", "--out", out], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = out.glob("vmext-*-linux-x86_64.tar.gz")
    return file.read_bytes()


def test_a_machine_without_python_gets_the_whole_verdict(tmp_path: Path, archive: bytes):
    machine = debian(tmp_path / "machine", ["curl", "setsid"])
    for name in ("libm.so.6", "libpthread.so.0", "libdl.so.2", "libutil.so.1", "librt.so.1"):
        link(Path("/lib/x86_64-linux-gnu") / name, machine.root / "lib/x86_64-linux-gnu" / name)
    noisy(machine.root, handlers=3, sequences=1, lines=500)
    with serving(archive) as server:
        ran = machine.run(server.url, sha256(archive), VMEXT_COLLECT_ARGUMENTS="--no-upload")
    assert ran.code == 0
    assert ran.verdict.whole, ran.message
    assert ran.verdict.bundle, ran.message
    assert "reduced verdict" not in ran.text
    assert len(ran.out) <= MOST
    assert machine.remains() == []
    bundles = list(machine.root.glob("var/lib/vmext/**/*.zip"))
    assert bundles, "the bundle stays where vmext keeps it"
