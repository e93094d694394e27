"""What goes with the program: manual pages, completion of three shells, and what checks of packages say."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from collector.cli import COMMANDS
from tests.packaging import bills
from tests.packaging.building import Built
from tests.packaging.packaged import Packages, build
from tests.packaging.test_linux_build import CARRIED, INTERPRETER

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def unpacked(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deb")
    subprocess.run(["dpkg-deb", "--extract", packages.deb(), folder], check=True)
    return folder


def output(*command: object, **environ: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "100"} | environ,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), command
    return done.stdout


def test_every_command_has_its_page(unpacked: Path):
    pages = sorted((unpacked / "usr/share/man/man1").iterdir())
    assert {page.name for page in pages} >= {f"vmext-{name}.1.gz" for name in COMMANDS} | {"vmext.1.gz"}
    for page in [*pages, unpacked / "usr/share/man/man5/vmext.toml.5.gz"]:
        assert output("man", "--warnings", "--local-file", page), page.name
        text = gzip.decompress(page.read_bytes())
        linted = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=text, capture_output=True, check=False)
        assert linted.stdout.decode() == "", page.name
    told = output("man", "--local-file", unpacked / "usr/share/man/man1/vmext-collect.1.gz")
    assert "--probe-network" in told and "13  another collect runs here" in told
    assert "--hanging" not in told  # the resident agent's own
    assert "upload_url" in output("man", "--local-file", unpacked / "usr/share/man/man5/vmext.toml.5.gz")


def test_bash_completes(unpacked: Path):
    script = unpacked / "usr/share/bash-completion/completions/vmext"
    line = f'. "{script}"; COMP_WORDS=(vmext col); COMP_CWORD=1; _vmext_completion vmext; echo "${{COMPREPLY[@]}}"'
    path = f"{unpacked}/usr/bin:/usr/bin:/bin"
    assert output("bash", "--norc", "-c", line, PATH=path).split() == ["collect"]


def test_fish_completes(unpacked: Path, tmp_path: Path):
    script = unpacked / "usr/share/fish/vendor_completions.d/vmext.fish"
    line = f'source "{script}"; complete --do-complete "vmext fleet pu"'
    told = output("fish", "--no-config", "-c", line, PATH=f"{unpacked}/usr/bin:/usr/bin:/bin", HOME=str(tmp_path))
    assert [row.split("\t")[0] for row in told.splitlines()] == ["pull"]


def test_zsh_finds_its_completion(unpacked: Path, tmp_path: Path):
    folder = unpacked / "usr/share/zsh/vendor-completions"
    assert (folder / "_vmext").read_text().startswith("#compdef vmext\n")
    line = f'fpath=("{folder}" $fpath); autoload -Uz compinit; compinit -u -D; echo $_comps[vmext]'
    assert output("zsh", "--no-rcs", "-c", line, HOME=str(tmp_path)).strip() == "_vmext"
    assert output("zsh", "--no-rcs", "-n", folder / "_vmext") == ""


def test_lintian_finds_no_error(packages: Packages):
    command = ["lintian", "--allow-root", "--fail-on=error", "--tag-display-limit=0", str(packages.deb())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_scripts_of_packages_are_clean():
    recipes = Path(__file__).parents[2] / "packaging" / "linux"
    for name in ("postinst", "prerm", "postrm"):
        output("dash", "-n", recipes / "deb" / name)
    for name in ("post", "preun", "postun"):
        output("dash", "-n", recipes / "rpm" / name)


def test_the_same_content_makes_the_same_bytes(packages: Packages, linux: Built, tmp_path: Path):
    before = os.umask(0o077)  # of who builds, and another hour
    try:
        build(linux.tree, "x86_64", tmp_path)
    finally:
        os.umask(before)
    for mine in (packages.deb(), packages.rpm()):
        assert (
            hashlib.sha256(mine.read_bytes()).digest() == hashlib.sha256((tmp_path / mine.name).read_bytes()).digest()
        )


def test_the_bills_of_materials_name_each_part(packages: Packages):
    for package in packages.deb(), packages.rpm():
        document = bills.read(package.with_name(f"{package.name}.cdx.json"))
        told = document["metadata"]["component"]
        assert told["hashes"][0]["content"] == hashlib.sha256(package.read_bytes()).hexdigest()
        assert {part["name"] for part in document["components"]} == CARRIED | INTERPRETER
