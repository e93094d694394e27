"""Every program and library in the packages runs from glibc 2.17 on, as their headers say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from tests.packaging.building import Built
from tests.packaging.packaged import Packages

pytestmark = pytest.mark.slow
NEWEST = (2, 17)
MACHINES = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}
GLIBC = {
    *("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1"),
    *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"),
}
#: What else libraries need: what the deb depends on for it. The rpm requires the library by its name.
DEPENDS = {"libgcc_s.so.1": "libgcc-s1 | libgcc1"}


def binaries(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(4) == b"\x7fELF":
                    yield path


def versions(elf: ELFFile) -> Iterator[tuple[int, ...]]:
    needed = elf.get_section_by_name(".gnu.version_r")
    if isinstance(needed, GNUVerNeedSection):
        for _, symbols in needed.iter_versions():
            for symbol in symbols:
                if found := re.fullmatch(r"GLIBC_([\d.]+)", symbol.name):
                    yield tuple(map(int, found[1].split(".")))


def test_no_symbol_is_newer_than_glibc_2_17(each_linux: Built):
    newest: dict[str, tuple[int, ...]] = {}
    for path in binaries(each_linux.tree):
        with path.open("rb") as stream:
            newest[path.name] = max(versions(ELFFile(stream)), default=(0,))
    assert len(newest) >= 3, newest  # the interpreter, psutil, pyrage
    assert newest["python3"] > (2, 2)
    assert {name: version for name, version in newest.items() if version > NEWEST} == {}


def test_the_loader_of_an_old_system_understands_all(each_linux: Built):
    """RELR came with glibc 2.36, hash tables in GNU's form alone are not understood by every older tool."""
    for path in binaries(each_linux.tree):
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            assert elf["e_machine"] == MACHINES[each_linux.arch], path
            dynamic = elf.get_section_by_name(".dynamic")
            assert isinstance(dynamic, DynamicSection), path
            tags = {tag.entry.d_tag for tag in dynamic.iter_tags()}
            assert not tags & {"DT_RELR", "DT_RELRSZ", "DT_RUNPATH", "DT_RPATH"}, path
            if path.name == "python3":
                assert {"DT_HASH", "DT_GNU_HASH"} <= tags
            assert needed(dynamic) <= GLIBC | set(DEPENDS), path


def test_packages_require_what_their_libraries_need(linux: Built, packages: Packages):
    libraries = set()
    for path in binaries(linux.tree):
        with path.open("rb") as stream:
            dynamic = ELFFile(stream).get_section_by_name(".dynamic")
            assert isinstance(dynamic, DynamicSection), path
            libraries |= needed(dynamic)
    assert libraries - GLIBC == set(DEPENDS)  # where pyrage no longer needs it, the packages need not either
    depends = output("dpkg-deb", "--field", packages.deb(), "Depends").strip().split(", ")
    assert set(depends) == {"libc6 (>= 2.17)", *DEPENDS.values()}
    requires = output("rpm", "--query", "--package", "--requires", packages.rpm()).splitlines()
    assert {f"{library}()(64bit)" for library in DEPENDS} <= set(requires)


def needed(dynamic: DynamicSection) -> set[str]:
    return {str(getattr(tag, "needed", "")) for tag in dynamic.iter_tags("DT_NEEDED")}


def output(*command: object) -> str:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout
