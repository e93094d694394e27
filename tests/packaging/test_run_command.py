"""The script of Run Command brings the real package to a machine that has no Python and no vmext."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.run_command.azure import MOST
from tests.run_command.machine import debian, link
from tests.run_command.server import serving, sha256
from tests.run_command.test_reduced import noisy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="makes chroots, as root"),
]


@pytest.fixture(scope="module")
def archive(request: pytest.FixtureRequest) -> bytes:
    """That of this run; VMEXT_TEST_ARCHIVE names one that was built before."""
    told = os.environ.get("VMEXT_TEST_ARCHIVE")
    built: Path = Path(told) if told else request.getfixturevalue("linux").archive
    return built.read_bytes()


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
