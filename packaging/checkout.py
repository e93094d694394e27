"""The checkout that is packed: its version, its time, vmext's own files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def version() -> str:
    """vmext's version, read from its source. Raises ValueError where it is not told there."""
    found = re.search(r'^__version__ = "([^"]+)"', Path(REPOSITORY, "collector/__init__.py").read_text("utf-8"), re.M)
    if not found:
        raise ValueError("collector/__init__.py tells no version")
    return found[1]


def commit_time() -> int:
    """Seconds since 1970 that stand for the moment of the build: SOURCE_DATE_EPOCH, else the commit's."""
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told:
        return int(told)
    command = ["git", "-C", str(REPOSITORY), "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def cache() -> Path:
    """Where builds are kept from one run to the next."""
    told = os.environ.get("VMEXT_BUILD_CACHE")
    if told:
        return Path(told)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "vmext", "build")


def copy_vmext(site: Path) -> None:
    """vmext's own files; what git ignores is none of them."""
    listing = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run([*listing, "collector"], capture_output=True, text=True, check=True).stdout
    for name in told.split("\0"):
        if name and Path(REPOSITORY, name).is_file():
            target = site / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, target)
