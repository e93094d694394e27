"""Which bytes of a block that was just read are lines to be given. Pure."""

from __future__ import annotations

from typing import NamedTuple

from collector.read.encoding import SAMPLE, find_encoding, width
from collector.read.normal import Normalizer, ends_in_carriage
from collector.read.split import without_half
from collector.read.tailing.line_ends import aligned, first_end, last_end, line_feed, nul_run, text_begin, text_end

#: Without a line end in so many bytes, what is there tells how lines end.
ENOUGH = 65_536
#: What seems no text in fewer bytes than this may become text.
_FEW = 1_024
#: Byte-order marks of 16 bits begin those of 32 bits.
_LONGEST_MARK = 4
BINARY = "binary"


class Text(NamedTuple):
    encoding: str  # BINARY if it is no text
    mark: int  # bytes of the byte-order mark
    carriage: bool  # whether CR alone ends lines


class Cut(NamedTuple):
    """Offsets in the block."""

    begin: int = 0  # the lines to be given lie between begin and end
    end: int = 0
    to: int = 0  # up to here the block is done with
    inside: bool = False  # the rest of a line too long comes next
    broken: bool = False  # the last line has to be ended
    more: bool = False  # a longer block is needed to tell
    nuls: bool = False  # from `to` on there are NULs only


def text_of_beginning(sample: bytes, final: bool) -> Text | None:
    """What a file's beginning tells; None as long as more of it may tell another thing.

    `sample`: up to `ENOUGH` bytes. `final`: no more will come.
    """
    if not final and len(sample) < ENOUGH:
        is_short = len(sample) < _LONGEST_MARK and (b"\0" in sample or sample[:1] >= b"\x80" or len(sample) < 2)
        if b"\n" not in sample or is_short:
            return None
    found = find_encoding(sample[:SAMPLE])
    if found is None:
        return Text(BINARY, 0, False) if final or len(sample) >= _FEW else None
    return Text(*found, ends_in_carriage(found[0], sample[found[1] :]))


def cut(
    block: bytes, text: Text, shift: int, *, before: bytes, inside: bool, at_end: bool, final: bool, most_line: int
) -> Cut:
    """`shift`: offset of the block in the file. `before`: the bytes before it. `inside`: it begins in the rest of a
    line too long. `at_end`: the file ends here now. `final`: nothing more will come. `most_line`: bytes of a line."""
    encoding, carriage = text.encoding, text.carriage
    begin = 0
    limit = text_end(block, encoding) if at_end and block.endswith(b"\0") else len(block)
    if inside:
        begin = _end_of_rest(block, text, shift)
        if not begin:
            rest = len(block) if final else aligned(limit, encoding, shift)
            return Cut(rest, rest, rest, inside=not final)
    elif carriage and _is_half_end(before, block, encoding):
        begin = width(encoding)
    start = begin
    if block.startswith(b"\0", begin):
        begin += text_begin(block[begin:], encoding)
        if not block[begin:].strip(b"\0"):
            return Cut(start, start, start, nuls=True) if not final else Cut(start, start, len(block))
    if final:
        return Cut(begin, limit, len(block))
    end = last_end(block if limit == len(block) else block[:limit], encoding, shift, carriage)
    return (
        Cut(begin, end, end) if end > begin else _without_line_end(block[begin:limit], text, begin, at_end, most_line)
    )


def _end_of_rest(block: bytes, text: Text, shift: int) -> int:
    """Where the rest of a line too long ends; 0 if it goes on."""
    end = first_end(block, text.encoding, shift, text.carriage)
    return nul_run(block[: end or len(block)].rstrip(b"\0") + b"\0", text.encoding) or end


def _without_line_end(body: bytes, text: Text, begin: int, at_end: bool, most_line: int) -> Cut:
    padding = nul_run(body, text.encoding)
    if padding:
        return Cut(begin, begin + padding, begin + padding, broken=True)
    if len(body) >= most_line:
        kept = body[: aligned(most_line, text.encoding, 0)]
        end = begin + len(without_half(kept) if width(text.encoding) == 1 else kept)
        return Cut(begin, end, end, inside=True, broken=True)
    return Cut(begin, begin, begin, more=not at_end)


def lines_of(data: bytes, text: Text, broken: bool) -> bytes:
    """The given bytes as UTF-8 whose lines end in LF."""
    lines = Normalizer(text.encoding, text.carriage).feed(data, final=True)
    return lines + b"\n" if broken and lines and not lines.endswith(b"\n") else lines


def _is_half_end(before: bytes, block: bytes, encoding: str) -> bool:
    """Whether the block begins with the LF of a CR that ended the line before it."""
    unit = line_feed(encoding)
    return before.endswith(unit.replace(b"\n", b"\r")) and block.startswith(unit)
