"""``vmext fleet collect --execute`` against a stand-in az: what comes back, what goes wrong, what is left behind."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time

import psutil
import pytest

from tests.collecting import vmext
from tests.fleet.stand_in import FAILED, HANGING, HEALTHY, UNDELIVERED, Azure, instance, view

GOOD = {"verdict": FAILED, "exit": 10}
CONFLICT = {
    "err": "ERROR: (Conflict) Run command extension execution is in progress. Please wait for completion before "
    "invoking a run command.\nCode: Conflict\nMessage: Run command extension execution is in progress.\n",
    "code": 1,
}
THROTTLED = {
    "err": "ERROR: (OperationNotAllowed) The server rejected the request because too many requests have been received "
    "for this subscription.\nCode: OperationNotAllowed\nException Details:\t(TooManyRequests) Retry-After: 2\n",
    "code": 1,
}
PREEMPTED = {
    "err": "ERROR: (OperationPreempted) Operation execution has been preempted by a more recent operation.\n",
    "code": 1,
}


@pytest.fixture
def azure(tmp_path):
    found = Azure(
        tmp_path, instances=[instance(0, "Succeeded"), instance(3, "Failed")], asked={"0": [{"verdict": HEALTHY}]}
    )
    yield found
    found.end()


def one(azure, *arguments):
    """The only impacted instance's outcome."""
    result = azure.collect("--format", "json", "--no-healthy", *arguments)
    document = json.loads(result.out)
    return result.code, document["instances"][0]


@pytest.mark.parametrize("method", ["managed", "invoke"])
def test_failed_and_healthy_in_one_table(azure, method):
    azure.instances.append(instance(12, "Failed"))
    azure.asked |= {"3": [GOOD], "12": [{"verdict": UNDELIVERED, "exit": 20}]}
    result = azure.collect("--method", method)
    table = result.out.split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in table if not line.startswith(" ")] == ["INSTANCE", "3", "12", "0"]
    assert "FAILED CustomScript exit 100: package manager locked" in table[1]
    assert table[1].split()[-3:] == ["100", "247252e2eafad389", "yes"]
    assert "not delivered: https://support.example refused the connection; it lies in /var/lib/vmext" in result.out
    assert "3 instances asked, 3 answered: 2 failed, 1 healthy" in result.out
    assert result.code == 20 and result.err == ""


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (FAILED, 10),
        (HANGING, 11),
        (HEALTHY, 0),
        (UNDELIVERED, 20),
        ("VMEXT NOTHING FOUND; bundle ab delivered\n", 12),
        ("", 21),
    ],
)
def test_exit_codes(azure, verdict, code):
    azure.asked["3"] = [{"verdict": verdict}]
    assert azure.collect("--no-healthy").code == code


def test_forms(azure):
    azure.asked["3"] = [GOOD]
    rows = list(csv.DictReader(io.StringIO(azure.collect("--format", "csv").out)))
    assert [(row["Instance"], row["Exit"], row["Delivered"]) for row in rows] == [("3", "100", "yes"), ("0", "", "yes")]
    text = azure.collect("--format", "markdown").out
    assert text.splitlines()[1].startswith("| --- |") and "| 3 | failed | answered |" in text
    document = json.loads(azure.collect("--format", "json").out)
    assert document["exit_code"] == 10 and document["instances"][0]["delivered"] is True
    assert document["instances"][0]["cause"].startswith("probably: Another apt")


def test_what_each_wrote_is_saved(azure, tmp_path):
    azure.asked["3"] = [{**GOOD, "script_err": "a warning"}]
    azure.collect("--output", tmp_path / "out")
    assert (tmp_path / "out" / "3.txt").read_text() == FAILED + "\n[stderr]\na warning"
    assert (tmp_path / "out" / "0.txt").read_text() == HEALTHY


def test_windows(azure):
    azure.show["virtualMachineProfile"] = {"storageProfile": {"osDisk": {"osType": "Windows"}}}
    for each in azure.instances:
        each["resources"][0] |= {"publisher": "Microsoft.Compute", "typePropertiesType": "CustomScriptExtension"}
    azure.asked["3"] = [{"verdict": FAILED.replace("\n", "\r\n"), "system": "windows"}]
    code, outcome = one(azure, "--method", "invoke")
    assert (code, outcome["exit_code"], outcome["bundle"]) == (10, 100, "247252e2eafad389")
    assert azure.calls("RunPowerShellScript") and azure.calls("invoke")[0][-6].endswith(".ps1")


def test_each_call_asks_one_instance(azure):
    azure.instances += [instance(number, "Failed") for number in range(4, 9)]
    azure.asked["default"] = [GOOD]
    azure.collect("--method", "invoke")
    asked = [call[call.index("--instance-id") + 1] for call in azure.calls("invoke")]
    assert sorted(asked) == ["0", "3", "4", "5", "6", "7", "8"]
    assert not azure.calls("--ids")


# ---- what goes wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["managed", "invoke"])
def test_what_passes_is_tried_again(azure, method):
    troubles = [CONFLICT, THROTTLED, PREEMPTED, {"kill": True}]
    azure.instances = [instance(number, "Failed") for number in range(len(troubles))]
    azure.asked = {str(number): [trouble, trouble, GOOD] for number, trouble in enumerate(troubles)}
    result = azure.collect("--format", "json", "--method", method)
    outcomes = json.loads(result.out)["instances"]
    assert [(one["run"], one["tries"]) for one in outcomes] == [("answered", 3)] * len(troubles)
    assert result.code == 10


def test_what_does_not_pass_is_told(azure):
    azure.asked["3"] = [CONFLICT]
    code, outcome = one(azure, "--method", "invoke")
    assert (code, outcome["run"], outcome["tries"]) == (21, "refused", 6)
    assert "another run command is still running on it after 6 tries" in outcome["problem"]
    assert "--method managed" in outcome["remedy"]


def test_a_wait_that_is_too_long_is_told_and_not_waited(azure):
    azure.asked["3"] = [{"err": "ERROR: (TooManyRequests) Please retry after 99999 seconds.\n", "code": 1}]
    code, outcome = one(azure)
    assert (
        (code, outcome["tries"]) == (21, 1)
        and "asked to wait 99999 s" in outcome["problem"]
        and "--parallel" in outcome["remedy"]
    )


TROUBLES = [
    ({"err": "ERROR: (ResourceNotFound) The Resource was not found.\n", "code": 3}, "refused", "not there (any more)"),
    ({"err": "ERROR: (OperationNotAllowed) The operation requires the VM to be running (or set to run).\n", "code": 1}, "refused", "not running"),
    ({"err": "ERROR: (AuthorizationFailed) The client has no authorization\n", "code": 1}, "refused", "may not do that"),
    ({"err": "ERROR: Please run 'az login' to setup account.\n", "code": 1}, "az failed", "not logged in"),
    ({"err": "Traceback (most recent call last):\n", "code": 1}, "az failed", "exit code 1"),
    ({"err": "", "code": 7}, "az failed", "exit code 7 and said nothing"),
    ({"verdict": ""}, "no verdict", "gave no output back"),
    ({"verdict": "This is a sample script\n"}, "no verdict", "sample script"),
    ({"verdict": "", "script_err": "vmext is not installed on this instance", "exit": 127}, "no verdict", "not installed"),
    ({"verdict": "", "script_err": "\x1b[31mKilled", "exit": 3}, "no verdict", "without a verdict: "),
]  # fmt: skip


@pytest.mark.parametrize("method", ["managed", "invoke"])
def test_each_that_fails_has_a_row_of_its_own(azure, method):
    azure.instances = [
        instance(0, "Succeeded"),
        *(instance(number, "Failed") for number in range(1, len(TROUBLES) + 1)),
    ]
    azure.asked |= {str(number): [step] for number, (step, _, _) in enumerate(TROUBLES, 1)}
    result = azure.collect("--format", "json", "--method", method)
    *failed, healthy = json.loads(result.out)["instances"]
    for outcome, (_, run, told) in zip(failed, TROUBLES, strict=True):
        assert (outcome["run"], told in outcome["problem"]) == (run, True), outcome["problem"]
    assert healthy["verdict"] == "healthy"
    assert result.code == 21 and "Traceback" not in result.err
    text = azure.collect("--method", method).out
    assert "\x1b" not in text and text.count("\nOn ") >= 4


def test_broken_answers_of_invoke(azure):
    answers = ["", "{", "WARNING: hello\n", '{"value": []}', "[1, 2]"]
    azure.instances = [instance(number, "Failed") for number in range(len(answers))]
    azure.asked = {str(number): [{"out": out}] for number, out in enumerate(answers)}
    result = azure.collect("--format", "json", "--method", "invoke")
    outcomes = json.loads(result.out)["instances"]
    assert result.code == 21
    assert [(one["run"], bool(one["problem"])) for one in outcomes] == [("no verdict", True)] * len(answers)
    assert len(azure.calls("invoke")) == 2 * len(answers)  # each tried once more


def test_output_lost_once_is_asked_for_again(azure):
    azure.asked["3"] = [{"out": '{"value": []}'}, GOOD]
    assert one(azure, "--method", "invoke")[1]["exit_code"] == 100


def test_the_head_may_be_cut_off(azure):
    azure.asked["3"] = [{"verdict": "x" * 200 + FAILED[-900:]}]
    code, outcome = one(azure, "--method", "invoke")
    assert (code, outcome["exit_code"], outcome["bundle"]) == (10, 100, "247252e2eafad389")
    assert "cut off" in outcome["problem"]


@pytest.mark.parametrize("method", ["managed", "invoke"])
def test_time_out(azure, method):
    azure.asked["3"] = [{"sleep": 120}]
    before = time.monotonic()
    code, outcome = one(azure, "--method", method, "--timeout", "1s", "--pace", "0.003")
    assert (code, outcome["run"]) == (21, "timed out") and "--timeout" in outcome["remedy"]
    assert time.monotonic() - before < 90


def test_a_managed_one_that_never_ends(azure):
    azure.asked["3"] = [{"state": "Running"}]
    code, outcome = one(azure, "--timeout", "1s", "--pace", "0.001")
    assert (code, outcome["run"]) == (21, "timed out") and "still running" in outcome["problem"]
    assert azure.calls("delete")


def test_warnings_on_standard_error_do_no_harm(azure):
    azure.asked["3"] = [{**GOOD, "warning": "WARNING: This command is in preview.\n"}]
    code, outcome = one(azure, "--method", "invoke")
    assert (code, outcome["problem"]) == (10, None)


# ---- the beginning -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("err", "told", "hint"),
    [
        ("ERROR: Please run 'az login' to setup account.\n", "az is not logged in", "Run az login"),
        (
            "ERROR: (SubscriptionNotFound) The subscription 'x' could not be found.\n",
            "not one of this login",
            "--subscription",
        ),
        ("ERROR: (ResourceNotFound) The Resource 'web' was not found.\n", "scale set web (rg-web) can't be read", ""),
        (
            "ERROR: (ResourceGroupNotFound) Resource group 'rg-web' could not be found.\n",
            "no such resource group",
            "Check -g",
        ),
    ],
)
def test_what_concerns_all_is_told_once(azure, err, told, hint):
    azure.show = {"err": err, "code": 1}
    result = azure.collect()
    assert result.code == 2 and told in result.err and hint in result.err and result.out == ""
    assert len(azure.calls()) == 1


def test_no_az(azure):
    result = vmext("fleet", "collect", azure.file(), "--execute", environ={"PATH": "/nonexistent"})
    assert result.code == 2 and "az) is not on PATH" in result.err and "print the commands" in result.err


def test_a_set_that_is_none(azure):
    azure.show = {"out": "null", "code": 0}
    result = azure.collect()
    assert result.code == 2 and "gave no scale set" in result.err


def test_nobody_to_ask(azure):
    azure.instances = [instance(0, "Succeeded"), instance(5, "Failed", instanceView=view("deallocated"))]
    result = azure.collect()
    assert result.code == 21 and "5 not asked: customScript failed; it is deallocated" in result.out


# ---- bounds, and what is left behind -------------------------------------------------------------------


def test_no_more_at_once_than_allowed(azure):
    azure.instances = [instance(number, "Failed") for number in range(9)]
    azure.asked = {"default": [{**GOOD, "sleep": 0.15}]}
    azure.collect("--method", "invoke", "--parallel", "3")
    running, most = 0, 0
    for event in azure.events():
        running += 1 if event["event"] == "begin" else -1
        most = max(most, running)
    assert len(azure.calls("invoke")) == 9 and most == 3


def test_what_is_created_is_deleted_on_every_path(azure):
    steps = [
        [GOOD],
        [CONFLICT, GOOD],
        [{"kill": True}],
        [{"verdict": ""}],
        [{"out": "{"}],
        [{"err": "ERROR: (InternalServerError) sorry\n", "code": 1}],
        [{"state": "TimedOut", "verdict": ""}],
        [{"err": "ERROR: (ResourceNotFound) gone\n", "code": 3}],
    ]
    azure.instances = [instance(number, "Failed") for number in range(len(steps))]
    azure.asked = {str(number): what for number, what in enumerate(steps)}
    azure.collect("--timeout", "1s", "--pace", "0.002")
    created = {call[call.index("--instance-id") + 1] for call in azure.calls("create")}
    deleted = [call[call.index("--instance-id") + 1] for call in azure.calls("delete")]
    assert created == set(deleted) == set(azure.asked) and len(deleted) == len(set(deleted))
    assert all("--yes" in call for call in azure.calls("delete"))
    names = {call[call.index("--name") + 1] for call in azure.calls("run-command")}
    assert len(names) == 1 and next(iter(names)).startswith("vmext-")


def test_each_run_has_a_name_of_its_own(azure):
    azure.asked["3"] = [GOOD]
    azure.collect()
    azure.collect()
    assert len({call[call.index("--name") + 1] for call in azure.calls("create")}) == 2


def test_what_cannot_be_deleted_is_told_with_its_command(azure):
    azure.asked["3"] = [GOOD]
    azure.more["delete"] = {"3": [{"err": "ERROR: (ScopeLocked) locked\n", "code": 1}]}
    result = azure.collect()
    assert "1 run command may be left behind" in result.out
    assert "az vmss run-command delete -g rg-web --vmss-name web --instance-id 3 --name vmext-" in result.out
    assert result.code == 10


def test_deleting_is_tried_again(azure):
    azure.asked["3"] = [GOOD]
    azure.more["delete"] = {"3": [THROTTLED, {}]}
    code, outcome = one(azure)
    assert code == 10 and outcome["left_behind"] is None and len(azure.calls("delete")) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_deletes_what_was_created_and_tells_what_is_known(azure, number):
    azure.instances = [instance(each, "Failed") for each in range(6)]
    azure.asked = {"0": [GOOD], "1": [{"sleep": 60}], "default": [{"state": "Running"}]}
    child = azure.start("--parallel", "3", "--pace", "0.1", "--timeout", "60s")
    wait_for(lambda: azure.calls("delete", "0") and azure.calls("create", "1") and azure.calls("show", "2"))
    child.send_signal(number)
    out, err = child.communicate(timeout=15)  # creating 1 would take 30
    assert child.returncode == 130 and "vmext: stopped" in err and "Traceback" not in err
    created = {call[call.index("--instance-id") + 1] for call in azure.calls("create")}
    deleted = {call[call.index("--instance-id") + 1] for call in azure.calls("delete")}
    assert created <= deleted and "1" in created
    rows = {line.split()[0]: line for line in out.splitlines() if line[:1].isdigit()}
    assert "FAILED CustomScript exit 100" in rows["0"]
    assert all("interrupted" in rows[str(each)] for each in range(1, 6))
    assert "stopped before it answered" in out
    assert not [event for event in azure.events() if event["event"] == "begin" and running(event["pid"])]


def test_a_second_ctrl_c_leaves_at_once_and_says_what_is_left(azure):
    azure.asked["3"] = [{"state": "Running"}]
    azure.more["delete"] = {"default": [{"sleep": 60}]}
    child = azure.start("--no-healthy", "--pace", "0.02")
    wait_for(lambda: azure.calls("run-command", "show"))
    child.send_signal(signal.SIGINT)
    wait_for(lambda: azure.calls("delete"))
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 130 and "leaving at once" in err
    assert "az vmss run-command delete" in out and "--instance-id 3" in out


def test_a_progress_bar_on_a_terminal_only(azure):
    azure.asked["3"] = [GOOD]
    ours, theirs = os.openpty()
    child = azure.start("--pace", "0.01", stderr=theirs)
    out, _ = child.communicate(timeout=30)
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "2/2" in shown and "Instance " in shown and "INSTANCE" not in shown
    assert out.startswith("INSTANCE") and "\x1b" not in out
    assert azure.collect().err == ""


def wait_for(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
