"""Logs whose files are gone: what the resident agent kept of them is read in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from collector.data.rotated import set_name
from collector.discover.scan import Scan, is_named
from collector.model import LedgerEntry, Remains, Source, SourceKind, iso
from collector.pipeline.request import Request

if TYPE_CHECKING:
    from collector.read.keeping.kept import KeptStream

_KINDS: dict[str, SourceKind] = {"log": "log", "output": "output"}


def with_gone(found: Scan, root: Path, request: Request) -> Scan:
    """What was found, and what a ring of this root holds of files that are not there any more."""
    if request.ring is None or not request.ring.is_dir():
        return found
    from collector.read.keeping.kept import kept

    ring = kept(request.ring, root)
    files: dict[str, list[Source]] = {}
    for source in found.sources:
        if source.kind in _KINDS and source.problem is None:
            files.setdefault(set_name(source.path), []).append(source)
    gone = [
        stream
        for stream in ring.streams
        if stream.about.kind in _KINDS
        and _is_wanted(stream, request.extensions)
        and not _is_there(stream, files.get(set_name(stream.about.path), []), root)
    ]
    broken = tuple(
        LedgerEntry(f"ring/{problem.partition(':')[0]}", "log", "undecodable", note=f"lines kept before: {problem}")
        for problem in ring.problems
    )
    sources = sorted([*found.sources, *_sources(gone, found, root)], key=lambda source: source.path)
    return replace(found, sources=tuple(sources), unfound=(*found.unfound, *broken))


def _is_wanted(stream: KeptStream, extensions: Sequence[str]) -> bool:
    return stream.about.extension is None or is_named(stream.about.extension, extensions)


def _is_there(stream: KeptStream, files: Sequence[Source], root: Path) -> bool:
    """Whether the lines still stand in one of the files of the same log, under whatever name."""
    from collector.read.keeping.kept import is_in

    path = stream.about.path
    if all(source.path != path for source in files):  # of a crowded folder not all were listed
        files = [*files, Source(path, root / path, "log", size=_size(root / path))]
    return any(is_in(stream, source) for source in sorted(files, key=lambda source: source.path != path))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _sources(gone: Sequence[KeptStream], found: Scan, root: Path) -> Iterator[Source]:
    """The newest under the file's own path, unless another file lies there now."""
    from collector.read.keeping.kept import lines_of

    taken = {source.path for source in found.sources}
    for stream in sorted(gone, key=lambda one: one.until, reverse=True):
        about = stream.about
        path = about.path
        if path in taken or (root / path).exists():
            path = f"{path}.kept-{about.stream}"
        taken.add(path)
        yield Source(
            path,
            root / about.path,
            _KINDS[about.kind],
            about.format,
            about.extension,
            about.version,
            about.name,
            about.sequence,
            size=sum(entry.size for entry in stream.entries),
            modified=stream.until,
            remains=Remains(
                partial(lines_of, stream),
                not stream.offset and not stream.missing,
                _note(stream),
            ),
        )


def _note(stream: KeptStream) -> str:
    lines = sum(len(entry.lengths) for entry in stream.entries)
    since, until = (iso(datetime.fromtimestamp(at, timezone.utc)) for at in (int(stream.since), int(stream.until)))
    missing = f", {stream.missing} bytes between them are lost" if stream.missing else ""
    return (
        f"from the resident agent's ring, the file is gone: {lines} lines, bytes {stream.offset} to {stream.end} of it"
        f"{missing}, kept from {since} to {until}"
    )
