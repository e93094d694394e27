"""A zip from another machine, read with bounds: nothing it says of itself is believed."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from collector.errors import BundleError

_CHUNK = 1 << 16  # bytes
_END = b"PK\x05\x06"  # end of central directory, its last 22 bytes where there is no comment (APPNOTE 4.3.16)
_END_SIZE = 22
_MEMBER = b"PK\x03\x04"  # before the first member (APPNOTE 4.3.7)
_END64_LOCATOR = b"PK\x06\x07"  # stands 20 bytes before it in a ZIP64 archive (APPNOTE 4.3.15)
_DIRECTORY_ENTRY = 46 + 1_024  # bytes of one entry with the longest name and fields that we accept
#: All that the standard library raises for a damaged or unusual archive.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)  # fmt: skip
_NAME = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|]{1,512}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a bundle. Sizes in bytes; `ratio` of text to packed bytes, for members above `ratio_from`."""

    file_bytes: int = 64_000_000
    members: int = 2_000
    member_bytes: int = 32_000_000
    total_bytes: int = 128_000_000
    ratio: int = 400
    ratio_from: int = 4_000_000


@contextmanager
def opened(file: Path | BinaryIO, limits: Limits) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """The archive and its members by name, once its bounds are checked. BundleError where it is no fair zip."""
    with _stream(file) as stream:
        check_size(stream, limits)
        size = stream.seek(0, 2)
        stream.seek(0)
        try:
            zipped = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise BundleError(f"the bundle is no readable zip file: {error}") from error
        with zipped:
            yield zipped, check_members(zipped, size, limits)


@contextmanager
def _stream(file: Path | BinaryIO) -> Iterator[IO[bytes]]:
    if not isinstance(file, Path):
        yield file
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise BundleError(f"the bundle {file} can't be opened: {error.strerror}") from error
    with stream:
        yield stream


def check_size(file: IO[bytes], limits: Limits) -> None:
    """Refuses, before the directory is read into memory, a file that is no plain zip or a huge one."""
    file.seek(0, 2)
    size = file.tell()
    if size > limits.file_bytes:
        raise BundleError(f"the bundle has {size} bytes, more than {limits.file_bytes}")
    file.seek(max(0, size - _END_SIZE - 20))
    tail = file.read(_END_SIZE + 20)
    end = tail[-_END_SIZE:]
    if len(end) < _END_SIZE or not end.startswith(_END) or end[20:22] != b"\0\0":
        raise BundleError("the bundle is no zip file, or only a part of one")
    if tail[:-_END_SIZE].startswith(_END64_LOCATOR):
        raise BundleError("the bundle is a ZIP64 archive, which none of this size needs to be")
    entries, directory = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if entries > limits.members or directory > limits.members * _DIRECTORY_ENTRY:
        raise BundleError(f"the bundle has more than {limits.members} members")
    file.seek(0)
    if not file.read(4).startswith(_MEMBER) or int.from_bytes(end[16:20], "little") + directory != size - _END_SIZE:
        raise BundleError(
            "the bundle is damaged, or has something else before it: it may pass for another kind of file"
        )


def check_members(zipped: zipfile.ZipFile, file_bytes: int, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """The members by name, if every one of them is a plain file of a fair size with a name of its own."""
    infos = zipped.infolist()
    if len(infos) > limits.members:
        raise BundleError(f"the bundle has more than {limits.members} members")
    by_name: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for info in infos:
        _check_name(info)
        _check_member(info, limits)
        if info.filename.casefold() in folded:
            raise BundleError(f"the bundle has two members {info.filename!r}")
        folded.add(info.filename.casefold())
        by_name[info.filename] = info
    if sum(info.file_size for info in infos) > limits.total_bytes:
        raise BundleError(f"the bundle's members declare more than {limits.total_bytes} bytes")
    if sum(info.compress_size for info in infos) > file_bytes:
        raise BundleError("the bundle's members overlap")
    return by_name


def _check_name(info: zipfile.ZipInfo) -> None:
    """The name as it stands in the file: Python's own is cut at a NUL and has other separators replaced."""
    name = info.orig_filename
    if name != info.filename or not _NAME.fullmatch(name):
        raise BundleError(f"the bundle has a member with a bad name: {name[:100]!r}")
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise BundleError(f"the bundle has a member outside of it or a folder: {name[:100]!r}")


def _check_member(info: zipfile.ZipInfo, limits: Limits) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise BundleError(f"the member {info.filename} is no plain file")
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BundleError(f"the member {info.filename} is encrypted or packed in an unknown way")
    if info.file_size > limits.member_bytes:
        raise BundleError(f"the member {info.filename} declares more than {limits.member_bytes} bytes")
    if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(1, info.compress_size):
        raise BundleError(f"the member {info.filename} is packed more than {limits.ratio} times")


def chunks(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The member's bytes, never more than it declares. BundleError where it lies or is damaged."""
    count = 0
    try:
        with zipped.open(info) as member:
            while block := member.read(_CHUNK):
                count += len(block)
                if count > info.file_size:
                    raise BundleError(f"the member {info.filename} is longer than it declares")
                yield block
    except _BROKEN as error:
        raise BundleError(f"the member {info.filename} is damaged: {error}") from error
    if count != info.file_size:
        raise BundleError(f"the member {info.filename} is shorter than it declares")
