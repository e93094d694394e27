"""The files of an installed package below a folder that stands for the root of the system."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import checkout
import share

LIBRARY = "usr/lib/vmext"
PROGRAM = "usr/bin/vmext"
UNIT = "vmext.service"
CONFIG = "etc/vmext/config.toml"


@dataclass(frozen=True, slots=True)
class Flavour:
    """Where distributions differ. Paths below the root."""

    units: str
    zsh: str
    doc: str
    has_config: bool  # whether the package holds the configuration file, or its script copies it


DEB = Flavour("lib/systemd/system", "usr/share/zsh/vendor-completions", "usr/share/doc/vmext", has_config=False)
RPM = Flavour("usr/lib/systemd/system", "usr/share/zsh/site-functions", "usr/share/doc/vmext", has_config=True)


def lay_out(tree: Path, root: Path, flavour: Flavour, epoch: int) -> None:
    """Copies the program's `tree` into the empty folder `root` and puts beside it what belongs to a package."""
    shutil.copytree(tree, root / LIBRARY, symlinks=True, ignore=shutil.ignore_patterns(UNIT))
    made = share.made(f"/{PROGRAM}", epoch)
    (root / PROGRAM).parent.mkdir(parents=True)
    (root / PROGRAM).symlink_to(os.path.relpath(f"/{LIBRARY}/bin/vmext", f"/{PROGRAM}/.."))
    _write(root / flavour.units / UNIT, made.unit)
    _write(root / "usr/share/vmext/config.toml", made.config)
    (root / "etc/vmext").mkdir(parents=True)
    if flavour.has_config:
        _write(root / CONFIG, made.config)
    for name, text in made.pages.items():
        _write_packed(root / f"usr/share/man/man{name.rpartition('.')[2]}" / f"{name}.gz", text.encode())
    _write(root / "usr/share/bash-completion/completions/vmext", made.completion["bash"])
    _write(root / flavour.zsh / "_vmext", made.completion["zsh"])
    _write(root / "usr/share/fish/vendor_completions.d/vmext.fish", made.completion["fish"])
    _write_packed(root / flavour.doc / "changelog.gz", (checkout.REPOSITORY / "CHANGELOG.md").read_bytes())
    _give_rights(root)
    if flavour.has_config:
        (root / CONFIG).chmod(0o600)


def settle_times(root: Path, epoch: int) -> None:
    """One time for everything, so that the same content makes the same package."""
    for path in (*paths(root), root):
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def paths(root: Path) -> Iterator[Path]:
    """Everything below `root`, in an order that does not depend on the file system."""
    yield from sorted(root.rglob("*"))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _write_packed(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(data, 9, mtime=0))


def _give_rights(root: Path) -> None:
    """Whoever builds, and with whatever umask: readable by all, writable by root."""
    for path in (root, *paths(root)):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
