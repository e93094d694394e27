"""The scripts of extensions, read where they lie. They are never run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from collector.diagnose.practices.material import Script
from collector.discover.tree import Tree, shown
from collector.read.encoding import find_encoding, text_of, width

#: Of one script so many bytes are read, of one operation so many files, and so many names are looked at.
_SCRIPT_BYTES, _MOST_SCRIPTS, _MOST_NAMES, _DEPTH = 262_144, 20, 300, 2
#: Where an extension puts its scripts, by Publisher.Type in lower case: {lib} is the agent's folder, {home} the
#: handler's own. The last part of a Windows path is the newest of its numbered folders.
_FOLDERS = {
    "microsoft.azure.extensions.customscript": "{lib}/custom-script/download/{sequence}",
    "microsoft.ostcextensions.customscriptforlinux": "{home}/download/{sequence}",
    "microsoft.compute.customscriptextension": "{home}/Downloads/*",
    "microsoft.cplat.core.runcommandlinux": "{lib}/run-command/download/{sequence}",
    "microsoft.cplat.core.runcommandhandlerlinux": "{lib}/run-command-handler/download/{name}/{sequence}",
    "microsoft.cplat.core.runcommandwindows": "{home}/Downloads",
    "microsoft.cplat.core.runcommandhandlerwindows": "{home}/Downloads",
    "microsoft.powershell.dsc": "{home}/DSCWork",
    "microsoft.cplat.core.vmapplicationmanagerlinux": "{lib}/Microsoft.CPlat.Core.VMApplicationManagerLinux",
    "microsoft.cplat.core.vmapplicationmanagerwindows": "{home}/Downloads",
}
_ENDINGS = (".sh", ".bash", ".ps1", ".psm1", ".bat", ".cmd", ".py", ".pl")
_OUTPUTS = ("stdout", "stderr")
_PATHS = ("usr/bin", "bin", "usr/local/bin", "usr/sbin")


def folder_of(tree: Tree, extension: str, home: str, name: str | None, sequence: int | None) -> str | None:
    """Where the scripts of an operation lie, relative to the root; `home`: the folder of its handler."""
    form = _FOLDERS.get(extension.lower())
    if form is None or ("{sequence}" in form and sequence is None) or ("{name}" in form and not name):
        return None
    lib = home.rpartition("/")[0]
    path = form.format(lib=lib, home=home, name=name, sequence=sequence)
    if not path.endswith("/*"):
        return path
    numbered = [one for one in tree.glob(path) if one.rpartition("/")[2].isdigit()]
    return max(numbered, key=lambda one: int(one.rpartition("/")[2]), default=None)


def files_below(tree: Tree, folder: str) -> tuple[str, ...]:
    """The files in a folder and in folders up to two below it, relative to it; links are not followed."""
    top = tree.resolve(folder)
    return tuple(_walk(top, "", _DEPTH)[:_MOST_NAMES]) if top is not None else ()


def _walk(folder: Path, below: str, depth: int) -> list[str]:
    found: list[str] = []
    try:
        with os.scandir(folder) as entries:
            listed = sorted(islice(entries, _MOST_NAMES), key=lambda entry: entry.name)
        for entry in listed:
            if entry.is_file(follow_symlinks=False):
                found.append(f"{below}{entry.name}")
            elif depth and entry.is_dir(follow_symlinks=False) and len(found) < _MOST_NAMES:
                found += _walk(folder / entry.name, f"{below}{entry.name}/", depth - 1)
    except OSError:
        return found  # vanished, closed, or no folder
    return found


def scripts_in(tree: Tree, folder: str, files: Sequence[str]) -> tuple[Script, ...]:
    """The files that are scripts by their ending or their first line."""
    return tuple(script for script, _ in zip(_scripts(tree, folder, files), range(_MOST_SCRIPTS), strict=False))


def _scripts(tree: Tree, folder: str, files: Sequence[str]) -> Iterator[Script]:
    looked = 0
    for name in files:
        base = name.rpartition("/")[2].lower()
        ending = base[base.rfind(".") :] if "." in base else ""
        if base in _OUTPUTS or (ending and ending not in _ENDINGS) or looked == 2 * _MOST_SCRIPTS:
            continue
        looked += 1
        data = tree.read(f"{folder}/{name}", _SCRIPT_BYTES)
        if data and (ending or data.startswith(b"#!")):
            yield from _script(tree, f"{folder}/{name}", shown(name), data)


def _script(tree: Tree, path: str, name: str, data: bytes) -> Iterator[Script]:
    encoding = find_encoding(data)
    if encoding is None:
        return
    body = data[encoding[1] :]
    text = body.decode(encoding[0], "replace") if width(encoding[0]) > 1 else text_of(body)[0]
    first = text.split("\n", 1)[0]
    interpreter, there = _interpreter(tree, first.strip())
    yield Script(
        shown(path), name, text.replace("\r\n", "\n"), first.endswith("\r"), encoding[1] > 0, interpreter, there
    )


def _interpreter(tree: Tree, line: str) -> tuple[str, bool | None]:
    """The interpreter that a first line names, and whether it is there; None where the disk holds no programs."""
    words = line[2:].split() if line.startswith("#!") else []
    if not words or tree.fold:
        return "", None
    if words[0].endswith("/env"):
        named = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), "")
        there = bool(named) and any(_is_there(tree, f"{path}/{named}") for path in _PATHS)
        return named, there or None
    if not words[0].startswith("/") or not _is_there(tree, "usr/bin/env"):
        return words[0], None
    return words[0], _is_there(tree, words[0].lstrip("/"))


def _is_there(tree: Tree, path: str) -> bool:
    file = tree.resolve(path)
    try:
        return file is not None and file.exists()
    except (OSError, ValueError):
        return False
