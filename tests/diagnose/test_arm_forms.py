"""Errors are read out of every form in which people paste them: the same error, the same answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from collector.data.noise import is_noise
from collector.diagnose.arm.knowledge import families, nicknames, platform_codes, wordings
from collector.diagnose.arm.read import Reading, read
from collector.diagnose.arm.values import ArmError
from collector.extract.telling import error_score
from collector.model import iso
from tests.diagnose.arm_forms import FORMS, wrapped

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CASES = sorted((Path(__file__).parents[1] / "cases_arm").glob("*.toml"))
READING = Reading(error_score, is_noise)


def first(text: str) -> ArmError:
    return read(text, READING)[0]


@pytest.mark.parametrize(("text", "expect"), FORMS.values(), ids=FORMS.keys())
def test_the_innermost_error_is_read_out_of_every_form(text: str, expect: dict[str, Any]):
    error = first(text)
    told = {
        **{key: getattr(error, key) for key in ("code", "kind", "extension", "publisher", "type", "handler")},
        **{key: getattr(error.inner, key) for key in ("exit_code", "status_code", "operation", "message", "cut")},
        **{key: getattr(error.place, key) for key in ("scale_set", "instance_id", "vm")},
        "agent_code": error.agent_code,
        "version": error.version,
        "first": iso(error.first_time),
    }
    wanted = {key: value for key, value in expect.items() if key not in ("said", "not_said")}
    assert {key: told[key] for key in wanted} == wanted
    for part in expect.get("said", ()):
        assert part in error.inner.message
    for part in expect.get("not_said", ()):
        assert part not in error.inner.message


@pytest.mark.parametrize("file", CASES, ids=[file.stem for file in CASES])
def test_pasted_texts_with_a_known_answer(file: Path):
    expect = tomllib.loads(file.read_text(encoding="utf-8"))["expect"]
    errors = read(file.with_suffix(".txt").read_text(encoding="utf-8"), READING)
    error = errors[0]
    assert [one.code for one in reversed(errors) if one.code] == expect["codes"]
    assert error.code == expect["code"]
    assert error.extension == expect["extension_name"]
    assert (error.publisher, error.type) == (expect["publisher"], expect["type"])
    assert error.inner.exit_code == expect.get("exit_code")
    assert error.inner.operation == expect.get("operation", "")
    assert error.agent_code == expect.get("terminal_error_code")
    assert expect["inner_message"] in error.inner.message
    assert expect["raw_fragment"] in error.inner.message
    assert error.place.vm == expect.get("vm", "")
    assert iso(error.first_time) == expect.get("first_time")
    assert iso(error.last_time) == expect.get("last_time")
    if "target_type" in expect:
        assert error.place.target_type == expect["target_type"]
    for text in expect.get("must_not_report", ()):
        assert text not in error.inner.message


def test_what_only_wraps_comes_last_and_once():
    errors = read(str(wrapped(0)).replace("None", "null"), READING)
    assert [error.code for error in errors] == ["VMExtensionProvisioningError", "ResourceDeploymentFailure"]
    deep = [error.code for error in read(FORMS["wrapped-3"][0], READING)]
    assert deep == ["VMExtensionProvisioningError", "ResourceDeploymentFailure", "Conflict", "DeploymentFailed"]


def test_several_errors_are_several_entries_in_the_order_of_the_text():
    text = (
        "VM has reported a failure when processing extension 'b'. Error message: \"Enable failed: x\".\n"
        "Provisioning of VM extension a has timed out. Extension provisioning has taken too long to complete.\n"
        "VM has reported a failure when processing extension 'c'. Error message: \"Enable failed: x\"."
    )
    assert [(one.extension, one.kind) for one in read(text, READING)] == [
        ("b", "failure"),
        ("a", "hang"),
        ("c", "failure"),
    ]


def test_an_error_that_is_told_again_and_cut_is_one_entry():
    short = "VM has reported a failure when processing extension 'b'."
    assert len(read(f'{short} Error message: "Enable failed: x".\nDetails: {short} ', READING)) == 1
    assert len(read(f"{short} Error message: 'x'.\n{short} Error message: 'y'.", READING)) == 2
    ended = f"{short} Error message: 'Enable failed: failed to execute command: command terminated with exit status="
    assert [one.inner.exit_code for one in read(f"{ended}1'.\n{ended}2'.", READING)] == [1, 2]


def test_each_code_behind_its_message_is_read():
    errors = read(FORMS["powershell-status-message"][0], READING)
    assert [(one.extension, one.code) for one in errors] == [
        ("cse", "VMExtensionProvisioningError"),
        ("b", "VMExtensionProvisioningError"),
    ]


def test_the_same_error_on_two_instances_is_two_entries():
    event = FORMS["activity-log"][0]
    errors = read(f"[{event}, {event.replace('virtualMachines/12', 'virtualMachines/13')}]", READING)
    assert {one.place.instance_id for one in errors if one.kind == "failure"} == {"12", "13"}


def test_what_is_asked_for_goes_before_what_is_likely():
    text = "VM has reported a failure when processing extension 'x'. Error message: \"command terminated with exit status=1\"."
    error = read(text, Reading(error_score, is_noise, "ama"))[0]
    assert (error.handler, error.handler_by) == ("Microsoft.Azure.Monitor.AzureMonitorLinuxAgent", "--extension")
    assert (error.publisher, error.type) == ("", "")


@pytest.mark.parametrize("text", ["", " ", "hello", "{}", "[]", "null", '{"code": 200, "message": "OK"}', "Code: 7"])
def test_text_without_any_error_gives_none(text: str):
    assert read(text, READING) == ()


@pytest.mark.parametrize("family", families(), ids=[family.id for family in families()])
def test_a_sentence_fits_its_example_however_it_is_broken_and_no_other(family):
    assert family.regex.search(family.example)
    assert family.regex.search(family.example.replace(" ", "\n  ").replace("'", '"'))
    assert not family.regex.search(family.other)
    assert family.meaning or family.code or family.kind == "failure" or family.id == "timed-out"


def test_the_table_holds_together():
    assert len({family.id for family in families()}) == len(families())
    assert all(family.code in platform_codes() for family in families() if family.code)
    said = [name for nickname in nicknames() for name in nickname.names]
    assert len(said) == len(set(said))
    assert all(name == name.lower() for name in said)
    assert all(
        wording.found_in(wording.pattern.split("|")[0].replace("(?:", "").replace("[0-9]+", "5"))
        for wording in wordings()
    )
