"""Runs vmext out of a .pyz: unpacks it once below the state folder, since psutil is compiled, and starts it there.

A file of the .pyz, beside `code/`, which holds the packages, and `MANIFEST`: hash, size and name of each of its files.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import zipfile
from pathlib import Path

_USAGE = 2


class Refused(Exception):
    """Why nothing is run; a sentence for people."""


def main() -> None:
    """Ends the process."""
    archive = Path(sys.argv[0]).resolve()
    sys.argv[0] = str(archive)  # what starts itself again may be in another folder by then
    try:
        code = _unpacked(archive)
        lock = _held(code)
    except (Refused, OSError) as error:
        sys.stderr.write(f"vmext: can't be unpacked: {error}\n  VMEXT_STATE_DIR names another folder for it.\n")
        sys.exit(_USAGE)
    sys.path[0] = str(code / "code")
    from collector.cli import main as run

    result = run()
    os.close(lock)
    sys.exit(result)


def _state() -> Path:
    told = os.environ.get("VMEXT_STATE_DIR")
    if told:
        return Path(told)
    if os.geteuid() == 0:
        return Path("/var/lib/vmext")
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "state") / "vmext"


def _unpacked(archive: Path) -> Path:
    """The folder of what is in `archive`, made if it is not there or not whole. Raises Refused, or OSError."""
    state = _state().absolute()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    _own(state)
    with zipfile.ZipFile(archive) as packed:
        manifest = packed.read("MANIFEST")
        rows = [line.split("  ", 2) for line in manifest.decode().splitlines()]
        folder = state / f"code-{hashlib.sha256(manifest).hexdigest()[:16]}"
        if _whole(folder, rows):
            return folder
        part = Path(tempfile.mkdtemp(prefix="code.part-", dir=state))  # 0700
        try:
            for sha256, _, name in rows:
                _write(part, name, packed.read(name), sha256)
            if folder.is_symlink() or folder.is_file():
                folder.unlink()
            elif folder.exists() and not _whole(folder, rows):
                folder.rename(part / "broken")
            try:
                part.rename(folder)
            except OSError:  # another process was faster
                if not _whole(folder, rows):
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(folder / "broken", ignore_errors=True)
    _remove_others(state, folder)
    return folder


def _write(part: Path, name: str, data: bytes, sha256: str) -> None:
    path = part / name
    if ".." in path.parts or hashlib.sha256(data).hexdigest() != sha256:
        raise Refused(f"{name} is not what the manifest says")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(data)  # not synced: what a crash leaves empty has not its size, and is unpacked anew


def _whole(folder: Path, rows: list[list[str]]) -> bool:
    """Raises Refused where somebody else could have written it."""
    if not folder.is_dir() or folder.is_symlink():
        return False
    _own(folder)
    try:
        return all((folder / name).lstat().st_size == int(size) for _, size, name in rows)
    except OSError:
        return False


def _own(folder: Path) -> None:
    """Raises Refused unless the folder is ours alone, and nobody else may put another in its place."""
    mode = folder.lstat()
    if not stat.S_ISDIR(mode.st_mode) or mode.st_uid != os.geteuid() or mode.st_mode & 0o022:
        raise Refused(f"{folder} is not a folder that only this user may write to")
    for parent in folder.resolve().parents:
        above = parent.stat()
        others = above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX
        if others or above.st_uid not in (0, os.geteuid()):
            raise Refused(f"others may write to {parent}")


def _held(folder: Path) -> int:
    """A lock that tells others that this code is in use; the system takes it back."""
    lock = os.open(folder / "code", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _remove_others(state: Path, kept: Path) -> None:
    """Removes the code of other versions, unless it runs."""
    for folder in state.glob("code-*"):
        if folder == kept or folder.is_symlink():
            continue
        try:
            lock = os.open(folder / "code", os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(lock)
