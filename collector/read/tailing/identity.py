"""Which file is which: what stays of a file's content when it is renamed, copied, packed or written on. Pure.

A device and file number alone do not tell: a file system gives them to the next file at once. So what was read of a
file is known by hashes of its beginning, at growing lengths, and of the bytes before places that were read up to. Of
the content itself nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Literal, NamedTuple

#: Device and file number (POSIX), volume and file index (Windows).
FileId = tuple[int, int]
#: Bytes of the beginning that are compared.
BEGINNING = 1_024
#: Bytes before a place that are compared.
SEAM = 256
#: Bytes after a place that are compared where a file may be the copy of a part.
NEXT = 64
#: Lengths at which the beginning is kept, so that a copy that is being written can be told by what is there of it.
_LENGTHS = (16, 32, 64, 128, 256, 512, BEGINNING)
#: Marks nearer to the end than so many are all kept; of those before them, ever fewer.
_NEAR_MARKS = 8
_MOST_MARKS = 64
_FIRST_GAP = 4_096

#: Gives at most so many bytes from a place.
At = Callable[[int, int], bytes]
#: The file holds all that was read of the stream (and maybe more); only a part of it; or something else.
Likeness = Literal["whole", "part", "other"]


class Mark(NamedTuple):
    """A place in a file at which a line begins, or inside of a line that is too long."""

    offset: int  # bytes
    seam: str  # hash of up to `SEAM` bytes before it
    line: int  # number of the line that begins there; 0 where it is not known
    inside: bool = False  # the rest of a line too long lies there
    next_length: int = 0  # bytes after it, up to `NEXT`, ...
    next: str = ""  # ... and their hash, once they were read


class Head(NamedTuple):
    length: int  # bytes
    hash: str


def digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()


def grown(heads: tuple[Head, ...], beginning: bytes) -> tuple[Head, ...]:
    """The hashes of a beginning of which more is there than before. `beginning`: at most `BEGINNING` bytes."""
    size = len(beginning)
    if heads and heads[-1].length >= size:
        return heads
    kept = [head for head in heads if head.length in _LENGTHS]
    known = kept[-1].length if kept else 0
    new = [length for length in (*_LENGTHS, size) if known < length <= size]
    return (*kept, *(Head(length, digest(beginning[:length])) for length in sorted(set(new))))


def begins_alike(heads: tuple[Head, ...], beginning: bytes) -> bool:
    """Whether a file begins as a stream did, as far as both reach. Nothing is like nothing."""
    head = next((head for head in reversed(heads) if head.length <= len(beginning)), None)
    return head is not None and digest(beginning[: head.length]) == head.hash


def seam_before(at: At, offset: int) -> str:
    begin = max(0, offset - SEAM)
    return digest(at(begin, offset - begin))


def likeness(
    heads: tuple[Head, ...], marks: list[Mark], offset: int, size: int, beginning: bytes, seam: Callable[[int], str]
) -> Likeness:
    """What a file of `size` bytes holds of a stream that was read up to `offset`.

    `marks`: places up to which the stream was read, in order. `seam`: the hash before a place of the file.
    """
    if not begins_alike(heads, beginning):
        return "other"
    mark = next((mark for mark in reversed(marks) if mark.offset <= size), None)
    if mark is not None and seam(mark.offset) != mark.seam:
        return "other"
    return "whole" if size >= offset else "part"


def alike_up_to(
    heads: tuple[Head, ...], marks: list[Mark], size: int, beginning: bytes, seam: Callable[[int], str]
) -> int:
    """The last place (bytes) before which a file that begins as the stream is known to be like it."""
    head = max((head.length for head in heads if head.length <= len(beginning)), default=0)
    fits = (mark.offset for mark in reversed(marks) if mark.offset <= size and seam(mark.offset) == mark.seam)
    return max(head, next(fits, 0))


def thinned(marks: list[Mark], keep_from: int) -> list[Mark]:
    """Marks of which those before the last few lie ever further apart. Of those from `keep_from` (bytes) on every
    other one goes only when there are very many."""
    if len(marks) <= _MOST_MARKS:
        return marks
    waiting = [mark for mark in marks if mark.offset >= keep_from]
    if len(waiting) > _MOST_MARKS * 4:
        waiting = [*waiting[:-_NEAR_MARKS:2], *waiting[-_NEAR_MARKS:]]
    old = [mark for mark in marks if mark.offset < keep_from]
    kept = old[-_NEAR_MARKS:]
    gap = _FIRST_GAP
    for mark in reversed(old[:-_NEAR_MARKS]):
        if mark.offset <= kept[0].offset - gap:
            kept.insert(0, mark)
            gap *= 2
    return [*kept, *waiting]
