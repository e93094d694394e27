"""A system as small as it can be: the C library, a shell, two programs, and no Python."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

_PROGRAMS = ("/bin/sh", "/usr/bin/readlink", "/usr/bin/dirname", "/usr/bin/env")
#: What Python loads when it looks up a name or a user, and what it is linked with.
_LIBRARIES = (
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libnss_files.so.2",
    "libgcc_s.so.1",
)


def make(folder: Path) -> Path:
    """Fills `folder` with this machine's C library and shell; to be used with chroot."""
    for program in _PROGRAMS:
        told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for file in [program, *re.findall(r"(/\S+\.so\S*)", told)]:
            _copy(Path(file), folder / file.lstrip("/"))
    libc = next(folder.rglob("libc.so.6"))
    for name in _LIBRARIES:
        if (found := Path("/", libc.relative_to(folder).parent, name)).exists():
            _copy(found, libc.with_name(name))
    for name in ("dev", "etc", "proc", "tmp", "opt", "root"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    assert not list(folder.rglob("*python*"))
    return folder


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
