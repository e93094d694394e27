"""What is built: the same bytes for the same commit, small, with its hashes, its licences and its bill of materials."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from collector import __version__
from tests.packaging import bills
from tests.packaging.building import REPOSITORY, Built, build

pytestmark = pytest.mark.slow
#: Bytes.
MOST = 12_000_000
#: What may write to the state folder, the network or the screen is ours; of others nothing is carried that tests need.
CARRIED = {"certifi", "charset-normalizer", "click", "idna", "psutil", "pyrage", "requests", "urllib3", "watchdog"}
INTERPRETER = {
    "python3.13",
    "openssl",
    "zlib",
    "libffi",
    "xz-utils",
    "bzip2",
    *("expat", "mpdecimal", "hacl-star", "libb2"),
}


def test_the_same_commit_gives_the_same_bytes(linux: Built, tmp_path: Path):
    """In another folder, and as another umask and zone would have it."""
    again = tmp_path / "a folder with another name"
    subprocess.run(["sh", "-c", 'umask 077; mkdir "$0"', str(again)], check=True)
    build(again, "x86_64", TMPDIR=str(tmp_path), TZ="Asia/Tokyo", LC_ALL="C")
    first = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in linux.out.iterdir()}
    second = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in again.iterdir()}
    assert len(first) == 5
    assert second == first


def test_the_archive_is_small(each_linux: Built):
    assert each_linux.archive.stat().st_size <= MOST
    assert each_linux.single.stat().st_size <= MOST


def test_the_archive_has_one_folder_that_only_root_may_change(each_linux: Built):
    with tarfile.open(each_linux.archive) as archive:
        for member in archive:
            assert member.name.split("/")[0] == f"vmext-{__version__}"
            assert (member.uid, member.gid, member.uname) == (0, 0, "root")
            assert member.isdir() or member.isreg(), member.name
            program = member.isdir() or member.name.split("/")[-2] == "bin"
            assert member.mode == (0o755 if program else 0o644), member.name


def test_nothing_in_it_names_the_machine_that_built_it(linux: Built):
    places = [str(REPOSITORY).encode(), str(Path.home() / ".cache").encode()]
    for path in linux.tree.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [place for place in places if place in content], path


def test_sha256sum_is_content_with_the_sums(each_linux: Built):
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=each_linux.out,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 4


def test_the_bill_of_materials_names_each_part_with_hash_and_licence(each_linux: Built):
    archive = bills.read(each_linux.out / f"vmext-{__version__}-linux-{each_linux.arch}.cdx.json")
    assert {part["name"] for part in archive["components"]} == CARRIED | INTERPRETER
    assert archive["metadata"]["component"]["hashes"][0]["content"] == sha256(each_linux.archive)
    (python,) = [part for part in archive["components"] if part["name"] == "python3.13"]
    assert [one["name"].rpartition(".tar")[0][-4:] for one in python["properties"]] == ["bian", "orig"]
    single = bills.read(each_linux.out / f"{each_linux.single.name}.cdx.json")
    assert {part["name"] for part in single["components"]} == CARRIED | {"tomli"}
    for part in (*archive["components"], *single["components"]):
        assert part["version"] and part["purl"] and part["licenses"], part
        assert all(len(one["content"]) == 64 for one in part["hashes"]) and part["hashes"], part


def test_each_part_has_its_licence(each_linux: Built):
    texts = {file.stem: file.read_text() for file in (each_linux.tree / "LICENSES").iterdir()}
    parts = CARRIED | {"python", "openssl", "zlib", "libffi", "xz", "bzip2", "expat", "libmpdec", "vmext"}
    assert set(texts) == parts
    assert {name for name, text in texts.items() if len(text) < 300 and name != "pyrage"} == set()
    with zipfile.ZipFile(each_linux.single) as archive:
        inside = {Path(name).stem for name in archive.namelist() if name.startswith("LICENSES/")}
    assert inside == CARRIED | {"tomli", "vmext"}


def test_it_holds_nothing_that_only_a_builder_needs(each_linux: Built):
    names = [path.relative_to(each_linux.tree).as_posix() for path in each_linux.tree.rglob("*")]
    assert not [name for name in names if name.endswith((".py", ".pyi", ".a", ".h", ".exe")) or "__pycache__" in name]
    assert not [name for name in names if "/test/" in name or "/tests/" in name or "ensurepip" in name]
    assert (each_linux.tree / "VERSION").read_text() == f"{__version__}\n"


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
