"""Which file systems tell of changes, from what the kernel says of its mounts; and one that does not, for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collector.platforms.file_systems import kind_of, notifies

MOUNTS = r"""21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 21 0:30 / /mnt/two\040words rw shared:7 - nfs4 server:/logs rw
31 21 0:31 / /var/log rw - tmpfs tmpfs rw
32 21 0:32 / /var/log rw - overlay overlay rw,lowerdir=/a
33 21 0:33 / /home/me/drive rw - fuse.rclone remote: rw
a line that is none
"""
#: Follows a folder on an overlay, writes there, and tells how it found out.
WATCHED = """
import sys, time
from pathlib import Path
from collector.watch.waking import Waker

folder, below = Path(sys.argv[1]), Path(sys.argv[2])
waker = Waker(poll_seconds=0.05)
waker.follow({folder: True})
below.write_text("a line")  # past the overlay: no event tells it
end = time.monotonic() + 30
while waker.wait(1.0).files is not None and time.monotonic() < end:
    pass
print(waker.mode, (folder / below.name).read_text(), *waker.notes, sep="; ")
waker.close()
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="only there the kernel tells its mounts so")


@linux
@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/waagent", "ext4"),
        ("/var/log/azure", "overlay"),  # the later mount lies over the other
        ("/var/logs", "ext4"),
        ("/mnt/two words/x", "nfs4"),
        ("/home/me/drive", "fuse.rclone"),
    ],
)
def test_the_kind_is_that_of_the_nearest_mount(tmp_path: Path, folder: str, kind: str):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert kind_of(Path(folder), mounts) == kind


@linux
def test_where_the_kernel_tells_nothing_events_are_asked_for(tmp_path: Path):
    assert kind_of(tmp_path, tmp_path / "missing") == ""
    assert kind_of(Path("/proc/self")) == "proc"
    assert notifies(Path("/proc")) == ""


@pytest.mark.skipif(os.name != "nt", reason="only there")
def test_a_share_of_windows_is_looked_at_in_turns():
    assert notifies(Path(r"\\server\logs\azure")) == "it lies on a share"
    assert notifies(Path(r"C:\WindowsAzure")) == ""


@linux
def test_on_an_overlay_the_agent_looks_in_turns(tmp_path: Path):
    for name in ("lower", "files", "merged"):
        (tmp_path / name).mkdir()
    mount = (
        "mount -t tmpfs files files && mkdir files/upper files/work && "
        "mount -t overlay overlay -o lowerdir=lower,upperdir=files/upper,workdir=files/work merged && "
        'exec "$0" -c "$1" merged lower/a.log'
    )
    done = subprocess.run(
        ["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m", "sh", "-c", mount, sys.executable, WATCHED],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this user may not mount")
    assert done.stdout == "polling; a line; merged: it lies on overlay\n", done.stderr
