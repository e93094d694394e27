"""The read stage alone, in a fresh process: `time` prints how long one pass over a log takes, `search` how long the
search for its lines with a word takes (without the records around them), `find` what is found.

The clock stands around the reader, as the pipeline calls it: opening, format, bisection, scan and lines are counted,
the start of the interpreter and the imports aren't.

usage: python -m tests.bench.stage time|search|find FILE WORD|WORD... [START END]
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from collector.model import Line, Source
from collector.parse.registry import bounds_of, detect
from collector.read.encoding import SAMPLE, find_encoding
from collector.read.lines import LineReader, Selection
from collector.read.normal import Normalizer
from collector.read.source import ByteSource
from collector.read.split import WholeLines
from collector.read.words import Words

#: No file is cut, and no line of these logs.
_NO_LIMIT = 1 << 62
_LINE_LIMIT = 65_536


def reader(log: Path, words: Sequence[str], start: datetime | None = None, end: datetime | None = None) -> LineReader:
    """The records of a window with one of the words in them."""
    source = Source("var/log/waagent.log", log, "log", "waagent", size=log.stat().st_size)

    def choose(first: Sequence[Line]) -> Selection:
        bounds = bounds_of(detect(source, first), timezone.utc)
        return Selection(bounds, start, end, words=Words(words))

    return LineReader(source, choose=choose, limit_bytes=_NO_LIMIT)


def matching(lines: LineReader, words: Sequence[str], prefix: str) -> tuple[int, str]:
    """How many of the lines hold one of the words (and the stamp's prefix), and a hash over them."""
    has_word = re.compile("|".join(map(re.escape, words)), re.IGNORECASE).search
    count, digest = 0, hashlib.sha256()
    for line in lines:
        if prefix in line.text and has_word(line.text):
            count += 1
            digest.update(line.text.encode() + b"\n")
    return count, digest.hexdigest()


def matching_lines(log: Path, words: Sequence[str]) -> int:
    """How many lines hold a word: the reader's parts up to its search, as they are put together in it."""
    stream = ByteSource(Source("var/log/waagent.log", log, "log", "waagent", size=log.stat().st_size))
    search, count = Words(words), 0
    with stream.opened():
        encoding, begin = find_encoding(stream.beginning[:SAMPLE]) or ("utf-8", 0)
        normal, whole = Normalizer(encoding), WholeLines(_LINE_LIMIT, 1)
        for block in stream.range(begin, None, _NO_LIMIT):
            if (chunk := whole.feed(normal.feed(block))) is not None:
                count += len(search.lines(chunk.data))
        if (last := whole.feed(normal.feed(b"", final=True)) or whole.close()) is not None:
            count += len(search.lines(last.data))
    return count


def main() -> None:
    what, file, text, *stamps = sys.argv[1:]
    log, words, window = Path(file), text.split("|"), [datetime.fromisoformat(stamp) for stamp in stamps]
    if what == "time":
        begin = time.perf_counter()
        for _ in reader(log, words, *window):
            pass
        sys.stdout.write(str(time.perf_counter() - begin))
        return
    if what == "search":
        begin = time.perf_counter()
        count = matching_lines(log, words)
        sys.stdout.write(json.dumps({"seconds": time.perf_counter() - begin, "count": count}))
        return
    lines = reader(log, words, *window)
    count, digest = matching(lines, words, common_prefix(*window) if window else "")
    sys.stdout.write(json.dumps({"count": count, "digest": digest}))


def common_prefix(start: datetime, end: datetime) -> str:
    """What the stamps of a window have in common: ``2026-05-01T13:2`` of the ten minutes from 13:20."""
    first, last = (moment.strftime("%Y-%m-%dT%H:%M:%S") for moment in (start, end))
    return first[: next(place for place, (one, other) in enumerate(zip(first, last, strict=True)) if one != other)]


if __name__ == "__main__":
    main()
