"""Which folders have to be watched so that nothing new below the known places stays unseen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from collector.discover.agent_conf import agent_folders
from collector.discover.catalog import OwnTable, places
from collector.discover.tree import Tree
from collector.model import System

_MARKS = "*?["


def folders_to_watch(root: Path, system: System, extra: Sequence[OwnTable] = ()) -> dict[Path, bool]:
    """Existing folders, and whether all below them has to be watched too.

    Of a place that is not there yet, the nearest folder above it that is. Raises DataError for a broken table.
    """
    tree = Tree(root, fold=system == "windows")
    rows = places(system, agent_folders(tree) if system == "linux" else {}, extra)
    wanted: dict[Path, bool] = {}
    for row in rows:
        folder, is_deep = _beginning(row.glob)
        path, is_there = _existing(tree, folder)
        if path is not None:
            wanted[path] = wanted.get(path, False) or (is_deep and is_there)
    return _without_covered(wanted)


def _beginning(glob: str) -> tuple[list[str], bool]:
    """The folders of a glob before its first mark, and whether the mark stands for a folder."""
    *folders, _ = glob.split("/")
    fixed = next((at for at, part in enumerate(folders) if any(mark in part for mark in _MARKS)), len(folders))
    return [part.replace("[*]", "*").replace("[?]", "?") for part in folders[:fixed]], fixed < len(folders)


def _existing(tree: Tree, folders: list[str]) -> tuple[Path | None, bool]:
    """The folder, or the nearest one above it that exists."""
    for length in range(len(folders), -1, -1):
        path = tree.resolve("/".join(folders[:length]))
        if path is not None and path.is_dir():
            return path, length == len(folders)
    return None, False


def _without_covered(wanted: dict[Path, bool]) -> dict[Path, bool]:
    deep = {path for path, is_deep in wanted.items() if is_deep}
    return {path: is_deep for path, is_deep in wanted.items() if not _above(path, deep)}


def _above(path: Path, deep: Iterable[Path]) -> bool:
    return any(folder in path.parents for folder in deep)
