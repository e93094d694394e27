"""``vmext diagnose``: today's rules on old bundles, and what changed since."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector import __version__
from collector.cli import diagnose as cli
from collector.diagnose.again import Answer, again, answer, subject
from collector.diagnose.diagnose import diagnose
from collector.errors import FAILURE_FOUND, HANG_FOUND, HEALTHY, ConfigError
from collector.model import Finding
from tests.bundle.samples import FACTS, IDENTITY
from tests.fleet.fleets import bundle, locked

OLD: dict[str, Any] = {"agent_version": "0.0.9"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.command, [str(argument) for argument in arguments])


def today(finding: Finding) -> Finding:
    """The same failure as today's rules answer it."""
    (now,) = diagnose([finding.failure], IDENTITY, FACTS)
    return now


# ---- pairing -------------------------------------------------------------------------------------------


def test_the_same_answer_is_the_same():
    finding = locked(1)
    (one,) = again([(subject(finding.failure), answer(finding))], [finding])
    assert (one.changed, one.same) == ((), True)


@pytest.mark.parametrize("field", ["title", "confidence", "owner", "meaning", "remedy"])
def test_each_field_that_differs_is_named(field):
    finding = locked(1)
    changes: dict[str, Any] = {field: "low" if field == "confidence" else "other"}
    then = replace(answer(finding), **changes)
    (one,) = again([(subject(finding.failure), then)], [finding])
    assert (one.changed, one.same) == ((field,), False)


def test_a_rule_of_another_name_that_says_the_same_is_the_same_answer():
    finding = locked(1)
    (one,) = again([(subject(finding.failure), replace(answer(finding), id="old-name"))], [finding])
    assert (one.changed, one.same) == (("id",), True)


def test_failures_find_their_old_answer_in_any_order_and_alike_ones_in_theirs():
    first, second, other = locked(1), locked(1), locked(1, exit_code=127)
    answers = [
        (subject(one.failure), replace(answer(one), remedy=str(n))) for n, one in enumerate((other, first, second))
    ]
    found = again(answers, [first, other, second])
    assert [one.then.remedy for one in found if one.then] == ["1", "0", "2"]


def test_a_failure_that_nothing_was_said_of():
    (one,) = again([], [locked(1)])
    assert one.then is None
    assert not one.same
    assert set(one.changed) == set(Answer.__slots__)


# ---- the command ---------------------------------------------------------------------------------------


def test_one_bundle_is_answered_in_full_with_what_changed(tmp_path):
    finding = replace(locked(1), title="no known cause", meaning="", confidence="low", id="unexplained")
    info = bundle(tmp_path, 1, finding, **OLD)
    result = run(info.path)
    rows = result.stdout.splitlines()
    now = today(finding)
    assert result.exit_code == FAILURE_FOUND
    assert rows[0] == f"VMEXT FAILED CustomScript exit 100: {now.title}"
    assert f"VMEXT FAILED CustomScript exit 100; bundle {info.id}, not the same answer as then" in rows
    assert f"answered again by the rules of vmext {__version__}" in " ".join(result.stdout.split())
    assert "made by vmext 0.0.9" in result.stdout
    at = rows.index("What changed since then")
    assert rows[at + 1] == "  failure: CustomScript exit 100"
    assert rows[at + 2].split() == ["Cause", "no", "known", "cause", "->", *now.title.split()]
    assert rows[-1] == f"    Rule      unexplained -> {now.id}"


def test_the_same_answer_is_said_with_the_rules_it_was_of(tmp_path):
    info = bundle(tmp_path, 1, today(locked(1)), **OLD)
    result = run(info.path)
    assert result.stdout.splitlines()[-2:] == [
        "What changed since then",
        "  Nothing: same answer as then (rules of vmext 0.0.9).",
    ]
    assert f"bundle {info.id}, the same answer as then" in result.stdout


def test_a_healthy_bundle_has_nothing_to_answer(tmp_path):
    result = run(bundle(tmp_path, 1).path)
    assert result.exit_code == HEALTHY
    assert result.stdout.startswith("VMEXT HEALTHY")
    assert result.stdout.splitlines()[-1] == "  Nothing: no failure was found then, so that there is none to answer."


def test_several_bundles_are_a_table(tmp_path):
    bundle(tmp_path, 1, today(locked(1)), name="1.zip")
    bundle(tmp_path, 2, replace(today(locked(2)), title="disk full"), name="2.zip")
    bundle(tmp_path, 3, replace(today(locked(3)), remedy="wait"), name="3.zip")
    bundle(tmp_path, 4, name="4.zip")
    (tmp_path / "5.zip").write_bytes(b"no zip")
    result = run(tmp_path)
    rows = [row.split("  ") for row in result.stdout.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    now = today(locked(1))
    told = f"{now.title} ({({'high': 'very likely', 'medium': 'probable', 'low': 'possible'})[now.confidence]})"
    assert [(row[0], *row[2:]) for row in cells[:5]] == [
        ("INSTANCE", "FINDING", "THEN", "NOW"),
        ("web_1", "failure: CustomScript exit 100", told, "same"),
        ("web_2", "failure: CustomScript exit 100", told.replace(now.title, "disk full"), told),
        ("web_3", "failure: CustomScript exit 100", told, "same cause; other remedy"),
        ("web_4", "healthy", "-", "-"),
    ]
    totals = "4 bundles, 3 findings: 1 with another cause, 1 told otherwise, 1 the same"
    assert result.stdout.splitlines()[-1] == f"{totals} (rules of vmext {__version__})"
    assert "5.zip: the bundle is no zip file" in result.stderr


def test_json_has_both_answers(tmp_path):
    bundle(tmp_path, 1, replace(today(locked(1)), title="disk full"), **OLD)
    told = json.loads(run("--format", "json", tmp_path, tmp_path / "none").stdout)
    assert told["rules_of"] == __version__
    assert told["problems"] == [f"{tmp_path / 'none'}: there is no such file"]
    (one,) = told["bundles"]
    assert (one["instance"], one["verdict"], one["made_by"], one["same"]) == ("web_1", "failed", "0.0.9", False)
    (finding,) = one["findings"]
    assert finding["changed"] == ["title"]
    assert finding["then"]["title"] == "disk full"
    assert finding["exit_code"] == 100
    assert finding["title"] == today(locked(1)).title


def test_bundles_of_the_first_versions_have_no_title(tmp_path):
    bundle(tmp_path, 1, replace(locked(1), title=""))
    assert "(nothing) -> " in run(tmp_path).stdout


def test_several_findings_keep_each_its_answer(tmp_path):
    one, other = today(locked(1)), today(locked(1, exit_code=127, message="x: command not found"))
    bundle(tmp_path, 1, one, replace(other, remedy="buy another"))
    rows = run(tmp_path).stdout.splitlines()
    assert "All 2 findings" in rows
    at = rows.index("What changed since then")
    assert rows[at + 1] == "  failure: CustomScript exit 127"
    assert rows[at + 2].startswith("    Remedy    buy another")


def test_a_hang_alone_ends_with_its_code(tmp_path):
    since = locked(1).failure.first_time
    bundle(tmp_path, 1, locked(1, kind="hang", exit_code=None, hang_since=since, limit_seconds=5400), minutes=90)
    assert run(tmp_path).exit_code == HANG_FOUND


def test_nothing_that_can_be_read_is_a_usage_error(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"")
    assert isinstance(run(tmp_path).exception, ConfigError)


def test_a_bundle_can_not_steer_the_terminal(tmp_path):
    evil = "\x1b]0;owned\x07 \x9b31m\u202e failed"
    for n in range(2):
        bundle(tmp_path, n, locked(n, message=evil, title=evil, remedy=evil), agent_version=evil,
               identity=replace(IDENTITY, instance_name=evil, vm_id=str(n)), name=f"{n}.zip")  # fmt: skip
        result = run(tmp_path)
        assert result.exit_code == FAILURE_FOUND
        assert not set(result.output) & set("\x1b\x07\x9b\u202e")
