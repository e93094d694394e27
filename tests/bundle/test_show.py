"""``vmext show``: a bundle in the terminal, whole, marked, harmless."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collector.bundle.writer import write
from collector.cli import show
from collector.errors import USAGE, ConfigError
from collector.model import BundleInfo, Excerpt, LedgerEntry, Line, Report
from tests.bundle.samples import LOCKED, REPORT, STDERR, finding, report, seal


def written(folder: Path, report: Report = REPORT) -> BundleInfo:
    return write(report, seal=seal, audit=dict, folder=folder)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(show.command, [str(argument) for argument in arguments])


def test_it_answers_first_and_marks_the_failing_line(tmp_path):
    info = written(tmp_path)
    rows = run(info.path).output.splitlines()
    assert rows[0] == "VMEXT FAILED CustomScript exit 100: package manager locked"
    assert f"VMEXT FAILED CustomScript exit 100; bundle {info.id}" in rows
    at = rows.index("/var/lib/waagent/custom-script/download/3/stderr")
    assert rows[at + 1 : at + 4] == [
        "     12 Reading package lists...",
        "     13 Waiting for cache lock",
        f">    14 {LOCKED}",
    ]
    assert "  3 read, 1 truncated, 1 skipped, 1 missing" in rows
    assert "  truncated: /var/log/waagent.log (read to the limit of 1500000 bytes)" in rows
    assert any(row.endswith("KB  findings.json") for row in rows)
    assert "\x1b" not in "".join(rows)


def test_all_findings_are_listed(tmp_path):
    several = report(finding(), finding(name="Nightly", exit_code=-1, kind="hang", title="stuck"))
    output = run(written(tmp_path, several).path).output
    assert "  failure: CustomScript exit 100: package manager locked" in output
    assert "  hang: CustomScript Nightly exit -1 (0xFFFFFFFF): stuck" in output


def test_lines_that_are_left_out_are_said(tmp_path):
    gap = Excerpt(STDERR, (Line(1, "first"), Line(2, "second"), Line(90, LOCKED)), frozenset({1, 90}))
    output = run(written(tmp_path, replace(REPORT, excerpts=(gap,))).path).output
    assert ">     1 first\n      2 second\n       ...\n>    90 E: Could" in output


def test_json_is_findings_json(tmp_path):
    result = run(written(tmp_path).path, "--json")
    assert json.loads(result.output)["findings"][0]["exit_code"] == 100


def test_a_member_comes_as_it_is(tmp_path):
    info = written(tmp_path)
    result = run(info.path, "-m", "ledger.json")
    assert json.loads(result.output)["totals"]["read"] == 3


def test_a_healthy_bundle_has_no_marked_lines(tmp_path):
    quiet = report(verdict="healthy", excerpts=(), ledger=(LedgerEntry("a", "log", "read"),))
    output = run(written(tmp_path, quiet).path).output
    assert output.startswith("VMEXT HEALTHY")
    assert "The lines around it" not in output


def test_a_bundle_can_not_steer_the_terminal(tmp_path):
    evil = Excerpt("a\x1b]0;b", (Line(1, "\x1b[2J\x9b\u202egone"),), frozenset({1}))
    ledger = (LedgerEntry("c\x1b[1m", "log", "denied", note="\x07"),)
    output = run(written(tmp_path, replace(REPORT, excerpts=(evil,), ledger=ledger)).path).output
    assert not set(output) & set("\x1b\x07\x9b\u202e")
    assert "\\x1b[2J" in output


def test_colours_only_on_a_terminal(tmp_path):
    """The real program on a real terminal; `run` above is none."""
    info = written(tmp_path)
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals of this kind")
    leader, follower = pty.openpty()
    program = [sys.executable, "-c", "from collector.cli.show import command; command()", str(info.path)]
    with subprocess.Popen(program, stdout=follower, env={**os.environ, "TERM": "xterm"}) as shown:
        os.close(follower)
        output = b""
        try:
            while block := os.read(leader, 65_536):
                output += block
        except OSError:  # how a terminal says that no one writes to it any more
            pass
        os.close(leader)
    assert shown.returncode == 0
    assert b"\x1b[31m\x1b[1mVMEXT FAILED" in output
    assert b"\x1b[31m>    14 E: Could" in output


def test_a_console_that_knows_only_ascii_gets_escapes(tmp_path):
    info = written(
        tmp_path, replace(REPORT, excerpts=(Excerpt("gr\u00fc\u00df", (Line(1, "\u4f60"),), frozenset({1})),))
    )
    program = [sys.executable, "-c", "from collector.cli.show import command; command()", str(info.path)]
    shown = subprocess.run(program, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=True)
    assert b"/gr\\xfc\\xdf" in shown.stdout
    assert b"\\u4f60" in shown.stdout


@pytest.mark.parametrize("options", [["--json", "-m", "ledger.json"], ["--nonsense"]])
def test_wrong_options_are_usage_errors(tmp_path, options):
    assert run(written(tmp_path).path, *options).exit_code == USAGE


def test_no_such_file(tmp_path):
    result = run(tmp_path / "none.zip")
    assert result.exit_code == USAGE
    assert "does not exist" in result.output


def test_a_broken_bundle_is_named_with_what_to_do(tmp_path):
    file = tmp_path / "half.zip"
    file.write_bytes(written(tmp_path).path.read_bytes()[:-100])
    result = run(file)
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception).startswith(f"{file}: the bundle is no zip file")
    assert result.exception.hint == "Fetch the bundle again, or collect once more."


def test_an_unknown_member_is_answered_with_the_known_ones(tmp_path):
    result = run(written(tmp_path).path, "-m", "nothing")
    assert isinstance(result.exception, ConfigError)
    assert "findings.json" in result.exception.hint
