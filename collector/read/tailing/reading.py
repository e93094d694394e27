"""Bytes of an open file from a place."""

from __future__ import annotations

import errno
import io
import os

from collector.read.tailing.identity import At


def reader_of(file: io.FileIO) -> At:
    """Gives at most so many bytes from a place; fewer at the end of the file. Raises OSError."""

    def at(offset: int, length: int) -> bytes:
        file.seek(offset)
        data = file.read(length)
        while data and len(data) < length and (more := file.read(length - len(data))):
            data += more
        return data or b""

    return at


def next_data(file: io.FileIO, offset: int, size: int) -> int:
    """Where the file system has the next bytes that are no hole; `offset` where it does not tell, `size` if none."""

    seek_data = getattr(os, "SEEK_DATA", None)
    if seek_data is None:
        return offset
    try:
        return min(size, file.seek(offset, seek_data))
    except OSError as error:
        return size if error.errno == errno.ENXIO else offset
