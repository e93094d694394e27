"""Archives whose bytes depend on what is in them only: sorted, owned by root, with one time for all."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from pathlib import Path


def pack(tree: Path, top: str, target: Path, moment: int) -> None:
    """A .tar.gz of `tree` below the folder `top`; `moment` in seconds since 1970."""

    def settled(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = moment
        return member

    # The name of the file and the time of the packing would stand in gzip's header.
    with (
        target.open("wb") as out,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=out, mtime=moment) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        archive.add(tree, top, recursive=False, filter=settled)
        for path in sorted(tree.rglob("*"), key=lambda path: path.relative_to(tree).as_posix()):
            archive.add(path, f"{top}/{path.relative_to(tree).as_posix()}", recursive=False, filter=settled)


def sha256(file: Path) -> str:
    """Of a whole file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
