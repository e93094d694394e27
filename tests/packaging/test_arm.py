"""The packages for aarch64, whose programs run under an emulator here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from collector import __version__
from tests.collecting import failing_disk
from tests.endpoint.running import endpoint
from tests.packaging.packaged import Packages
from tests.packaging.roots import made
from tests.packaging.test_rpm import asked
from tests.received import received

pytestmark = pytest.mark.slow
EMULATOR = "/usr/bin/qemu-aarch64-static"
PROGRAM = (
    EMULATOR,
    "/usr/lib/vmext/python/bin/python3",
    "-I",
    "/usr/lib/vmext/python/lib/python3.13/site-packages/collector/__main__.pyc",
)


def test_the_deb_is_installed_beside_the_library_of_its_machine_and_works(packages_aarch64: Packages, tmp_path: Path):
    root = made("bookworm", tmp_path / "root", ("libc6:arm64",), ("amd64", "arm64"))
    shutil.copy(EMULATOR, root.path(EMULATOR))
    root.done("dpkg", "--install", root.bring(packages_aarch64.deb()))
    assert root.done("dpkg-query", "--show", "--showformat=${Architecture} ${Status}", "vmext") == (
        "arm64 install ok installed"
    )
    assert root.done(*PROGRAM, "--version") == f"vmext {__version__}\n"
    failing_disk(root.path("/disk"))
    with endpoint(tmp_path / "endpoint") as served:
        root.path("/token").write_text(served.token)
        result = root.run(*PROGRAM, "collect", "--root", "/disk", "--upload", served.url, "--token-file", "/token")
        assert result.code == 10, result
        assert [row["verdict"] for row in received(served)] == ["failed"]
    root.done("dpkg", "--purge", "vmext")
    assert not root.has("/usr/lib/vmext") and not root.has("/var/lib/vmext")


def test_the_rpm_is_for_its_machine(packages_aarch64: Packages):
    assert asked(packages_aarch64.rpm(), "%{ARCH} %{OS}") == "aarch64 linux"
    told = subprocess.run(["rpm", "--checksig", packages_aarch64.rpm()], capture_output=True, text=True, check=True)
    assert told.stdout.strip().endswith("digests OK")
