"""Small whole files: status files, handler states, summaries."""

from __future__ import annotations

from collector.model import LedgerEntry, Source
from collector.read.encoding import SAMPLE, find_encoding, text_of
from collector.read.normal import Normalizer, ends_in_carriage
from collector.read.source import ByteSource


def read_state(source: Source, limit_bytes: int = 1_048_576) -> tuple[str, LedgerEntry]:
    """The decoded text of a state file without NULs, and its entry for the ledger.

    Never raises for what is wrong with the file; the text is then what could be read, maybe nothing.
    """
    stream = ByteSource(source)
    data = b""
    with stream.opened() as is_open:
        if is_open:
            data = b"".join(stream.unpacked(limit_bytes) if stream.packed else stream.blocks(0, limit_bytes))
    if stream.size > limit_bytes and not stream.packed:
        stream.remark(f"only {limit_bytes} bytes were read", "truncated")
    found = find_encoding(data[:SAMPLE]) if data else ("utf-8", 0)
    text = ""
    if found is None:
        stream.remark("binary content", "undecodable")
    else:
        body = data[found[1] :]
        normal = Normalizer(found[0], ends_in_carriage(found[0], body))
        text = text_of(normal.feed(body, final=True))[0].replace("\r\n", "\n")
        if normal.removed:
            stream.remark(f"{normal.removed} NUL characters removed")
    if stream.outcome == "read" and not text.strip():
        stream.remark("nothing but blanks" if data else "", "empty")
    entry = LedgerEntry(
        source.path,
        source.kind,
        stream.outcome,
        bytes_total=stream.size or source.size,
        bytes_read=stream.bytes_read,
        lines=text.count("\n") + bool(text),
        encoding=found[0] if found else "",
        note=stream.note,
    )
    return text, entry
