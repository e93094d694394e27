"""The page that leads from nothing to the reason is walked: what can run here runs, and its output is compared."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from collector.fleet.ask.script import script_text
from collector.fleet.ask.verdicts import read_verdict
from tests.run_command.azure import SCRIPT
from tests.run_command.machine import CASE
from tests.run_command.stand_in_az import KNOWN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/quickstart.md").read_text(encoding="utf-8")
RUN = re.findall(r"<!-- run -->\n\n(.*?)\n\n<!-- end -->", PAGE, re.S)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a way for bash")


def blocks(text: str) -> list[str]:
    """Indented blocks of the page."""
    return [re.sub(r"^    ", "", found, flags=re.M) for found in re.findall(r"(?:^    .*\n)+", text, re.M)]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine with az and vmext on it, in a folder that looks like a checkout; the instance is a sample disk."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in (("az", "tests.run_command.stand_in_az"), ("vmext", "collector")):
        # what Run Command starts has no vmext: only the person who types has
        (programs / name).write_text(
            f'#!/bin/sh\nexport PATH=/usr/bin:/bin\n[ {name} = az ] || export PATH="{programs}:$PATH"\n'
            f'exec "{sys.executable}" -m {module} "$@"\n'
        )
        (programs / name).chmod(0o755)
    for name in ("scripts", "packaging"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "locks").mkdir()
    clean = {key: value for key, value in os.environ.items() if not key.startswith("VMEXT_")}
    return clean | {
        "PATH": f"{programs}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "AZ_CALLS": str(tmp_path / "calls"),
        "VMEXT_COLLECT_ROOT": str(CASE),
        "VMEXT_STATE_FOLDERS": str(tmp_path / "locks"),
        "VMEXT_STATE_DIR": str(tmp_path / "state"),
        "PACKAGE_URI": "https://x.blob.core.windows.net/p/vmext.deb?sig=x",
        "CONFIGURATION_URI": "https://x.blob.core.windows.net/p/config.toml?sig=x",
    }


def test_the_way_in_its_order(environment: dict[str, str], tmp_path: Path):
    answers = []
    for block in RUN:
        commands = "\n".join(blocks(block + "\n")).replace("/mnt/web-3", str(CASE))
        done = subprocess.run(["bash", "-euc", commands], env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode in (0, 10, 20), f"{commands}\n{done.stdout}{done.stderr}"
        answers.append(done.stdout)
    shown, _, extensions, asked, fleet, offline = answers
    assert "customScript" in shown
    assert extensions == "", "the sample set has no Custom Script"
    _is_like_the_page(asked)
    assert "FAILED CustomScript exit 100" in fleet
    assert "FAILED CustomScript exit 100" in (tmp_path / "answers/3.txt").read_text()
    assert offline.startswith("VMEXT FAILED CustomScript exit 100: ")
    called = set((tmp_path / "calls").read_text().splitlines())
    assert called >= {" ".join(known) for known in KNOWN if known != ("vmss", "show")}


def _is_like_the_page(message: str) -> None:
    """The page's answer: the same labels, the same first and last line, every line of it told."""
    (shown,) = blocks(PAGE.partition("<!-- reduced -->")[2].partition("<!-- end -->")[0])
    real, page = read_verdict(message.partition("[stdout]\n")[2].partition("\n[stderr]")[0]), read_verdict(shown)
    assert real is not None
    assert page is not None
    assert list(real.parts) == list(page.parts)
    for line in shown.splitlines():
        assert line.strip().split("  ")[-1].strip() in message, line


def test_every_other_command_is_one_that_bash_can_read():
    for block in blocks(PAGE):
        if block.startswith(("VMEXT", "--parameters")):
            continue
        assert subprocess.run(["bash", "-n", "-c", block], capture_output=True).returncode == 0, block


def test_every_file_and_page_that_is_named_is_there():
    for name in re.findall(r"`((?:packaging|scripts|docs)/[\w./-]+)`", PAGE):
        assert (ROOT / name).exists() or name.startswith("scripts/build-"), name
    for name in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / name).exists(), name
    assert "docs/quickstart.md" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_both_scripts_look_for_vmext_in_the_same_places():
    """The fleet commands bring a script of their own where vmext is installed; this one must find it there too."""
    short = re.search(r'PATH="\$PATH:(\S+)"', script_text("linux", [], 60))
    long = re.search(r'PATH="\$PATH:(\S+)" command -v vmext', SCRIPT.read_text())
    assert short
    assert long
    assert set(short[1].split(":")) <= set(long[1].split(":"))


def test_the_page_s_words_are_the_script_s():
    text = SCRIPT.read_text()
    for name in set(re.findall(r"VMEXT_[A-Z_0-9]+", PAGE)):
        assert f"{name}:=" in text, name
    assert shutil.which("bash")
    assert shlex.split(RUN[3])[0] == "az"
