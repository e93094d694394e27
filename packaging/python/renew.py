"""Writes the pins of the interpreter's sources anew: of each package the newest version of Debian that can be had.

apt is asked with lists and a cache of its own, by the machine's archives and Debian's keyring.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SUITES = ("trixie", "trixie-security")
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SOURCES = Path(__file__).with_name("sources.tsv")
_HELPER = "/usr/lib/apt/apt-helper"


@dataclass(frozen=True, slots=True)
class Source:
    """One version of a source package: its files by name, with their SHA-256."""

    version: str
    folder: str
    files: dict[str, str] = field(default_factory=dict)

    def paths(self, kinds: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Path below an archive, and hash, of the archives of these kinds."""
        for kind in kinds:
            name = next(name for name in self.files if re.search(rf"\.{kind}\.tar\.\w+$", name))
            yield f"{self.folder}/{name}", self.files[name]


def main() -> None:
    archives = sys.argv[1:]
    head, rows = _rows()
    with tempfile.TemporaryDirectory() as folder:
        options = _apt(Path(folder), archives)
        subprocess.run(["apt-get", *options, "update", "-q"], check=True, stdout=sys.stderr)
        written = []
        for name, (licence, kinds) in rows.items():
            source = _newest(name, options, archives)
            sys.stderr.write(f"{name} {source.version}\n")
            for path, sha256 in source.paths(kinds):
                written.append("\t".join((name, source.version, licence, path, sha256)) + "\n")
    _SOURCES.write_text("".join([*head, *written]), encoding="utf-8")


def _rows() -> tuple[list[str], dict[str, tuple[str, tuple[str, ...]]]]:
    """The head of the table; by name the licence, and of which kinds of archive it is."""
    lines = _SOURCES.read_text(encoding="utf-8").splitlines(keepends=True)
    rows: dict[str, tuple[str, tuple[str, ...]]] = {}
    for line in lines:
        if not line.startswith("#"):
            name, _, licence, path, _ = line.split("\t")
            kind = "debian" if ".debian.tar." in path else "orig"
            rows[name] = (licence, (*rows.get(name, ("", ()))[1], kind))
    return [line for line in lines if line.startswith("#")], rows


def _apt(folder: Path, archives: list[str]) -> list[str]:
    """Options that keep apt in a folder of its own."""
    for name in ("lists/partial", "cache/archives/partial", "etc"):
        (folder / name).mkdir(parents=True)
    stanzas = [
        f"Types: deb-src\nURIs: {archive}\nSuites: {suite}\nComponents: main\nSigned-By: {_KEYRING}\n"
        for archive in archives
        for suite in _SUITES
        if archive.endswith("security") == suite.endswith("security") and "debian" in archive
    ]
    (folder / "etc" / "renew.sources").write_text("\n".join(stanzas), encoding="utf-8")
    places = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": f"{folder}/etc",
        "Dir::State::lists": f"{folder}/lists",
        "Dir::Cache": f"{folder}/cache",
    }
    return [word for name, value in places.items() for word in ("-o", f"{name}={value}")]


def _newest(name: str, options: list[str], archives: list[str]) -> Source:
    """Raises SystemExit where no version can be had: the index lists newer ones than the archive may hold."""
    told = subprocess.run(["apt-cache", *options, "showsrc", name], check=True, capture_output=True, text=True).stdout
    found = [source for source in map(_source, told.split("\n\n")) if source]
    remaining = list(found)
    while remaining:
        newest = next(one for one in remaining if all(_not_newer(other, one) for other in remaining))
        # Debian's part as well, even where nothing of it is used: it is what makes the version that is named
        if all(_can_be_had(path, sha256, archives) for path, sha256 in newest.paths(("orig", "debian"))):
            return newest
        remaining.remove(newest)
    raise SystemExit(
        f"no archive holds {name}; its index lists {', '.join(source.version for source in found) or 'none'}"
    )


def _source(stanza: str) -> Source | None:
    version, folder = (re.search(rf"^{key}: (\S+)$", stanza, re.M) for key in ("Version", "Directory"))
    if not version or not folder:
        return None
    files = {name: sha256 for sha256, name in re.findall(r"^ ([0-9a-f]{64}) \d+ (\S+)$", stanza, re.M)}
    return Source(version[1], folder[1], files)


def _not_newer(one: Source, other: Source) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one.version, "le", other.version], check=False).returncode == 0


def _can_be_had(path: str, sha256: str, archives: list[str]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        return any(
            subprocess.run(
                [_HELPER, "download-file", f"{archive}/{path}", f"{folder}/{number}", f"SHA256:{sha256}"],
                check=False,
                capture_output=True,
            ).returncode
            == 0
            for number, archive in enumerate(archives)
        )


if __name__ == "__main__":
    main()
