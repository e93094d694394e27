"""``vmext fleet diagnose`` against a stand-in az: one answer for a whole scale set."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.fleet.stand_in import FAILED, HANGING, HEALTHY, MACHINE, SET, Azure, instance, shown, view

GOOD = {"verdict": FAILED, "exit": 10}


@pytest.fixture
def azure(tmp_path):
    """Two of four failed the same way, a third hangs."""
    return Azure(
        tmp_path,
        instances=[
            instance(0, "Succeeded", instanceView=view()),
            instance(1, "Succeeded", instanceView=view()),
            instance(3, "Failed", instanceView=view()),
            instance(7, "Failed", instanceView=view()),
        ],
        asked={"0": [{"verdict": HEALTHY}], "default": [GOOD]},
    )


def changing(azure):
    """Calls that change the scale set; managed run commands come and go."""
    reading = {"show", "list-instances", "list", "get-instance-view", "run-command"}
    return [call for call in azure.calls() if call[1] not in reading]


def test_one_answer(azure):
    result = azure.diagnose()
    lines = result.out.splitlines()
    assert lines[0] == (
        "VMEXT FLEET FAILED CustomScript exit 100: package manager locked, on 2 of 4 instances of web (rg-web)"
    )
    assert lines[1].startswith("Case     Failed on some: customScript failed on 2 of 4 instances")
    for line in ("On       3, 7", "Owner    your script", "Healthy  0: no extension failure found"):
        assert line in lines
    assert "Proof    E: Could not get lock /var/lib/dpkg/lock-frontend." in result.out
    assert "Bundles  3, 7: 247252e2eafad389 delivered" in result.out
    assert (result.code, result.err) == (10, "")
    assert changing(azure) == []


def test_what_the_instance_says_against_scaling_out_is_said_first(azure):
    text = azure.diagnose().out
    assert "az vmss scale " in text
    assert text.index("correct the cause before you scale out") < text.index("az vmss scale ")


def test_json(azure):
    azure.instances.append(instance(9, "Updating", instanceView=view()))
    azure.asked["9"] = [{"verdict": HANGING, "exit": 11}]
    result = azure.diagnose("--format", "json")
    document = json.loads(result.out)
    assert (document["case"], document["failed"]) == ("some", {"customScript": ["3", "7"]})
    told = [(answer["verdict"], answer["exit_code"], answer["instances"]) for answer in document["answers"]]
    assert told == [("failed", 100, ["3", "7"]), ("hanging", None, ["9"])]
    assert document["answers"][0]["cause"].startswith("probably: Another apt or dpkg job holds the lock")
    assert [one["instance"] for one in document["instances"]] == ["3", "7", "9", "0"]
    assert document["upgrade_policy"] == "Manual" and document["exit_code"] == result.code == 10


def test_nothing_failed(azure):
    azure.instances = azure.instances[:2]
    result = azure.diagnose()
    assert result.code == 0 and not azure.calls("run-command")
    assert result.out.startswith("VMEXT FLEET HEALTHY no extension failed on 2 instances of web (rg-web)\n")


def test_no_instances(azure):
    azure.instances = []
    result = azure.diagnose()
    assert (result.code, result.out) == (12, "VMEXT FLEET NOTHING FOUND web (rg-web) has no instances\n")


def test_what_is_not_done_yet_is_not_called_done(azure):
    azure.instances = [*azure.instances[:2], instance(5, "Deleting")]
    assert "on 3 instances of web (rg-web); not all done on 5" in azure.diagnose().out


@pytest.mark.parametrize(
    ("states", "code", "told"),
    [
        ((None, None), 12, "NOTHING FOUND no state of any extension is told on 2 instances of web (rg-web)"),
        ((None, "Succeeded"), 21, "NO ANSWER on 0: not every state is told; no failure is known on 2 instances"),
    ],
)
def test_what_is_not_told_is_not_called_healthy(azure, states, code, told):
    azure.instances = [instance(number, state) for number, state in enumerate(states)]
    result = azure.diagnose()
    assert result.code == code
    assert result.out.startswith(f"VMEXT FLEET {told}")
    assert azure.collect().code == code


def test_only_what_is_left_to_do_is_advised(azure):
    """Not to look at what was just read, nor at automatic repairs that are off."""
    text = azure.diagnose().out
    assert "vmext fleet collect" not in text and "AutomaticRepairs" not in text and "the file does not tell" not in text
    azure.show = shown(automaticRepairsPolicy={"enabled": True})
    assert "AutomaticRepairs --action Suspend" in azure.diagnose().out


def test_a_cut_head_says_so(azure):
    azure.asked["default"] = [{"verdict": FAILED[-500:]}]
    text = azure.diagnose().out
    assert "FAILED CustomScript exit 100, on 2 of 4" in text and "Cause    not told, since the head" in text


def test_a_cut_head_joins_those_that_say_the_same(azure):
    azure.asked["7"] = [{"verdict": FAILED[-500:]}]
    text = azure.diagnose().out
    assert "package manager locked, on 2 of 4" in text and text.count("\nAnswer ") == 1


def test_who_cannot_be_asked_is_told(azure):
    azure.instances += [
        instance(8, "Failed", instanceView=view("deallocated")),
        instance(9, "Failed", instanceView=view(agent="Not Ready")),
        instance(10, "Failed", instanceView=view()),
    ]
    azure.asked["10"] = [{"err": "ERROR: (AuthorizationFailed) no\n", "code": 1}]
    result = azure.diagnose()
    assert result.code == 21
    assert "Missing  8: not asked: customScript failed; it is deallocated" in result.out
    assert "Missing  9: not asked: customScript failed; its guest agent does not answer" in result.out
    assert "Missing  10: refused: this login may not do that" in result.out


def test_nobody_answers(azure):
    azure.asked["default"] = [{"err": "ERROR: (AuthorizationFailed) no\n", "code": 1}]
    result = azure.diagnose()
    assert result.code == 21 and result.out.startswith("VMEXT FLEET NO ANSWER from any impacted one of 4 instances")


def test_a_healthy_one_that_is_not(azure):
    azure.asked["0"] = [GOOD]
    assert "0: FAILED CustomScript exit 100: package manager locked, although the platform" in azure.diagnose().out


def test_what_all_failed_ones_have_and_no_healthy_one(azure):
    for one in azure.instances[2:]:
        one["instanceView"]["vmAgent"]["vmAgentVersion"] = "2.9.1.1"
    assert "Differs  guest agent: 2.9.1.1 on 3, 7, 2.15.0.1 on healthy ones" in azure.diagnose().out


# ---- holding the evidence ------------------------------------------------------------------------------


def test_hold_comes_first_and_says_how_to_undo_it(azure):
    azure.show = shown(automaticRepairsPolicy={"enabled": True})
    result = azure.diagnose("--hold")
    order = [call[1] for call in azure.calls()]
    assert order[:5] == ["show", "list-instances", "set-orchestration-service-state", "update", "update"]
    held = azure.calls("update")
    assert [call[call.index("--instance-id") + 1] for call in held] == ["3", "7"]
    assert "Suspend" in azure.calls("set-orchestration-service-state")[0]
    undo = result.out.split("\nUndo ")[1].split("\n\n")[0].splitlines()
    commands = [shlex.split(line.strip()) for line in undo]
    assert any("Resume" in command for command in commands)
    assert sum("--protect-from-scale-set-actions" in command for command in commands) == 2
    assert "1. Hold the evidence" not in result.out


def test_what_could_not_be_held_is_told(azure):
    azure.more["changes"] = {"vmss update": {"err": "ERROR: (AuthorizationFailed) no\n", "code": 1}}
    result = azure.diagnose("--hold")
    assert "Automatic repairs are not on" in result.out and not azure.calls("set-orchestration-service-state")
    assert "--instance-id 3" in result.out.split("\nFailed ")[1].splitlines()[0]
    assert "this login may not do that" in result.out and "\nUndo" not in result.out
    assert "VMEXT FLEET FAILED CustomScript exit 100" in result.out


def test_nothing_is_held_where_it_is_not_known_how_to_ask(azure):
    azure.show = shown(virtualMachineProfile={})
    azure.instances = [instance(3, "Failed")]
    azure.instances[0]["resources"][0].update(publisher=None, typePropertiesType=None)
    result = azure.diagnose("--hold")
    assert (result.code, changing(azure)) == (2, [])
    assert "--os linux" in result.err


def test_what_was_held_is_told_where_asking_goes_wrong(azure, tmp_path):
    (tmp_path / "taken").touch()
    result = azure.diagnose("--hold", "--output", tmp_path / "taken" / "out")
    assert result.code == 2
    assert "az vmss update -g rg-web -n web --instance-id 3 --protect-from-scale-in false" in result.err


def test_nothing_is_held_where_nothing_failed(azure):
    azure.instances = azure.instances[:2]
    assert azure.diagnose("--hold").code == 0 and changing(azure) == []


# ---- other sets ----------------------------------------------------------------------------------------


def test_nodes_of_aks_are_only_read(azure):
    azure.show = shown(tags={"aks-managed-poolName": "pool1"})
    result = azure.diagnose()
    assert changing(azure) == [] and azure.calls("invoke") and not azure.calls("create")
    assert "AKS manages this scale set: it was only read, by the older Run Command." in result.out
    assert "az vmss " not in result.out and "Wait for the lock" in result.out
    assert "correct the cause before you replace nodes" in " ".join(result.out.split())
    refused = azure.diagnose("--hold")
    assert refused.code == 2 and "must not be changed directly" in refused.err and changing(azure) == []


def machine(name, state):
    own = f"{MACHINE}/{name}"
    status = {"code": f"ProvisioningState/{state}", "level": "Info", "displayStatus": "x", "message": ""}
    kind = "Microsoft.Azure.Extensions.CustomScript"
    seen = {
        **view(),
        "extensions": [{"name": "cse", "type": kind, "typeHandlerVersion": "2.1.19", "statuses": [status]}],
    }
    return {
        "id": own,
        "name": name,
        "location": "westeurope",
        "resourceGroup": "rg-web",
        "type": "Microsoft.Compute/virtualMachines",
        "virtualMachineScaleSet": {"id": SET, "resourceGroup": "rg-web"},
        "resources": [{"id": f"{own}/extensions/cse", "resourceGroup": "rg-web"}],
        "instanceView": seen,
    }


@pytest.fixture
def flexible(azure):
    azure.show = shown(orchestrationMode="Flexible")
    machines = [machine("web_a1", "succeeded"), machine("web_b2", "failed/1"), machine("web_c3", "failed/1")]
    azure.more |= {
        "machines": [{**one, "instanceView": None} for one in machines],
        "views": {one["name"]: one for one in machines},
    }
    azure.asked |= {"web_a1": [{"verdict": HEALTHY}]}
    return azure


def test_a_flexible_set(flexible):
    result = flexible.diagnose()
    assert "on 2 of 3 instances of web (rg-web)" in result.out and "On       web_b2, web_c3" in result.out
    assert result.code == 10
    created = flexible.calls("vm", "run-command", "create")
    assert sorted(call[call.index("--vm-name") + 1] for call in created) == ["web_a1", "web_b2", "web_c3"]


def test_a_machine_that_went_away_meanwhile(flexible):
    del flexible.more["views"]["web_c3"]
    result = flexible.diagnose()
    assert "The view of web_c3 could not be read" in result.out and "On       web_b2" in result.out


def test_machines_whose_views_cannot_be_read_are_not_well(flexible):
    flexible.more["machines"] = [{**one, "resources": None} for one in flexible.more["machines"]]
    flexible.more["views"] = {}
    result = flexible.diagnose()
    assert result.code == 12
    assert "NOTHING FOUND" in result.out.splitlines()[0]


def test_locks_do_not_meet_managed_run_commands(flexible):
    result = flexible.diagnose("--hold")
    assert flexible.calls("lock", "create") and flexible.calls("invoke") and not flexible.calls("run-command", "create")
    assert "The older Run Command was used" in " ".join(result.out.split())


# ---- slips ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "told"), [("web;rm", "no name that Azure allows"), ("-x", "no name that Azure allows"), ("", "no name")]
)
def test_names_that_are_none(azure, name, told):
    result = azure.diagnose(f"--name={name}")
    assert result.code == 2 and told in result.err and azure.calls() == []


def test_not_logged_in(azure):
    azure.show = {"err": "ERROR: Please run 'az login' to setup account.\n", "code": 1}
    result = azure.diagnose()
    assert result.code == 2 and "az is not logged in" in result.err and "Run az login" in result.err
    assert result.out == ""
