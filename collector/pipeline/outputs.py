"""What the scripts that failed printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector.extract.carriers import RunKey
from collector.extract.telling import Output
from collector.model import Excerpt, Failure, LedgerEntry, Source
from collector.pipeline.ledger import entry_of, note_of
from collector.read.lines import LineReader

#: The end of a script's output that is read, in bytes and lines; the error is at the end.
_OUTPUT_BYTES, _OUTPUT_LINES = 65_536, 200


def read_outputs(
    sources: Iterable[Source], failures: Sequence[Failure]
) -> tuple[dict[RunKey, tuple[Output, ...]], dict[str, LedgerEntry], list[Excerpt]]:
    """The end of stdout and stderr of the scripts that failed; other scripts' output stays where it is."""
    failed = {(failure.extension, failure.name, failure.sequence) for failure in failures}
    outputs: dict[RunKey, tuple[Output, ...]] = {}
    ledger: dict[str, LedgerEntry] = {}
    excerpts: list[Excerpt] = []
    for source in sources:
        if source.kind != "output" or source.problem is not None:
            continue
        key = (source.extension or "", source.name, source.sequence)
        if key not in failed:
            note = note_of(source, "output of a run that did not fail")
            ledger[source.path] = LedgerEntry(source.path, source.kind, "skipped", source.size, note=note)
            continue
        reader = LineReader(source, limit_bytes=_OUTPUT_BYTES)
        lines = tuple(reader)[-_OUTPUT_LINES:]
        stream = "stderr" if "stderr" in source.path.rsplit("/", 1)[-1].lower() else "stdout"
        outputs[key] = (*outputs.get(key, ()), Output(source.path, stream, lines))
        ledger[source.path] = entry_of(source, reader, reader.lines, reader.lines, None)
        if lines:
            excerpts.append(Excerpt(source.path, lines, frozenset(), reader.lines - len(lines)))
    return outputs, ledger, excerpts
