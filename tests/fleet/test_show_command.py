"""``vmext fleet show`` itself: what people and programs see of it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from collector.cli.fleet import show
from collector.errors import ConfigError
from collector.fleet.advice import advise
from collector.fleet.case import case_of
from collector.fleet.reading import read_scale_set
from collector.fleet.rendering.ranges import ranges
from collector.fleet.rendering.text import text
from tests.fleet.show_answers import listed, machine, queried, view

GOOD, BAD = "Succeeded", "Failed"
CASE = Path(__file__).parents[1] / "cases_vmss" / "01.json"


def run(answer: object, *options: str) -> Result:
    return CliRunner().invoke(show.command, ["-", *options], input=json.dumps(answer))


def lines(answer: object, width: int = 120) -> list[str]:
    scale_set = read_scale_set(json.dumps(answer))
    case = case_of(scale_set)
    return list(text(scale_set, case, advise(scale_set, case), width=width, paint=lambda word, state: word))


def test_a_terminal_sees_the_matrix_and_what_failed_where():
    result = CliRunner().invoke(show.command, [str(CASE)])
    assert result.exit_code == 0
    assert result.output.startswith(
        """web in rg-web-weu (uniform): 4 instances, 3 with a failed extension

instance  customScript  AzureMonitorLinuxAgent  healthRepairExtension
0         succeeded     succeeded               succeeded
3         FAILED        succeeded               succeeded
4         succeeded     FAILED                  succeeded
7         FAILED        succeeded               FAILED

Failed
  customScript on 2 of 4: 3, 7
  AzureMonitorLinuxAgent on 1 of 4: 4
  healthRepairExtension on 1 of 4: 7

Failed on some: """
    )
    assert "\x1b" not in result.output


def test_json_has_the_promised_keys():
    told = json.loads(run([queried(0, a=GOOD), queried(10, a=BAD), queried(2, a=BAD)], "--format", "json").output)
    assert list(told) == ["scale_set", "instances", "case", "failed", "commands", "problems"]
    assert told["instances"] == {"0": {"a": "succeeded"}, "2": {"a": "failed"}, "10": {"a": "failed"}}
    assert (told["scale_set"], told["case"], told["failed"]) == ("web", "some", {"a": ["2", "10"]})
    assert told["commands"][0].startswith("az vmss set-orchestration-service-state -g rg-web -n web")


def test_csv_has_a_row_for_each_extension():
    message = "=HYPERLINK()\n[stderr]\nbad"
    answer = [view("web000001", message, "ProvisioningState/failed/1"), view("web000002", extensions=None)]
    rows = list(csv.DictReader(io.StringIO(run(answer, "--format", "csv").output)))
    assert [(row["instance"], row["extension"], row["state"]) for row in rows] == [
        ("1", "init", "failed"),
        ("2", "", ""),
    ]
    assert rows[0]["message"] == "'=HYPERLINK() | bad"


def test_markdown_is_a_table_for_a_ticket():
    output = run(
        [listed(0, True, "web", **{"a|b": BAD}), listed(1, True, "web", **{"a|b": GOOD})], "--format", "markdown"
    ).output
    assert "| instance | a\\|b |\n|---|---|\n| 0 | **FAILED** |\n| 1 | succeeded |\n" in output
    assert output.startswith("**web**: Failed on some: ")


def test_settings_and_secrets_never_show():
    message = "exit status=1\n[stderr]\ncurl: password=Hunter2Hunter2 refused"
    entry = {**listed(1, init=BAD), "instanceView": view("web000001", message, "ProvisioningState/failed/1")}
    for form in ("text", "json", "csv", "markdown"):
        output = run([entry, listed(2, init=GOOD)], "--format", form).output
        assert "init" in output
        assert "unter2" not in output


def test_nothing_of_the_file_steers_the_terminal():
    name = "e\x1b[2J\x9b31m\u202e\ud800"
    for form in ("text", "csv", "markdown", "json"):
        result = run([listed(0, True, "web", **{name: BAD}), listed(1, True, "web", **{name: GOOD})], "--format", form)
        assert result.exit_code == 0
        assert not {"\x1b", "\x9b", "\u202e"} & set(result.output)


def test_options_tell_what_the_file_does_not():
    output = run(view("web000003", code="ProvisioningState/failed/1"), "-g", "my rg", "-n", "web").output
    assert "az vmss update -g 'my rg' -n web --instance-id 3 --protect-from-scale-in true" in output
    assert "vmext fleet collect FILE -g 'my rg' -n web" in output
    output = run(view("web000003", code="ProvisioningState/failed/1")).output
    assert "vmext fleet collect FILE -g RESOURCE-GROUP -n SCALE-SET" in output


def test_powershell_writes_utf_16(tmp_path):
    file = tmp_path / "set.json"
    file.write_bytes(json.dumps([queried(3, a=BAD)], indent=2).encode("utf-16"))
    assert "a on 1 of 1: 3" in CliRunner().invoke(show.command, [str(file)]).output


def test_a_file_that_is_no_answer_is_named(tmp_path):
    file = tmp_path / "set.txt"
    file.write_text("InstanceId\n----------\n0\n")
    with pytest.raises(ConfigError, match=r"set\.txt: it is no JSON; it looks like the output of -o table"):
        CliRunner().invoke(show.command, [str(file)], catch_exceptions=False)


@pytest.mark.parametrize(("content", "code"), [(json.dumps([queried(3, a=BAD)]), 0), ("no", 2), ("", 2)])
def test_the_exit_code_is_about_the_file_only(tmp_path, content, code):
    file = tmp_path / "set.json"
    file.write_text(content)
    ended = subprocess.run([sys.executable, "-m", "collector", "fleet", "show", file], capture_output=True, text=True)
    assert ended.returncode == code
    assert bool(ended.stderr) == bool(code)
    assert "Traceback" not in ended.stderr


# ---- large and wide sets -------------------------------------------------------------------------------


def test_equal_instances_of_a_large_set_are_one_row():
    shown = lines([listed(n, cs=BAD if n in (5, 77, 200) else GOOD) for n in range(1000)])
    table = shown[2:7]
    assert table[1].split() == ["0-4,", "6-76,", "78-199,", "201-999", "(997)", "succeeded"]
    assert [row.split() for row in table[2:]] == [["5", "FAILED"], ["77", "FAILED"], ["200", "FAILED"]]


def test_very_many_failures_are_one_row_and_one_loop():
    shown = lines([listed(n, cs=BAD if n < 500 else GOOD) for n in range(1000)])
    assert [row.split() for row in shown[3:5]] == [["0-499", "(500)", "FAILED"], ["500-999", "(500)", "succeeded"]]
    loops = [row for row in shown if row.startswith("   for i in 0 1 2 ")]
    assert len(loops) == 2
    assert '--instance-id "$i" --protect-from-scale-in true' in loops[0]
    assert max(len(row) for row in shown if not row.startswith("   ")) <= 120


def test_a_wide_set_is_folded_to_the_terminal():
    states = {f"extension-number-{n}": BAD if n % 2 else GOOD for n in range(14)}
    shown = lines([listed(n, True, "web", **states) for n in range(2)], width=80)
    table = shown[1 : shown.index("Failed") - 2]
    assert max(map(len, table)) <= 80
    assert sum(row.startswith("instance ") for row in table) > 1
    folded = next(row for row in shown if row.startswith("succeeded wherever it is: "))
    assert "extension-number-0" in folded
    assert "extension-number-1," not in folded


def test_an_older_model_has_a_column():
    shown = lines([listed(0, latest=True, cs=BAD), listed(1, latest=False, cs=GOOD)])
    assert [row.split() for row in shown[2:5]] == [
        ["instance", "cs", "model"],
        ["0", "FAILED", "latest"],
        ["1", "succeeded", "older"],
    ]


def test_messages_are_told_once_with_their_instances():
    answer = [view(f"web00000{n}", f"exit code {n // 2}", "ProvisioningState/failed/1") for n in range(1, 4)]
    shown = lines(answer)
    assert "      exit code 1 (2, 3)" in shown
    assert "      exit code 0 (1)" in shown


def test_colours_only_mark_states():
    scale_set = read_scale_set(json.dumps([machine("a", CSE=BAD), machine("b", CSE=GOOD)]))
    case = case_of(scale_set)
    painted = text(scale_set, case, advise(scale_set, case), width=80, paint=lambda word, state: f"<{state}>{word}")
    assert {row for row in painted if "<" in row} == {"a         <failed>FAILED", "b         <succeeded>succeeded"}


def test_a_thousand_instances_are_shown_without_blowing_up():
    message = "Enable failed: command terminated with exit status=1\n[stdout]\n\n[stderr]\n" + "x" * 400
    bad = {"instanceView": view("web", message, "ProvisioningState/failed/1")}
    answer = json.dumps([{**listed(n, a=GOOD, b=GOOD, init=BAD), **bad} for n in range(1000)], indent=2)
    began = time.process_time()
    result = CliRunner().invoke(show.command, ["-"], input=answer)
    assert time.process_time() - began < 20
    assert "1000 instances, 1000 with a failed extension" in result.output


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        (["3"], "3"),
        (["3", "4"], "3, 4"),
        (["10", "9", "8", "1"], "1, 8-10"),
        (["a", "b"], "a, b"),
        (["a", "b", "c", "d", "e", "f"], "a, b, c, d and 2 more"),
    ],
)
def test_many_numbers_in_few_words(numbers, shown):
    assert ranges(numbers) == shown
