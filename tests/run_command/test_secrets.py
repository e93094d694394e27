"""What the script prints by itself holds no secret: every kind of one, in every form of log, wherever it stands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.redact.planted import Case, corpus, leaks
from tests.run_command.azure import SCRIPT
from tests.run_command.forms import FORMS
from tests.run_command.test_reduced import AWKS, collect

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a shell script")

CASES = list(corpus(Random(7)))
ROOT = Path(__file__).parents[1]
#: Hides blocks of lines, as the script does with each text that it quotes.
BLOCKS = """
/^#/ { flush(); next }
{ block[++count_] = substr($0, 2) }
function flush(   number) {
  if (count_) hide(block, count_)
  for (number = 1; number <= count_; number++) print "|" block[number]
  print "#"; count_ = 0
}
END { flush() }
"""


def hidden(texts: list[str], awk: str = "mawk") -> list[str]:
    """The texts as the script's own code leaves them."""
    program = SCRIPT.read_text().partition("\nSECRETS='")[2].partition("\n'\n")[0]
    assert "function hide" in program
    given = "".join("".join(f"|{line}\n" for line in ascii_(text).split("\n")) + "#\n" for text in texts)
    done = subprocess.run(
        [*awk.split(), program + BLOCKS],
        input=given,
        capture_output=True,
        text=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin"},
    )
    assert done.returncode == 0, done.stderr
    blocks = done.stdout.split("#\n")[: len(texts)]
    return ["\n".join(line[1:] for line in block.split("\n")) for block in blocks]


def ascii_(text: str) -> str:
    kept = text.replace("\0", "").replace("\r", "\n")
    return "".join(sign if sign in "\t\n" or " " <= sign <= "~" else "?" for sign in kept)


@pytest.mark.parametrize("awk", AWKS.values(), ids=AWKS)
def test_no_planted_secret_is_left(awk: str):
    cases = CASES if awk == "mawk" else CASES[::5]
    left: Counter[str] = Counter()
    for case, text in zip(cases, hidden([case.text for case in cases], awk), strict=True):
        left[case.planted.kind] += bool(leaks(case, text))
    assert not +left


@pytest.mark.parametrize("awk", AWKS.values(), ids=AWKS)
def test_plain_words_are_hidden_where_the_line_says_what_they_are(awk: str):
    left = hidden([form.replace("@", "hunterhunter", 1) for form in FORMS], awk)
    assert [form for form, text in zip(FORMS, left, strict=True) if "hunterhunter" in text] == []


def test_the_lines_that_tell_the_reason_stay():
    """Hiding everything would be safe, and of no use."""
    files = [*ROOT.glob("cases/*/disk/var/log/**/*.log"), *ROOT.glob("cases/*/disk/var/lib/**/stderr")]
    texts = [ascii_(file.read_text(encoding="utf-8", errors="replace")) for file in files]
    lines = [line for text in texts for line in text.split("\n")]
    after = [line for text in hidden(texts) for line in text.split("\n")]
    gone = sum("[hidden: this line" in line for line in after)
    touched = sum("[hidden" in line for line in after)
    assert len(lines) > 500
    assert gone < len(lines) / 10, f"{gone} of {len(lines)}"
    assert touched < len(lines) / 8, f"{touched} of {len(lines)}"


PLACES = ("stderr", "status", "handler status", "agent's log")


@pytest.mark.parametrize("place", PLACES)
def test_none_is_printed_from_any_file(tmp_path: Path, place: str):
    """The whole script, on disks where the secret stands in what it quotes."""
    printed = 0
    for number, case in enumerate(CASES[PLACES.index(place) * 31 :: 300]):
        disk = tmp_path / f"disk{number}"
        _plant(disk, place, case)
        ran = collect(disk, tmp_path / "run")
        assert not leaks(case, ran.text), f"{case.where}: {ran.text}"
        printed += "before" in ran.text or "[hidden" in ran.text
        assert "VMEXT" in ran.text
    assert printed >= 12, "the texts were looked at"


def _plant(disk: Path, place: str, case: Case) -> None:
    folder = disk / "var/lib/waagent/Microsoft.Azure.Extensions.CustomScript-2.1.19"
    for name in ("status", "config"):
        (folder / name).mkdir(parents=True)
    text = case.text if place == "status" else "x"
    message = {"lang": "en", "message": f"failed: exit status=3\n[stdout]\n\n[stderr]\n{text}"}
    state = {"operation": "Enable", "status": "error", "code": 3, "formattedMessage": message}
    (folder / "status/0.status").write_text(json.dumps([{"timestampUTC": "2026-05-04T03:12:25Z", "status": state}]))
    bad = {"status": "NotReady", "code": 1009, "message": f"[ExtensionOperationError] {case.text}"}
    good = {"status": "Ready", "code": 0, "message": "Plugin enabled"}
    (folder / "config/HandlerStatus").write_text(json.dumps(bad if place == "handler status" else good))
    if place == "handler status":
        (folder / "status/0.status").unlink()
    (disk / "var/log").mkdir(parents=True)
    if place == "stderr":
        download = disk / "var/lib/waagent/custom-script/download/0"
        download.mkdir(parents=True)
        (download / "stderr").write_text(case.text)
    if place == "agent's log":
        (disk / "var/log/waagent.log").write_text(
            f"2026-05-04T03:12:25.000000Z ERROR ExtHandler ExtHandler {case.text}"
        )
