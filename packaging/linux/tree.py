"""Makes the folder that every Linux package carries: Python, what vmext depends on, vmext, all compiled.

FOLDER/bin/vmext        starts it from any place
FOLDER/python/          the interpreter of scripts/build-python, without what is not needed
FOLDER/LICENSES/        the licence of each part
FOLDER/VERSION          vmext's version
FOLDER/vmext.service    the resident agent as a service of systemd, where the folder is /opt/vmext
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import checkout
import wheels
from checkout import REPOSITORY
from wheels import Wheel

ARCHITECTURES = ("x86_64", "aarch64")
_HERE = Path(__file__).resolve().parent
#: How Python was built, which only who builds against it wants to know, save for where zones are looked for.
_SETTINGS = (
    'build_time_vars = {"TZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo"}\n'
)
_LIBRARY = Path("python", "lib", f"python{wheels.PYTHON}")


def interpreter(arch: str) -> Path:
    """The folder of the interpreter, built now where the cache has none of this recipe."""
    command = [str(REPOSITORY / "scripts" / "build-python"), arch]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if told.returncode:
        raise SystemExit(told.returncode)
    return Path(told.stdout.strip())


def build(arch: str, folder: Path) -> list[Wheel]:
    """Makes `folder`, which must not exist or be empty; returns the wheels that are in it."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty")
    library, licences = folder / _LIBRARY, folder / "LICENSES"
    made = interpreter(arch)
    shutil.copytree(made / "bin", folder / "python" / "bin")
    shutil.copytree(made / "lib", folder / "python" / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(made / "licenses", licences)
    listed = (_HERE / "stdlib.txt").read_text("utf-8").splitlines()
    remove(library, [line for line in listed if line and not line.startswith("#")])
    for file in library.glob("_sysconfigdata_*.py"):
        file.write_text(_SETTINGS, "utf-8")
    carried = wheels.fetch(f"linux-{arch}")
    wheels.unpack(carried, library / "site-packages", licences)
    checkout.copy_vmext(library / "site-packages")
    compile_all(library)
    (folder / "bin").mkdir()
    shutil.copy(_HERE / "vmext.sh", folder / "bin" / "vmext")
    shutil.copy(_HERE / "vmext.service", folder)
    shutil.copy(REPOSITORY / "LICENSE", licences / "vmext.txt")
    (folder / "VERSION").write_text(f"{checkout.version()}\n", "utf-8")
    settle(folder, checkout.commit_time())
    return carried


def remove(folder: Path, patterns: Iterable[str]) -> None:
    """Files and folders below `folder`, by their patterns."""
    for pattern in patterns:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def compile_all(folder: Path) -> None:
    """By the same Python, for this machine: what it writes is the same for all."""
    command = [str(interpreter("x86_64") / "bin" / "python3"), "-SB", str(_HERE / "compiling.py"), str(folder)]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}, cwd="/")


def settle(folder: Path, moment: int) -> None:
    """The same rights and times whatever the umask and the hour: readable by all, writable by the owner."""
    for path in [folder, *folder.rglob("*")]:
        program = path.is_dir() or path.parent.name == "bin"
        path.chmod(0o755 if program else 0o644)
        os.utime(path, (moment, moment))


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/build-tree", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("arch", choices=ARCHITECTURES)
    parser.add_argument("folder", type=Path, help="is made; must not exist or be empty")
    options = parser.parse_args()
    build(options.arch, options.folder.resolve())


if __name__ == "__main__":
    main()
