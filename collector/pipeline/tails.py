"""The ends of logs and outputs as plain text, for looking at once more."""

from __future__ import annotations

from collector.data.practices import Place
from collector.diagnose.practices.material import Text
from collector.model import Source
from collector.read.encoding import SAMPLE, find_encoding, text_of, width
from collector.read.source import ByteSource

#: Up to so many bytes of a file are gone through to know the number of a line near its end.
_COUNTED_BYTES = 8_000_000


def tail(source: Source, place: Place, limit_bytes: int) -> Text | None:
    """The last bytes of a file from a whole line on; None where there is no text that can be read."""
    stream = ByteSource(source)
    data, first = b"", 1
    encoding: tuple[str, int] | None = None
    with stream.opened() as is_open:
        if not is_open or stream.packed:
            return None
        encoding = find_encoding(stream.beginning[:SAMPLE])
        if encoding is None:
            return None
        wide = width(encoding[0])
        begin = max(encoding[1], stream.size - limit_bytes)
        begin += (begin - encoding[1]) % wide
        data = b"".join(stream.blocks(begin, stream.size))
        if begin > encoding[1]:
            end = "\n".encode(encoding[0] if wide > 1 else "utf-8")
            cut = data.find(end) + len(end)
            data = data[cut:]
            first = _lines_before(stream, begin + cut, end)
    if not data or encoding is None:
        return None
    text = data.decode(encoding[0], "replace") if width(encoding[0]) > 1 else text_of(data)[0]
    return Text(source.path, place, text.replace("\r\n", "\n").replace("\0", ""), first, stream.size)


def _lines_before(stream: ByteSource, end: int, line_end: bytes) -> int:
    """The number of the line that begins there, 0 where it would cost too much to know."""
    if end > _COUNTED_BYTES:
        return 0
    return 1 + sum(block.count(line_end) for block in stream.blocks(0, end))
