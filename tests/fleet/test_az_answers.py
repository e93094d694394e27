"""What comes back from az: run commands' outputs, verdicts in them, and errors."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path

import pytest

from collector.data import rows
from collector.fleet.ask.refusals import refusal_of, table
from collector.fleet.ask.run_command import Target, create, delete, invoke, invoke_output, managed_output, show
from collector.fleet.ask.script import script_text
from collector.fleet.ask.verdicts import read_verdict
from tests.collecting import CSE, STATUS, vmext
from tests.fleet.stand_in import FAILED, HANGING, HEALTHY, UNDELIVERED

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)


def linux(message: str) -> str:
    entry = {"code": "ProvisioningState/succeeded", "displayStatus": "Provisioning succeeded", "level": "Info"}
    return json.dumps({"value": [{**entry, "message": message, "time": None}]})


def windows(out: str, err: str = "") -> str:
    pairs = (("StdOut", out), ("StdErr", err))
    return json.dumps({"value": [{"code": f"ComponentStatus/{name}/succeeded", "message": m} for name, m in pairs]})


# ---- outputs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "out", "err", "lost"),
    [
        (linux("Enable succeeded: \n[stdout]\nhello\n\n[stderr]\nwarned\n"), "hello\n", "warned\n", ""),
        (linux("Enable succeeded: \n[stdout]\n\n[stderr]\n"), "", "", "gave no output"),
        (linux("Enable succeeded: \n[stdout]\nsays [stderr] itself\n[stderr]\n"), "says [stderr] itself", "", ""),
        (linux("no blocks at all"), "no blocks at all", "", ""),
        (linux("Enable succeeded: \n[stdout]\nThis is a sample script\n[stderr]\n"), None, None, "sample script"),
        (windows("one\r\ntwo\r\n"), "one\ntwo\n", "", ""),
        (windows("", "At line:1 char:1"), "", "At line:1 char:1", ""),
        (windows(""), "", "", "gave no output"),
        ('{"value": []}', "", "", "gave no output"),
        ('{"value": null}', "", "", "gave no output"),
        ("", "", "", "az printed nothing"),
        ('{"value": [{"code"', "", "", "no JSON"),
        ("[]", "", "", "no JSON"),
    ],
)
def test_invoke(text, out, err, lost):
    output = invoke_output(text)
    assert output.lost == lost or (lost and lost in output.lost)
    if out is not None:
        assert (output.out, output.err) == (out, err)


@pytest.mark.parametrize(
    ("view", "ended", "lost", "exit_code"),
    [
        ({"executionState": "Running", "exitCode": 0, "output": ""}, False, "", None),
        ({"executionState": "Pending"}, False, "", None),
        ({"executionState": "Failed", "exitCode": 10, "output": FAILED, "error": ""}, True, "", 10),
        ({"executionState": "TimedOut", "exitCode": -1, "output": "", "error": ""}, True, "it timedout", -1),
        ({"executionState": "Succeeded", "output": None, "error": None}, True, "it succeeded", None),
    ],
)
@pytest.mark.parametrize("inner", [False, True])
def test_managed(view, ended, lost, exit_code, inner):
    output = managed_output(json.dumps({"properties": {"instanceView": view}} if inner else {"instanceView": view}))
    assert (output.ended, output.exit_code) == (ended, exit_code)
    assert lost in output.lost


def test_a_managed_one_without_a_view_is_asked_again():
    assert not managed_output('{"instanceView": null}').ended
    assert not managed_output("WARNING: not JSON").ended


# ---- verdicts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "exit_code", "bundle", "delivered"),
    [
        (FAILED, "FAILED CustomScript exit 100: package manager locked", 100, "247252e2eafad389", "yes"),
        (UNDELIVERED, "FAILED CustomScript exit 100: package manager locked", 100, "247252e2eafad389", "no"),
        (HANGING, "HANGING CustomScript enable: waits for input", None, "99aa52e2eafad389", "not asked"),
        (HEALTHY, "HEALTHY", None, "11ee52e2eafad389", "yes"),
        (
            "VMEXT FAILED X exit -1 (0xFFFFFFFF); no bundle, not delivered\n",
            "FAILED X exit -1 (0xFFFFFFFF)",
            -1,
            None,
            "no",
        ),
        ("VMEXT NOTHING FOUND; bundle ab not delivered\n", "NOTHING FOUND", None, "ab", "no"),
        (
            "VMEXT NOTHING FOUND; bundle ab not sent: no upload was asked for\n",
            "NOTHING FOUND",
            None,
            "ab",
            "not asked",
        ),
    ],
)
def test_a_verdict_in_text(text, line, exit_code, bundle, delivered):
    verdict = read_verdict(text)
    assert verdict is not None
    assert (verdict.line, verdict.exit_code) == (line, exit_code)
    assert (verdict.bundle, verdict.delivered) == (bundle, delivered)


def test_the_last_line_is_enough_when_the_head_is_cut_off():
    for size in range(70, len(FAILED), 97):
        verdict = read_verdict(FAILED[-size:])
        assert verdict is not None
        assert (verdict.subject, verdict.bundle, verdict.delivered) == (
            "CustomScript exit 100",
            "247252e2eafad389",
            "yes",
        )
        assert not verdict.whole
    whole = read_verdict(FAILED)
    assert whole is not None and whole.whole


def test_parts_keep_their_lines():
    verdict = read_verdict(FAILED)
    assert verdict is not None
    parts = verdict.parts
    assert parts["Cause"].startswith("probably: Another apt") and parts["Cause"].endswith("\nextension.")
    assert parts["Do"].split("\n")[2].startswith("az vmss extension set -g rg-web")
    assert parts["Owner"] == "your script"


@pytest.mark.parametrize(
    "text", ["", "hello", "VMEXT FAILED CustomScript exit 100: the rest is lost", "{", '{"schema": 1}']
)
def test_no_verdict(text):
    assert read_verdict(text) is None


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_verdict_of_the_real_command_is_read_back(tmp_path: Path, form):
    status = tmp_path / "root" / STATUS
    status.parent.mkdir(parents=True)
    message = "Enable failed: failed to execute command: command terminated with exit status=127"
    told = {
        "operation": "Enable",
        "status": "error",
        "code": 0,
        "formattedMessage": {"lang": "en-US", "message": message},
    }
    status.write_text(json.dumps([{"version": 1, "timestampUTC": "2026-11-24T11:52:31Z", "status": told}]))
    result = vmext(
        "collect", "--root", tmp_path / "root", "--state-dir", tmp_path / "s", "--format", form, "--no-upload"
    )
    assert result.code == 10
    verdict = read_verdict(f"noise before\n{result.out}")
    assert verdict is not None
    assert verdict.word == "failed" and verdict.subject == f"{CSE.rsplit('.', 1)[-1]} exit 127"
    assert verdict.exit_code == 127 and verdict.delivered == "not asked"
    assert re.fullmatch(r"[0-9a-f]{16}", verdict.bundle or "")
    assert verdict.title and verdict.parts["Cause"]


# ---- errors of az --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "retry", "err"),
    [
        ("not-logged-in", False, "ERROR: Please run 'az login' to setup account."),
        ("not-logged-in", False, "ERROR: AADSTS700082: The refresh token has expired due to inactivity.\nPlease run: az login"),
        ("wrong-subscription", False, "ERROR: (SubscriptionNotFound) The subscription '0000' could not be found."),
        ("wrong-subscription", False, "ERROR: The subscription of 'x' doesn't exist in cloud 'AzureCloud'."),
        ("no-permission", False, "ERROR: (AuthorizationFailed) The client 'a@b' does not have authorization to perform action"),
        ("throttled", True, "ERROR: (OperationNotAllowed) The server rejected the request because too many requests have been received for this subscription."),
        ("in-progress", True, "ERROR: (Conflict) Run command extension execution is in progress. Please wait for completion before invoking a run command."),
        ("busy", True, "ERROR: (Conflict) The request failed due to conflict with a concurrent request."),
        ("not-running", False, "ERROR: (OperationNotAllowed) The operation requires the VM to be running (or set to run)."),
        ("not-running", False, "ERROR: (OperationNotAllowed) Cannot modify extensions in the VM when the VM is not running."),
        ("gone", False, "ERROR: (ResourceNotFound) The Resource 'Microsoft.Compute/virtualMachines/web_9' under resource group 'rg' was not found."),
        ("gone", False, "ERROR: (InvalidParameter) The provided instanceId 12 is not an active Virtual Machine Scale Set VM instanceId."),
        ("no-group", False, "ERROR: (ResourceGroupNotFound) Resource group 'rgx' could not be found."),
        ("preempted", True, "ERROR: (OperationPreempted) Operation execution has been preempted by a more recent operation."),
        ("agent-silent", False, "ERROR: (VMAgentStatusCommunicationError) VM 'web_3' has not reported status for VM agent or extensions."),
        ("platform", True, "ERROR: (InternalExecutionError) An internal execution error occurred."),
        ("network", True, "ERROR: HTTPSConnectionPool(host='management.azure.com', port=443): Max retries exceeded with url: /"),
        ("locked", False, "ERROR: (ScopeLocked) The scope can't perform delete operation because following scope(s) are locked"),
        ("policy", False, "ERROR: (RequestDisallowedByPolicy) Resource 'x' was disallowed by policy."),
        ("old-az", False, "ERROR: unrecognized arguments: --async-execution true"),
        ("failed", False, "Segmentation fault"),
    ],
)  # fmt: skip
def test_errors_of_az(name, retry, err):
    refusal = refusal_of(1, f"WARNING: Subscription something not asked for.\n{err}\nCode: Again\n")
    assert (refusal.name, refusal.retry) == (name, retry)
    assert refusal.words and "WARNING" not in refusal.words and "ERROR" not in refusal.words


@pytest.mark.parametrize(
    ("err", "wait"),
    [
        ("ERROR: (TooManyRequests) ... Please retry after 1235 seconds.", 1235),
        ("ERROR: (SubscriptionRequestsThrottled) Please try again after '6' seconds.", 6),
        ("ERROR: (TooManyRequests) Please try again after '5' minutes.", 300),
        ("ERROR: (TooManyRequests) Retry-After: 17", 17),
        ("ERROR: (TooManyRequests) slow down", None),
    ],
)
def test_how_long_to_wait(err, wait):
    assert refusal_of(1, err).wait == wait


def test_an_az_that_was_killed():
    assert refusal_of(-9, "").name == "killed" and refusal_of(137, "").name == "killed"


def test_rows_of_the_table_have_a_name_of_their_own_and_a_source():
    assert len({row.name for row in table()}) == len(list(rows("az_refusals")))
    assert all(row.source for row in table())


# ---- argument lists and scripts ------------------------------------------------------------------------


def test_argument_lists():
    uniform = Target("rg", "web", "3", "linux", subscription="s", location="westeurope")
    assert invoke(uniform, "f.sh")[:9] == [
        *["vmss", "run-command", "invoke", "-g", "rg", "-n", "web", "--instance-id", "3"]
    ]
    assert "RunShellScript" in invoke(uniform, "f.sh") and "@f.sh" in invoke(uniform, "f.sh")
    machine = Target("rg", "web", "web_a1b2", "windows", flexible=True)
    assert invoke(machine, "f.ps1")[:7] == ["vm", "run-command", "invoke", "-g", "rg", "-n", "web_a1b2"]
    assert "RunPowerShellScript" in invoke(machine, "f.ps1")
    for arguments in (create(machine, "n", "f.ps1", 60), show(machine, "n"), delete(machine, "n")):
        assert arguments[5:9] == ["--vm-name", "web_a1b2", "--name", "n"] and "--instance-id" not in arguments
    assert "--location" in create(uniform, "n", "f", 60) and "--location" not in create(machine, "n", "f", 60)
    assert delete(uniform, "n").count("--yes") == 1


def test_arguments_are_quoted_for_either_shell():
    arguments = ["--extension", "*Custom' Script", "--since", "2h"]
    assert """vmext collect --extension '*Custom'"'"' Script' --since 2h""" in script_text("linux", arguments, 60)
    assert "collect '--extension' '*Custom'' Script' '--since' '2h'" in script_text("windows", arguments, 60)
