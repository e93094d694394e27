"""Whether a file that was not there before holds what a stream of the same rotated log has given already: it was
copied, packed, or written anew with more."""

from __future__ import annotations

import os
from collections.abc import Callable

from collector.data.rotated import is_rotated_name
from collector.read.following import Following
from collector.read.identity import BEGINNING, Likeness, alike_up_to, likeness, seam_before
from collector.read.reading import reader_of
from collector.read.stream import Stream

#: Of fewer bytes nothing is told.
LEAST_TOLD = 2
Seam = Callable[[int], str]


def may_be_read(
    follow: Following, fresh: Stream, size: int, beginning: bytes, seam: Seam, known: frozenset[int] | None = None
) -> bool:
    """Whether the stream of a new file is one of its own, to be read from its `offset`.

    Else another stream went on in that file and this one is gone, or it has to wait until that can be told.
    `size`: bytes, unpacked ones. `seam`: the hash before a place of the file, which may be one of the `known` only.
    """
    if is_rotated_name(fresh.path) and any(_is_to_be_told_first(follow, other) for other in follow.of_set(fresh)):
        follow.copies[fresh.number] = None
        return False
    found: list[tuple[bool, int, Stream, Likeness]] = []  # with the bytes up to which they are alike
    for other in follow.of_set(fresh):
        if other.heads and not other.fresh and _may_be_held(other, fresh):
            marks = [mark for mark in (*other.marks, *other.later) if known is None or mark.offset in known]
            given = other.later[-1].offset if other.later else other.offset
            like = likeness(other.heads, marks, given, size, beginning, seam)
            if like != "other":
                alike = alike_up_to(other.heads, marks, size, beginning, seam)
                found.append((like == "whole", alike, other, like))
    follow.copies.pop(fresh.number, None)
    follow.dirty = follow.is_new_unsaved = True
    if not found:
        fresh.fresh = False
        return True
    _, alike, other, like = max(found, key=lambda one: one[:2])
    if other.file_id is None:
        return _of_one_without_file(follow, fresh, other, like, size, seam, alike)
    if other.unlinked is not None and like == "whole" and _is_written_anew(follow, other, size, seam):
        follow.take_over(other, fresh)
        return False
    if other.unlinked is not None and other.path == fresh.path:
        fresh.fresh = False
        return True
    return _of_one_living(follow, fresh, other, like, size, seam)


def _is_to_be_told_first(follow: Following, other: Stream) -> bool:
    """Whether a log's own file, of which a rotated one may be a copy, has not been looked at yet."""
    is_known = other.heads and not other.fresh
    if is_known or other.problem or other.over or other.file_id is None or is_rotated_name(other.path):
        return False
    return _size_now(follow, other) >= LEAST_TOLD


def _may_be_held(other: Stream, fresh: Stream) -> bool:
    """Whether the other's content may lie in the new file, as names and times tell."""
    if other.file_id is not None and other.unlinked is None:
        return is_rotated_name(fresh.path)
    if is_rotated_name(fresh.path) or (other.moved is not None and other.moved == fresh.file_id):
        return True
    return other.path == fresh.path and other.gone_round == fresh.round  # replaced; not deleted, and written later


def _of_one_without_file(
    follow: Following, fresh: Stream, other: Stream, like: Likeness, size: int, seam: Seam, alike: int
) -> bool:
    if like == "whole":
        is_known = fresh.packed and size == other.offset
        follow.take_over(other, fresh)
        other.rotated = other.rotated or is_rotated_name(other.path)
        if is_known:
            follow.finish(other)
        return False
    has_mark = any(mark.offset == alike for mark in other.marks)
    if not has_mark or not is_rotated_name(fresh.path):
        fresh.fresh = False  # alike in the beginning only, as all logs with the same header are
        return True
    fresh.begin_at(size, "" if fresh.packed else seam(size))
    if fresh.packed:
        follow.finish(fresh)
        return False
    return True


def _is_written_anew(follow: Following, other: Stream, size: int, seam: Seam) -> bool:
    """Whether a file holds all that is left in the open file of a stream whose name is gone."""
    file = follow.handles.held(other.number)
    if file is None:
        return False
    end = os.fstat(file.fileno()).st_size
    return end <= size and seam(end) == seam_before(reader_of(file), end)


def _of_one_living(follow: Following, fresh: Stream, other: Stream, like: Likeness, size: int, seam: Seam) -> bool:
    now = _size_now(follow, other)
    if like == "whole" and size > now and other.offset >= now:
        fresh.begin_at(other.offset, other.marks[-1].seam if other.marks else "", other.line, other.inside)
        return True
    place = min(size, now)
    if (there := seam(place)) and not _holds(follow, other, place, there):
        fresh.fresh = False  # alike in the beginning only
        return True
    if like == "part" and fresh.packed:
        fresh.begin_at(size, "")
        follow.finish(fresh)
        return False
    is_weak = like == "part" and size < BEGINNING
    if is_weak and follow.clock() - fresh.grown >= follow.limits.weak:
        fresh.fresh = False
        return True
    follow.copies[fresh.number] = None
    return False


def _holds(follow: Following, stream: Stream, place: int, seam: str) -> bool:
    """Whether a stream's file has the same before a place."""
    file = follow.open(stream) if not stream.packed else None
    try:
        return file is None or seam_before(reader_of(file), place) == seam
    except OSError:
        return True
    finally:
        follow.handles.release(stream.number)


def _size_now(follow: Following, stream: Stream) -> int:
    if stream.packed:
        return stream.size
    file = follow.handles.held(stream.number)
    try:
        return os.fstat(file.fileno()).st_size if file is not None else stream.source.file.stat().st_size
    except OSError:
        return stream.size
