"""Lists the sources on a disk by the tables of places."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from collector.discover.agent_conf import agent_folders
from collector.discover.catalog import Place, places
from collector.discover.tree import MOST_FILES, Tree
from collector.model import LedgerEntry, Source, System

_WINDOWS_SIGNS = ("windowsazure", "packages", "windows", "azuredata")
#: Endings of files that are being written.
_LEFTOVERS = (".tmp", ".temp", ".swp", "~")


@dataclass(frozen=True, slots=True)
class Scan:
    """What is there, and which known places are empty or closed."""

    sources: tuple[Source, ...]
    unfound: tuple[LedgerEntry, ...]


def system_of(root: Path) -> System:
    """Linux or Windows, by what lies in the root folder; Linux where nothing tells it."""
    try:
        names = {entry.name.lower() for entry in root.iterdir() if entry.is_dir()}
    except OSError:
        names = set()
    if names & {"etc", "var", "usr"} and not names & {"windowsazure", "windows"}:
        return "linux"
    return "windows" if names & set(_WINDOWS_SIGNS) else "linux"


def scan(root: Path, system: System, extensions: Sequence[str] = (), extra: Sequence[Path] = ()) -> Scan:
    """All sources, each file once. `extensions`: globs on Publisher.Type or its last part.

    Raises DataError for a broken table; what can't be listed stands in the result.
    """
    tree = Tree(root, fold=system == "windows")
    folders = agent_folders(tree) if system == "linux" else {}
    found: dict[str, Source] = {}
    unfound: list[LedgerEntry] = []
    for place in places(system, folders, extra):
        paths = list(tree.glob(place.glob))
        for path in paths:
            if path not in found and (source := _source(tree, place, path)) is not None:
                found[path] = source
        if not paths and place.known:
            unfound.append(LedgerEntry(place.glob, place.kind, "missing", note="nothing lies there"))
    kept = [source for source in found.values() if _is_wanted(source, extensions)]
    unfound += [LedgerEntry(path or "/", "log", "denied", note=reason) for path, reason in tree.denied.items()]
    if tree.full:
        unfound.append(
            LedgerEntry("/", "log", "truncated", note=f"more than {MOST_FILES} names; the rest was not listed")
        )
    return Scan(tuple(sorted(kept, key=lambda source: source.path)), tuple(unfound))


def _source(tree: Tree, place: Place, path: str) -> Source | None:
    parts = place.parts(path)
    if place.path is not None and not parts and place.extension is None:
        return None
    if path.endswith(_LEFTOVERS):
        return None
    sequence = parts.get("sequence")
    source = Source(
        path,
        tree.root / path,
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
    if not stat.S_ISREG(status.st_mode):
        return replace(source, file=file, problem="not-a-file", note="not a regular file")
    return replace(source, file=file, size=status.st_size, modified=status.st_mtime)


def _is_wanted(source: Source, extensions: Sequence[str]) -> bool:
    """Agent logs are always kept: they tell of every extension."""
    return source.extension is None or is_named(source.extension, extensions)


def is_named(extension: str, globs: Sequence[str]) -> bool:
    """Whether Publisher.Type, or its last part, fits one of the globs; without globs everything does."""
    full = extension.lower()
    names = (full, full.rpartition(".")[2])
    return not globs or any(fnmatchcase(name, glob.lower()) for glob in globs for name in names)
