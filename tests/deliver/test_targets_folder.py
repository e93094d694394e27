"""A folder as a target: whole or not at all, once, and every fault of a disk in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.deliver.send import deliver
from collector.deliver.spool import Spool, bundle_info
from collector.deliver.targets import target_for
from collector.deliver.targets.folder import FolderTarget
from collector.errors import DeliveryError
from collector.model import BundleInfo
from tests.collecting import failing_disk, vmext

ID = "0123456789abcdef"
needs_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="mounts a small disk")


@pytest.fixture
def bundle(tmp_path: Path) -> BundleInfo:
    file = tmp_path / "spool" / f"{ID}.zip"
    file.parent.mkdir()
    file.write_bytes(os.urandom(700_000))
    return bundle_info(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "bundles of all"
    place.mkdir()
    return place


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", place], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def everything(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_delivered_and_taken_out_of_the_spool(bundle: BundleInfo, folder: Path):
    content, spool = bundle.path.read_bytes(), Spool(bundle.path.parent)
    delivery = deliver(bundle, spool, folder.as_uri(), None)
    assert (delivery.state, delivery.target) == ("delivered", str(folder))
    assert delivery.received is not None
    assert everything(folder) == [f"{ID}.zip"]
    assert (folder / f"{ID}.zip").read_bytes() == content
    assert spool.pending() == ()


def test_sent_twice_is_stored_once(bundle: BundleInfo, folder: Path):
    target = target_for(str(folder), None)
    first = target.put(bundle, 5)
    before = (folder / f"{ID}.zip").stat()
    assert target.put(bundle, 5) == first
    after = (folder / f"{ID}.zip").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_another_file_of_that_name_is_never_overwritten(bundle: BundleInfo, folder: Path):
    (folder / f"{ID}.zip").write_bytes(b"something else")
    with pytest.raises(DeliveryError, match="is not this bundle") as error:
        FolderTarget(str(folder)).put(bundle, 5)
    assert not error.value.retry
    assert (folder / f"{ID}.zip").read_bytes() == b"something else"


def test_a_folder_that_is_not_there_is_not_made(bundle: BundleInfo, tmp_path: Path):
    with pytest.raises(DeliveryError, match="there is no folder") as error:
        FolderTarget(str(tmp_path / "share" / "bundles")).put(bundle, 5)
    assert (error.value.retry, error.value.hint) == (False, "Make or mount it.")
    assert not (tmp_path / "share").exists()


def test_a_bundle_that_changed_on_the_disk_is_not_delivered(bundle: BundleInfo, folder: Path):
    bundle.path.write_bytes(b"x")
    with pytest.raises(DeliveryError, match="has changed"):
        FolderTarget(str(folder)).put(bundle, 5)
    assert everything(folder) == []


@needs_root
def test_a_full_disk(bundle: BundleInfo, small_disk: Path):
    with pytest.raises(DeliveryError, match="No space left") as error:
        FolderTarget(str(small_disk)).put(bundle, 5)
    assert "Make room" in error.value.hint
    assert everything(small_disk) == []
    delivery = deliver(bundle, Spool(bundle.path.parent), str(small_disk), None)
    assert (delivery.state, bundle.path.exists()) == ("spooled", True)


@needs_root
def test_a_disk_that_is_mounted_for_reading_only(bundle: BundleInfo, small_disk: Path):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(DeliveryError, match="Read-only") as error:
        FolderTarget(str(small_disk)).put(bundle, 5)
    assert "Mount it for writing" in error.value.hint


@needs_root
def test_a_folder_that_only_others_may_write_to(bundle: BundleInfo, folder: Path):
    folder.chmod(0o555)
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom collector.deliver.targets.folder import FolderTarget\n"
        "from collector.deliver.spool import bundle_info\nfrom collector.errors import DeliveryError\n"
        "one = bundle_info(Path(sys.argv[1])); os.setgid(65534); os.setuid(65534)\n"
        "try: FolderTarget(sys.argv[2]).put(one, 5)\n"
        "except DeliveryError as error: print(error, error.hint, error.retry)\n"
    )
    for place in folder.parents[:3]:
        place.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", script, bundle.path, folder], capture_output=True, text=True)
    assert "Permission denied Let the user that vmext runs as write there. False" in done.stdout, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process by a signal")
def test_killed_in_the_middle_it_leaves_no_bundle_and_the_next_try_cleans_up(bundle: BundleInfo, folder: Path):
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom collector.deliver.targets.folder import FolderTarget\n"
        "from collector.deliver.spool import bundle_info\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "FolderTarget(sys.argv[2]).put(bundle_info(Path(sys.argv[1])), 5)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, bundle.path, folder])
    assert done.returncode == -signal.SIGKILL
    assert everything(folder) == [f".{ID}.partial"]
    assert FolderTarget(str(folder)).put(bundle, 5).state == "delivered"
    assert everything(folder) == [f"{ID}.zip"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs the right to make links")
def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(bundle: BundleInfo, folder: Path, tmp_path: Path):
    (tmp_path / "precious").write_bytes(b"precious")
    (folder / f".{ID}.partial").symlink_to(tmp_path / "precious")
    assert FolderTarget(str(folder)).put(bundle, 5).state == "delivered"
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_collect_delivers_to_a_folder(folder: Path, tmp_path: Path):
    disk = failing_disk(tmp_path / "disk")
    options = ("--root", disk, "--state-dir", tmp_path / "state", "--format", "json")
    result = vmext("collect", *options, "--upload", folder)
    assert result.code == 10, result.err
    assert result.json["delivery"]["state"] == "delivered"
    assert everything(folder) == [f"{result.json['bundle']['id']}.zip"]
