"""Lists the sources on a disk by the tables of places."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from collector.discover.agent_conf import agent_folders
from collector.discover.catalog import OwnTable, Place, places
from collector.discover.crowds import Crowds
from collector.discover.tree import Tree, shown
from collector.discover.versions import with_notes
from collector.model import LedgerEntry, Source, System
from collector.platforms.paths import reachable

_WINDOWS_SIGNS = frozenset({"windowsazure", "packages", "windows", "azuredata"})
#: Endings of files that are being written.
_LEFTOVERS = (".tmp", ".temp", ".swp", "~")
_PACKED = (".zip",)
_STATE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Scan:
    """What is there, and which known places are empty or closed."""

    sources: tuple[Source, ...]
    unfound: tuple[LedgerEntry, ...]


def system_of(root: Path) -> System:
    """Linux or Windows, by what lies in the root folder; Linux where nothing tells it."""
    try:
        names = {entry.name.lower() for entry in root.iterdir()}
    except OSError:
        names = set()
    if names & {"etc", "var", "usr"} and not names & {"windowsazure", "windows"}:
        return "linux"
    return "windows" if names & _WINDOWS_SIGNS else "linux"


def scan(
    root: Path,
    system: System,
    extensions: Sequence[str] = (),
    extra: Sequence[OwnTable] = (),
    registry: Mapping[tuple[str, str], str] | None = None,
) -> Scan:
    """All sources, each file once. `extensions`: globs on Publisher.Type or its last part. `registry`: on Windows,
    where handlers have no file for it, their states by extension in lower case and version.

    Raises DataError for a broken table; what can't be listed stands in the result.
    """
    tree = Tree(root, fold=system == "windows")
    seen: set[str] = set()
    crowds = Crowds()
    empty: list[Place] = []
    written: list[Source] = []
    old: list[Source] = []
    rest: list[Source] = []
    rows = places(system, agent_folders(tree) if system == "linux" else {}, extra)
    for place in rows:
        paths = list(tree.glob(place.glob))
        if place.known and not paths:
            empty.append(place)
        new: list[Source] = []
        for path in paths:
            if path in seen or (source := _source(tree, place, path, rows)) is None:
                continue
            seen.add(path)
            if _is_wanted(source, extensions):
                (written if path.lower().endswith(_LEFTOVERS) else old if place.history else new).append(source)
        rest += crowds.thinned(new)
    sources, aliases = _once(tree, rest)
    sources = crowds.within_bounds(sources)
    sources = with_notes(sources, registry or _handler_states(tree, sources), system)
    current = next((source for source in sources if source.kind == "aggregate" and source.problem is None), None)
    unfound = (
        *(_skipped(source, "a temporary file of the one who writes it") for source in written),
        *(_skipped(source, f"a link to the same file as {path}") for source, path in aliases),
        *crowds.entries(),
        *_missing(empty, tree),
        *_closed(tree),
    )
    return Scan((*sorted(sources, key=lambda source: source.path), *_history(old, current)), unfound)


def _source(tree: Tree, place: Place, path: str, rows: Iterable[Place]) -> Source | None:
    parts = place.parts(path)
    if place.path is not None and not parts and place.extension is None:
        return None
    sequence = parts.get("sequence")
    source = Source(
        shown(path),
        reachable(tree.root / path),
        place.kind,
        format=place.format if place.kind in ("log", "output") else "",
        extension=parts.get("extension") or place.extension,
        version=parts.get("version"),
        name=parts.get("name"),
        sequence=int(sequence) if sequence else None,
    )
    file = tree.resolve(path)
    if file is None:
        return replace(source, problem="denied", note="a link that leads out of the disk, or in a circle")
    try:
        status = file.stat()
    except PermissionError:
        return replace(source, file=file, problem="denied", note="no permission")
    except OSError:
        return replace(source, file=file, problem="vanished", note="a link to nothing, or gone since it was listed")
    if stat.S_ISDIR(status.st_mode) and _may_be_folder(place, path, rows):
        return None
    if not stat.S_ISREG(status.st_mode):
        return replace(source, file=file, problem="not-a-file", note="not a regular file")
    return replace(source, file=file, size=status.st_size, modified=status.st_mtime)


def _may_be_folder(place: Place, path: str, rows: Iterable[Place]) -> bool:
    """Whether a folder is no surprise: the row means whatever lies in one, or another row names it as a folder."""
    return place.glob.endswith("/*") or any(row.glob.lower().startswith(path.lower() + "/") for row in rows)


def _once(tree: Tree, sources: Sequence[Source]) -> tuple[list[Source], list[tuple[Source, str]]]:
    """Each file once, by the path that is no link; and what else leads to it, with that path."""
    first: dict[Path, Source] = {}
    for source in sorted(sources, key=lambda source: source.file != reachable(tree.root / source.path)):
        if source.problem is None:
            first.setdefault(source.file, source)
    kept: list[Source] = []
    aliases: list[tuple[Source, str]] = []
    for source in sources:
        other = first.get(source.file)
        if source.problem is None and other is not None and other is not source:
            aliases.append((source, other.path))
        else:
            kept.append(source)
    return kept, aliases


def _history(old: Sequence[Source], current: Source | None) -> Iterator[Source]:
    """Older summaries of the agent, newest last. They speak of handlers that may be gone, so only the newest
    counts, and only where there is no current one."""
    plain = [source for source in old if source.problem is None and not source.path.lower().endswith(_PACKED)]
    newest = max((source.path for source in plain), default=None) if current is None else None
    for source in sorted(old, key=lambda source: source.path):
        if source.problem is not None:
            yield source
        elif source.path == newest:
            yield replace(source, note="history; there is no current summary")
        elif source.path.lower().endswith(_PACKED):
            yield replace(source, problem="skipped", note="history; packed, not opened")
        else:
            later = current.path if current is not None else newest
            yield replace(source, problem="skipped", note=f"history; a newer summary is {later}")


def _handler_states(tree: Tree, sources: Iterable[Source]) -> dict[tuple[str, str], str]:
    states = {}
    for source in sources:
        if source.kind == "handler-state" and source.extension and source.version:
            word = tree.read(source.path, _STATE_BYTES) or b""
            states[source.extension.lower(), source.version] = word.decode("utf-8", "replace").strip(" \r\n\t\0\ufeff")
    return states


def _missing(empty: Iterable[Place], tree: Tree) -> Iterator[LedgerEntry]:
    """Known places where nothing lies. Of one below a closed folder nobody knows; the folder itself is told."""
    for place in empty:
        if not any(_leads_through(place.glob, folder) for folder in tree.denied):
            yield LedgerEntry(place.glob, place.kind, "missing", note="nothing lies there")


def _leads_through(glob: str, folder: str) -> bool:
    globs, names = glob.lower().split("/"), [name for name in folder.lower().split("/") if name]
    return len(names) < len(globs) and all(fnmatchcase(name, part) for name, part in zip(names, globs, strict=False))


def _closed(tree: Tree) -> Iterator[LedgerEntry]:
    for path, reason in tree.denied.items():
        yield LedgerEntry(shown(path) or "/", "log", "denied", note=reason)
    for path, reason in tree.crowded.items():
        yield LedgerEntry(shown(path) or "/", "log", "truncated", note=reason)


def _skipped(source: Source, note: str) -> LedgerEntry:
    return LedgerEntry(source.path, source.kind, "skipped", source.size, note=note)


def _is_wanted(source: Source, extensions: Sequence[str]) -> bool:
    """Agent logs are always kept: they tell of every extension."""
    return source.extension is None or is_named(source.extension, extensions)


def is_named(extension: str, globs: Sequence[str]) -> bool:
    """Whether Publisher.Type, or its last part, fits one of the globs; without globs everything does."""
    full = extension.lower()
    names = (full, full.rpartition(".")[2])
    return not globs or any(fnmatchcase(name, glob.lower()) for glob in globs for name in names)
