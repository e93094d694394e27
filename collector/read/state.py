"""Small whole files: status files, handler states, summaries."""

from __future__ import annotations

from collector.model import LedgerEntry, Source
from collector.read.decode import SAMPLE, NulFilter, decoder, find_encoding
from collector.read.source import ByteSource


def read_state(source: Source, limit_bytes: int = 1_048_576) -> tuple[str, LedgerEntry]:
    """The decoded text of a state file without NULs, and its entry for the ledger.

    Never raises for what is wrong with the file; the text is then what could be read, maybe nothing.
    """
    stream = ByteSource(source, limit_bytes=limit_bytes, tail=False)
    data = b"".join(stream.blocks())
    found = find_encoding(data[:SAMPLE]) if data else ("utf-8", 0)
    text = ""
    if found is None:
        stream.remark("binary content", "undecodable")
    else:
        nuls = NulFilter()
        text = nuls.feed(decoder(found[0]).feed(data[found[1] :], final=True)).replace("\r\n", "\n")
        if nuls.removed:
            stream.remark(f"{nuls.removed} NUL characters removed")
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
