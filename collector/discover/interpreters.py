"""The Pythons that a handler can be started with. They are never run: names and folders tell their versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collector.discover.tree import Tree

_FOLDERS = ("usr/local/bin", "usr/bin", "bin", "usr/libexec")
_NAME = re.compile(r"(?:platform-)?python(?:\d(?:\.\d+)?)?")
_VERSIONED = re.compile(r"(?:^|/)(?:platform-)?python(\d\.\d+)m?$")


def interpreters(tree: Tree) -> tuple[str, ...]:
    """Such as ``/usr/bin/python3 3.10``; without the version where nothing tells it."""
    found: dict[str, str] = {}
    seen = set()
    for folder in _FOLDERS:
        place = tree.resolve(folder)
        if place is None or place in seen:
            continue
        seen.add(place)
        for path in tree.glob(f"{folder}/*python*"):
            name = path.rpartition("/")[2]
            target = tree.resolve(path)
            if _NAME.fullmatch(name) and target is not None and _is_file(tree, path):
                version = _version(target.as_posix()) or _beside(tree, folder, name)
                found[path] = f"/{path} {version}".strip()
    return tuple(found.values())


def _is_file(tree: Tree, path: str) -> bool:
    return tree.read(path, 1) is not None


def _version(path: str) -> str:
    found = _VERSIONED.search(path)
    return found[1] if found else ""


def _beside(tree: Tree, folder: str, name: str) -> str:
    """The version of the only library of that Python; of several no one can say."""
    major = next(iter(re.findall(r"\d", name)), "")
    libraries = set(_libraries(tree, folder.rpartition("/")[0] or "usr", major))
    return libraries.pop() if len(libraries) == 1 else ""


def _libraries(tree: Tree, prefix: str, major: str) -> Iterator[str]:
    for pattern in (f"{prefix}/lib/python[23].*", f"{prefix}/lib64/python[23].*"):
        for path in tree.glob(pattern):
            version = path.rpartition("/python")[2]
            if re.fullmatch(r"\d\.\d+", version) and version.startswith(major):
                yield version
