"""Which case it is, and the commands that follow, in their order."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from collector.fleet.advice import advise
from collector.fleet.case import CaseAnswer, case_of
from collector.fleet.reading import read_scale_set
from collector.fleet.scale_set import ScaleSet
from tests.fleet.show_answers import COMPUTE, extension_id, listed, machine, queried, view

GOOD, BAD, BUSY = "Succeeded", "Failed", "Updating"


def answered(answer: object, **known: str) -> tuple[ScaleSet, CaseAnswer, list[str]]:
    scale_set = read_scale_set(json.dumps(answer), **known)
    case = case_of(scale_set)
    return scale_set, case, [command.text for command in advise(scale_set, case).commands]


def place(commands: list[str], *words: str) -> int:
    """Where the first command that holds all the words stands."""
    found = [at for at, command in enumerate(commands) if all(word in command for word in words)]
    assert found, f"no command with {words} in {commands}"
    return found[0]


CASES = [
    # states of customScript (a) and an agent (b) on each instance; the case; a piece of its sentence
    ("none", [{"a": GOOD}, {"a": GOOD}], "Failed nowhere"),
    ("none", [{"a": GOOD}, {"a": BUSY}], "Failed nowhere"),
    ("some", [{"a": BAD}, {"a": GOOD}, {"a": GOOD}], "a failed on 1 of 3 instances and succeeded on 2: scale out"),
    ("some", [{"a": BAD, "b": BAD}, {"a": GOOD, "b": GOOD}], "a and b failed on 1 of 2"),
    ("some", [{"a": BAD}, {"a": GOOD}, {"a": BUSY}], "succeeded on 1 (on 1 it has not come to an end)"),
    ("all", [{"a": BAD}, {"a": BAD}], "a failed on all 2 instances: do not scale out, it will fail again"),
    ("all", [{"a": BAD}, {"a": BUSY}], "every instance where it has come to an end (1; on 1 it has not)"),
    ("all", [{"a": BAD, "b": GOOD}, {"a": BAD}], "a failed on all 2 instances"),
    ("all", [{"a": BAD}, {"b": GOOD}], "a failed on every instance that has it"),
    ("all", [{"a": BAD, "b": BAD}, {"a": BAD, "b": BAD}], "a and b failed on all 2 instances: do not scale out, they"),
    ("all", [{"a": BAD}], "only one instance to judge by"),
    (
        "some",
        [{"a": BAD, "b": GOOD}, {"a": GOOD, "b": BAD}, {"a": GOOD, "b": GOOD}],
        "each succeeded elsewhere: scale",
    ),
    ("mixed", [{"a": BAD, "b": GOOD}, {"a": BAD, "b": BAD}], "a succeeded nowhere: do not scale out"),
    ("mixed", [{"a": BAD, "b": GOOD}, {"a": GOOD, "b": BAD}], "No instance is free of failures"),
]


@pytest.mark.parametrize(("case", "instances", "piece"), CASES)
def test_the_case_and_its_sentence(case, instances, piece):
    _, answer, _ = answered([listed(number, **states) for number, states in enumerate(instances)])
    assert answer.case == case
    assert piece in answer.sentence


def test_failed_on_some_holds_collects_scales_and_deletes():
    _, _, commands = answered([listed(n, init=BAD if n in (3, 7) else GOOD) for n in range(10)])
    order = [
        place(
            commands,
            "set-orchestration-service-state -g rg-web -n web --service-name AutomaticRepairs --action Suspend",
        ),
        place(commands, "--instance-id 3 --protect-from-scale-in true --protect-from-scale-set-actions true"),
        place(commands, "--instance-id 7 --protect-from-scale-in true --protect-from-scale-set-actions true"),
        place(commands, "vmext fleet collect"),
        place(commands, "az vmss scale -g rg-web -n web --new-capacity 12"),
        place(commands, "--instance-id 3 --protect-from-scale-in false --protect-from-scale-set-actions false"),
        place(commands, "az vmss delete-instances -g rg-web -n web --instance-ids 3 7"),
        place(commands, "--action Resume"),
    ]
    assert order == sorted(order)
    assert order[0] == 0
    assert order[-1] == len(commands) - 1
    assert not [command for command in commands if "extension set" in command or "reimage" in command]


def test_failed_on_all_corrects_the_model_and_never_scales():
    _, _, commands = answered([listed(n, init=BAD) for n in range(2)])
    order = [
        place(commands, "Suspend"),
        place(commands, "--instance-id 1", "actions true"),
        place(commands, "vmext fleet collect"),
        place(commands, "--instance-id 1", "actions false"),
        place(commands, "az vmss extension set -g rg-web --vmss-name web --publisher Microsoft.Azure.Extensions"),
        place(commands, "az vmss update-instances -g rg-web -n web --instance-ids 0 1"),
        place(commands, "Resume"),
    ]
    assert order == sorted(order)
    assert "-n CustomScript --version 2.1 --extension-instance-name init" in commands[order[4]]
    assert not [command for command in commands if "vmss scale" in command or "delete-instances" in command]


def test_an_extension_of_unknown_type_is_asked_for():
    _, _, commands = answered([queried(n, init=BAD) for n in range(2)])
    show = place(commands, "az vmss extension show -g rg-web --vmss-name web -n init")
    assert show < place(commands, "extension set", "--publisher PUBLISHER -n TYPE --version VERSION")


@pytest.mark.parametrize(("policy", "updates"), [("Manual", True), ("Automatic", False), ("Rolling", False)])
def test_instances_are_updated_by_hand_only_under_the_manual_policy(policy, updates):
    model = {"name": "web", "upgradePolicy": {"mode": policy}, "virtualMachineProfile": {}}
    scale_set = read_scale_set("\n".join(map(json.dumps, [model, [listed(n, init=BAD) for n in range(2)]])))
    commands = advise(scale_set, case_of(scale_set)).commands
    assert any("update-instances" in command.text for command in commands) == updates


def test_without_a_rolling_upgrade_there_is_none_to_stop():
    upgraded = [listed(n, latest=n < 2, init=BAD if n < 2 else GOOD) for n in range(6)]
    manual = {"id": f"{COMPUTE}/virtualMachineScaleSets/web", "name": "web", "upgradePolicy": {"mode": "Manual"}}
    _, answer, commands = answered([manual, *upgraded])
    assert (answer.case, "rolling upgrade" in answer.sentence) == ("all", False)
    assert not any("rolling-upgrade" in command for command in commands)


def test_locked_machines_are_asked_by_what_leaves_nothing_to_delete():
    _, _, commands = answered([machine("flexy_a", CSE=BAD), machine("flexy_b", CSE=GOOD)])
    assert place(commands, "az resource lock create") < place(commands, "vmext fleet collect", "--method invoke")


def test_a_rolling_upgrade_that_fails_is_stopped():
    _, answer, commands = answered([listed(n, latest=n < 37, cs=BAD if n < 37 else GOOD) for n in range(200)])
    assert (answer.case, answer.counted, answer.older) == ("all", 37, 163)
    assert "all 37 instances with the latest model (163 still have an older one)" in answer.sentence
    assert place(commands, "rolling-upgrade get-latest -g rg-web -n web") + 1 == place(
        commands, "rolling-upgrade cancel"
    )
    assert not [command for command in commands if "vmss scale" in command]


def test_an_upgrade_that_fails_on_some_only_is_not_stopped():
    _, answer, commands = answered([listed(n, latest=n < 5, cs=BAD if n == 1 else GOOD) for n in range(20)])
    assert (answer.case, answer.counted) == ("some", 5)
    assert not [command for command in commands if "rolling-upgrade" in command]


def test_failures_of_an_older_model_do_not_count():
    _, answer, commands = answered(
        [listed(0, cs=GOOD), listed(1, latest=False, cs=BAD), listed(2, latest=False, cs=GOOD)]
    )
    assert (answer.case, answer.failed) == ("none", {"cs": ["1"]})
    assert "Of the 2 with an older model, cs on 1 failed" in answer.sentence
    assert place(commands, "fleet collect") < place(commands, "update-instances", "--instance-ids 1")


def test_a_set_that_has_nowhere_the_latest_model_is_counted_as_it_is():
    _, answer, _ = answered([listed(0, latest=False, cs=GOOD), listed(1, latest=False, cs=BAD)])
    assert (answer.case, answer.counted, answer.older) == ("some", 2, 0)
    assert answer.problems[0].startswith("No instance has the set's latest model")


def test_a_model_that_the_file_does_not_tell_is_said_and_asked_for():
    _, answer, commands = answered([queried(0, cs=GOOD), queried(1, cs=BAD)])
    assert "latestModelApplied is not in the file" in answer.problems[0]
    assert place(commands, "list-instances", "latestModelApplied") < place(commands, "vmss scale")
    assert answered([queried(0, cs=GOOD)])[1].problems == ()


def test_one_view_says_that_it_is_one_and_changes_nothing_for_good():
    _, answer, commands = answered(view("web000003", "exit status=127", "ProvisioningState/failed/1"))
    assert answer.case == "all"
    assert any("one instance only" in problem for problem in answer.problems)
    assert place(commands, "az vmss list-instances -g RESOURCE-GROUP -n SCALE-SET") < place(commands, "fleet collect")
    assert place(commands, "vmext explain 127 --extension CustomScript")
    assert not [command for command in commands if re.search("vmss scale|delete-instances|extension set", command)]


def test_machines_of_a_flexible_set_are_locked_and_deleted_one_by_one():
    _, answer, commands = answered([machine("flexy_a", CSE=BAD), machine("flexy_b", CSE=GOOD)])
    assert answer.case == "some"
    order = [
        place(commands, "-n flexy --service-name AutomaticRepairs --action Suspend"),
        place(commands, "az resource lock create --lock-type CanNotDelete", "--resource flexy_a"),
        place(commands, "az vm get-instance-view -g rg-web", "-n flexy_a"),
        place(commands, "az vmss scale -g rg-web -n flexy --new-capacity 3"),
        place(commands, "az resource lock delete", "--resource flexy_a"),
        place(commands, "az vm delete -g rg-web --yes -n flexy_a"),
        place(commands, "Resume"),
    ]
    assert order == sorted(order)
    assert not [command for command in commands if "--instance-id" in command or "flexy_b" in command]
    _, _, commands = answered([machine("flexy_a", CSE=BAD), machine("flexy_b", CSE=BAD)])
    assert place(commands, "az vm extension set -g rg-web --vm-name flexy_b", "--version 1.10")


AKS = "aks-pool1-30771204-vmss"


@pytest.mark.parametrize("states", [(BAD, GOOD), (BAD, BAD)])
def test_a_set_of_aks_is_never_changed(states):
    instances = [listed(n, scale_set=AKS, vmssCSE=state) for n, state in zip((11, 12), states, strict=True)]
    scale_set, _, commands = answered(instances)
    assert (scale_set.managed_by_aks, scale_set.node_pool) == (True, "pool1")
    assert not [command for command in commands if re.match("az (vmss|vm|resource) ", command)]
    assert place(commands, f"kubectl cordon {AKS}000011") < place(commands, f"kubectl describe node {AKS}000011")
    assert ("delete-machines" in " ".join(commands)) == (GOOD in states)
    assert any("not supported" in problem for problem in scale_set.problems)


def test_a_node_is_named_in_base_36():
    entry = {
        "instanceId": "46",
        "extension": [extension_id(46, "vmssCSE", AKS)],
        "extProvisioningState": [BAD],
    }
    _, _, commands = answered([entry])
    assert place(commands, f"kubectl describe node {AKS}00001a")


@pytest.mark.parametrize(
    ("group", "tags", "cluster"),
    [
        ("MC_shop_prod_westeurope", {}, ("prod", "shop")),
        ("MC_my_shop_prod_westeurope", {}, (None, None)),
        ("own", {"aks-managed-cluster-name": "prod", "aks-managed-cluster-rg": "shop"}, ("prod", "shop")),
    ],
)
def test_the_cluster_is_named_where_there_is_no_doubt(group, tags, cluster):
    text = json.dumps([{**listed(0, vmssCSE=BAD), "tags": tags}]).replace("rg-web", group)
    scale_set = read_scale_set(text)
    assert scale_set.managed_by_aks
    assert (scale_set.cluster, scale_set.cluster_group) == cluster


@pytest.mark.parametrize("name", ["web", "aks-like", "aksweb"])
def test_other_sets_are_not_taken_for_those_of_aks(name):
    assert not answered([listed(0, scale_set=name, cs=BAD)])[0].managed_by_aks


def test_odd_names_are_quoted():
    text = json.dumps([listed(n, scale_set="we b;$(reboot)", cs=BAD if n else GOOD) for n in range(2)])
    scale_set = read_scale_set(text.replace("rg-web", "rg (it's)"))
    for command in advise(scale_set, case_of(scale_set), source="'my file'").commands:
        words = shlex.split(command.text)
        if words[0] == "az":
            assert "we b;$(reboot)" in words
            assert "rg (it's)" in words


def test_no_command_touches_the_whole_set():
    for instances in ([BAD, GOOD], [BAD, BAD], [GOOD, GOOD]):
        for command in answered([listed(n, cs=state) for n, state in enumerate(instances)])[2]:
            assert "reimage" not in command
            assert "--instance-ids *" not in command


def test_nothing_failed_means_nothing_to_do():
    assert answered([listed(n, cs=GOOD) for n in range(3)])[2] == []


@pytest.mark.parametrize("name", ["web", "aks-pool1-30771204-vmss"])
def test_commands_of_az_stay_in_the_subscription_of_the_set(name):
    """Another subscription may have a set of the same name, and instances of the same numbers."""
    scale_set = read_scale_set(json.dumps([listed(n, scale_set=name, init=BAD if n == 3 else GOOD) for n in range(5)]))
    there = f" --subscription {scale_set.subscription}"
    advice = advise(scale_set, case_of(scale_set)).commands
    ours = [one for one in advice if one.text.startswith("az ")]
    assert ours
    assert all(one.text.endswith(there) and (not one.template or one.template.endswith(there)) for one in ours)
    assert not any(there in one.text for one in advice if one not in ours)


def test_the_capacity_is_looked_at_before_it_is_changed():
    """A list that was cut would otherwise make the set smaller."""
    _, _, commands = answered([listed(n, init=BAD if n == 3 else GOOD) for n in range(5)])
    assert place(commands, "az vmss show", "sku.capacity") == place(commands, "az vmss scale") - 1
