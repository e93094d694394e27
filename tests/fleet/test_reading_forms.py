"""Every form in which `az` tells of a scale set, and what people make of it on the way to a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from collector.errors import ConfigError
from collector.fleet.advice import advise
from collector.fleet.az_output import powershell
from collector.fleet.case import case_of
from collector.fleet.reading import read_scale_set
from collector.fleet.rendering.files import document
from collector.fleet.scale_set import ScaleSet, StateCount
from tests.fleet.show_answers import COMPUTE, extension_id, listed, machine, queried, view

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CASES = sorted((Path(__file__).parents[1] / "cases_vmss").glob("*.toml"))


def read(answer: object, **known: str) -> ScaleSet:
    return read_scale_set(json.dumps(answer), **known)


def states(scale_set: ScaleSet) -> dict[str, dict[str, str]]:
    return {one.id: {row.name: row.state for row in one.extensions} for one in scale_set.instances}


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_known_answer_is_read_as_noted(file: Path):
    expected = tomllib.loads(file.read_text(encoding="utf-8"))
    scale_set = read_scale_set(file.with_suffix(".json").read_text(encoding="utf-8"))
    found = {(one.id, row.name): row for one in scale_set.instances for row in one.extensions}
    rows = expected["expect"]["row"]
    assert {(row["instance"], row["extension"]): row["state"] for row in rows} == {
        place: row.state for place, row in found.items()
    }
    for row in rows:
        have = found[row["instance"], row["extension"]]
        told = {"publisher": have.publisher, "type": have.type, "since": have.since, "message": have.message}
        told["codes"] = list(have.codes)  # type: ignore[assignment]
        assert {key: told[key] for key in told.keys() & row.keys()} == {
            key: row[key] for key in told.keys() & row.keys()
        }
    assert len(scale_set.instances) == expected["expect"]["instances"]
    assert (scale_set.orchestration == "flexible") == expected["flexible"]
    answer = case_of(scale_set)
    assert sum(len(numbers) for numbers in answer.failed.values()) == expected["expect"]["failed"]
    listed = [f"{extension}: {', '.join(numbers)}" for extension, numbers in answer.failed.items()]
    assert sorted(expected["expect"].get("failed_by_extension", listed)) == sorted(listed)
    assert expected["expect"].get("pattern", "") in answer.sentence


def test_the_query_of_the_article_names_set_group_and_states():
    scale_set = read([queried(0, cs="Succeeded", ama="Failed"), queried(7, cs="Updating", ama="Deleting")])
    assert (scale_set.name, scale_set.resource_group, scale_set.orchestration) == ("web", "rg-web", "uniform")
    assert scale_set.subscription == "5d3c1f0e-7a44-4c61-9b1e-2e8f6a7c9d10"
    assert states(scale_set) == {
        "0": {"cs": "succeeded", "ama": "failed"},
        "7": {"cs": "in-progress", "ama": "deleting"},
    }


def test_null_and_empty_lists_are_instances_without_extensions():
    nothing = {"extProvisioningState": None, "extension": None, "instanceId": "1"}
    empty = {"extProvisioningState": [], "extension": [], "instanceId": "2"}
    scale_set = read([queried(0, cs="Succeeded"), nothing, empty])
    assert states(scale_set) == {"0": {"cs": "succeeded"}, "1": {}, "2": {}}
    assert scale_set.problems == ("No extension is listed for instances 1, 2.",)


UNEVEN = [
    # state of each extension; which ones can be the failed one
    ({"a": "Succeeded", "b": None, "c": "Failed"}, "of b or c"),
    ({"a": "Failed", "b": None, "c": None}, "of a or b or c"),
    ({"a": None, "b": "Failed", "c": "Failed"}, "of a or b or c"),
]


@pytest.mark.parametrize(("told", "suspects"), UNEVEN)
def test_lists_of_unequal_length_are_not_matched(told, suspects):
    scale_set = read([queried(0, a="Succeeded", b="Succeeded", c="Succeeded"), queried(4, **told)])
    assert states(scale_set)["4"] == {"a": "unknown", "b": "unknown", "c": "unknown", "": "failed"}
    assert any("Instance 4" in problem and suspects in problem for problem in scale_set.problems)
    answer = case_of(scale_set)
    commands = [command.text for command in advise(scale_set, answer).commands]
    assert any("extensions:resources[].{id:id, state:provisioningState}" in command for command in commands)
    assert not any("scale --new" in command or "delete-instances" in command for command in commands)


def test_unequal_lists_without_a_failure_say_so():
    scale_set = read([queried(4, a="Succeeded", b=None)])
    assert states(scale_set) == {"4": {"a": "unknown", "b": "unknown"}}
    assert "none of the states is Failed" in scale_set.problems[0]
    assert case_of(scale_set).case == "none"


PAIRS = {
    "our own query": [
        {
            "instanceId": "3",
            "latestModelApplied": True,
            "extensions": [{"id": extension_id(3, "cs"), "state": "Failed"}],
        }
    ],
    "names": [{"instanceId": "3", "extensions": [{"name": "cs", "provisioningState": "Failed"}]}],
    "other keys": [{"id": "3", "ext": [{"resource": extension_id(3, "cs"), "s": "Failed"}]}],
    "lists": [["3", [extension_id(3, "cs")], ["Failed"]]],
    "flat": [{"id": extension_id(3, "cs"), "state": "Failed"}],
    "nested": [[{"id": extension_id(3, "cs"), "state": "Failed"}]],
    "first only": [{"instanceId": "3", "extension": extension_id(3, "cs"), "extProvisioningState": "Failed"}],
}


@pytest.mark.parametrize("form", PAIRS)
def test_other_queries_are_understood(form):
    assert states(read(PAIRS[form])) == {"3": {"cs": "failed"}}


def test_a_listed_instance_tells_type_model_system_and_zone():
    scale_set = read([listed(3, latest=False, cs="Failed")])
    one = scale_set.instances[0]
    assert (one.id, one.name, one.latest_model, one.system, one.zone) == ("3", "web_3", False, "linux", "1")
    row = one.extensions[0]
    assert (row.type, row.publisher, row.version) == ("CustomScript", "Microsoft.Azure.Extensions", "2.1")


def test_protection_alone_does_not_make_an_older_model():
    held = {**listed(3, latest=False, cs="Failed"), "modelDefinitionApplied": "VirtualMachine"}
    assert read([held]).instances[0].latest_model is None


def test_an_expanded_view_adds_exit_code_and_message():
    message = (
        "Enable failed: failed to execute command: command terminated with exit status=127\n[stdout]\n\n[stderr]\nx"
    )
    entry = {**listed(3, init="Failed"), "instanceView": view("web000003", message, "ProvisioningState/failed/1")}
    one = read([entry]).instances[0]
    assert (one.power, one.agent, one.agent_version) == ("running", "Ready", "2.9.1.1")
    row = one.extensions[0]
    assert (len(one.extensions), row.state, row.exit_code, row.message) == (1, "failed", 127, message)
    assert row.codes == ("ProvisioningState/failed/1",)


def test_rest_wraps_lists_and_puts_properties_below():
    inner = listed(3, cs="Failed")
    resource = inner["resources"][0]
    keys = ("publisher", "provisioningState", "typeHandlerVersion")
    resource = {
        **{key: resource[key] for key in ("id", "name", "type")},
        "properties": {**{key: resource[key] for key in keys}, "type": "CustomScript"},
    }
    entry = {
        **{key: inner[key] for key in ("id", "instanceId", "name")},
        "properties": {"latestModelApplied": True, "osProfile": inner["osProfile"]},
        "resources": [resource],
    }
    one = read({"value": [entry]}).instances[0]
    assert (one.latest_model, one.extensions[0].type, one.extensions[0].state) == (True, "CustomScript", "failed")


@pytest.mark.parametrize(
    ("computer", "number"),
    [("job000001", "1"), ("job00000B", "11"), ("job000010", "36"), ("aks-pool1-30771204-vmss00000b", "11")],
)
def test_a_view_names_its_instance_by_the_computer(computer, number):
    assert states(read(view(computer))) == {number: {"init": "succeeded"}}
    assert states(read([{"instanceView": view(computer)}])) == {number: {"init": "succeeded"}}


def test_a_computer_without_a_number_stays_a_name():
    scale_set = read([view("build-host")])
    assert states(scale_set) == {"build-host": {"init": "succeeded"}}
    assert "its number can't be known" in scale_set.problems[0]


def test_powershell_gives_the_same_with_capitals():
    status = {"Code": "ProvisioningState/failed/53", "Level": 2, "Message": "no domain", "Time": None}
    handler = {"Name": "join", "Type": "P.Join", "Statuses": [status]}
    told = [
        {
            "InstanceId": number,
            "Name": f"nt1_{number}",
            "LatestModelApplied": True,
            "Resources": [
                {"Name": "join", "ProvisioningState": state, "Publisher": "P", "VirtualMachineExtensionType": "Join"}
            ],
            "InstanceView": {"VMAgent": None, "Extensions": [handler] if state == "Failed" else []},
        }
        for number, state in (("0", "Failed"), ("1", "Succeeded"))
    ]
    scale_set = read(told)
    assert states(scale_set) == {"0": {"join": "failed"}, "1": {"join": "succeeded"}}
    (row,) = scale_set.instances[0].extensions
    assert (row.publisher, row.type, row.message, row.codes) == ("P", "Join", "no domain", (status["Code"],))
    assert scale_set.problems == ()


def test_what_powershell_gives_may_be_as_deep_as_it_likes():
    deep: object = "end"
    for _ in range(20_000):
        deep = [deep]
    told = {"InstanceId": "0", "Name": "nt1_0", "Resources": [{"Name": "join", "ProvisioningState": "Failed"}]}
    assert powershell.as_az({**told, "Deep": deep})["resources"] == [{"name": "join", "provisioningState": "Failed"}]


def test_a_silent_agent_is_neither_failed_nor_succeeded():
    silent = {"code": "ProvisioningState/Unavailable", "displayStatus": "Not Ready", "message": "VM status blob is ..."}
    entry = view("web000002", extensions=None, vmAgent={"extensionHandlers": None, "statuses": [silent]})
    scale_set = read([entry, view("web000003")])
    assert states(scale_set)["2"] == {"": "agent-unresponsive"}
    answer = case_of(scale_set)
    assert (answer.case, answer.impacted, answer.healthy) == ("none", (), ("3",))


def test_a_handler_that_failed_before_any_extension_is_a_failure():
    status = {"code": "ProvisioningState/failed/1007", "displayStatus": "Not Ready", "message": "exit code 55"}
    handler = {"type": "Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux", "status": status}
    scale_set = read([view("web000002", vmAgent={"extensionHandlers": [handler], "statuses": []})])
    assert states(scale_set) == {"2": {"init": "succeeded", "OmsAgentForLinux": "failed"}}
    assert scale_set.instances[0].extensions[1].exit_code == 55


def test_the_sets_own_view_counts_only():
    extension = {
        "name": "web",
        "statusesSummary": [
            {"code": "ProvisioningState/succeeded", "count": 2},
            {"code": "ProvisioningState/failed/1", "count": "1"},
        ],
    }
    scale_set = read({"virtualMachine": {"statusesSummary": []}, "extensions": [extension], "statuses": []})
    assert scale_set.counts == (StateCount("web", "succeeded", 2), StateCount("web", "failed", 1))
    answer = case_of(scale_set)
    assert (answer.case, answer.failed) == ("some", {"web": []})
    assert "names none" in scale_set.problems[0]
    told = document(scale_set, answer, advise(scale_set, answer))
    assert any("list-instances" in command for command in told["commands"])


def test_machines_of_a_flexible_set_and_others_beside_them():
    answer = [
        machine("flexy_1a2b", CSE="Failed"),
        machine("flexy_3c4d", CSE="Succeeded"),
        machine("jump", None, CSE="Failed"),
    ]
    scale_set = read(answer)
    assert (scale_set.name, scale_set.orchestration) == ("flexy", "flexible")
    assert states(scale_set) == {"flexy_1a2b": {"CSE": "failed"}, "flexy_3c4d": {"CSE": "succeeded"}}
    one = scale_set.instances[0]
    assert (one.system, one.power, one.extensions[0].type) == ("windows", "running", "CustomScriptExtension")
    assert "Left out 1 machine without a scale set." in scale_set.problems


def test_one_of_several_sets_must_be_chosen():
    answer = [machine("a_1", "a", CSE="Failed"), machine("b_1", "b", CSE="Failed"), machine("b_2", "b", CSE="Failed")]
    with pytest.raises(ConfigError, match=r"several scale sets: b \(2\), a \(1\)") as error:
        read(answer)
    assert "--name" in error.value.hint
    assert list(states(read(answer, name="B"))) == ["b_1", "b_2"]
    with pytest.raises(ConfigError, match="no scale set c, but of a, b"):
        read(answer, name="c")


def test_the_machines_article_query_in_a_flexible_set():
    place = f"{COMPUTE}/virtualMachines/flexy_1/extensions/CSE"
    scale_set = read([{"name": "flexy_1", "extension": [place], "extProvisioningState": ["Failed"]}], name="flexy")
    assert (scale_set.orchestration, scale_set.name, states(scale_set)) == (
        "flexible",
        "flexy",
        {"flexy_1": {"CSE": "failed"}},
    )


def test_several_answers_in_one_file_are_one():
    model = {"id": f"{COMPUTE}/virtualMachineScaleSets/web", "name": "web", "upgradePolicy": {"mode": "Rolling"}}
    parts = [
        {**model, "virtualMachineProfile": {}},
        view("web000003", code="ProvisioningState/failed/1"),
        view("web000004"),
    ]
    scale_set = read_scale_set("\n".join(json.dumps(part, indent=2) for part in parts))
    assert (scale_set.name, scale_set.upgrade_policy) == ("web", "Rolling")
    assert states(scale_set) == {"3": {"init": "failed"}, "4": {"init": "succeeded"}}


def test_the_same_instance_told_twice_is_one():
    parts = [[listed(3, init="Failed")], view("web000003", "exit code 5", "ProvisioningState/failed/1")]
    scale_set = read_scale_set("\n".join(map(json.dumps, parts)))
    told = [(row.name, row.state, row.exit_code) for one in scale_set.instances for row in one.extensions]
    assert told == [("init", "failed", 5)]


def test_a_failed_instance_without_a_failed_extension_is_told():
    entry = {**listed(3, cs="Succeeded"), "provisioningState": "Failed"}
    assert (
        "The platform calls instance 3 failed, but no extension there is told to have failed." in read([entry]).problems
    )


# ---- what happens to text on its way -------------------------------------------------------------------

ANSWER = json.dumps([queried(3, cs="Failed")], indent=2)
WAYS = {
    "byte-order mark": "\ufeff" + ANSWER,
    "warnings": f"WARNING: This command is in preview and under development.\n[Warning] old\n{ANSWER}\nWARNING: bye\n",
    "colours": ANSWER.replace('"', '\x1b[33m"\x1b[39;49;00m'),
    "CRLF": ANSWER.replace("\n", "\r\n"),
    "on one line": json.dumps([queried(3, cs="Failed")]),
}


@pytest.mark.parametrize("way", WAYS)
def test_text_is_read_as_it_was_saved(way):
    assert states(read_scale_set(WAYS[way])) == {"3": {"cs": "failed"}}


REFUSED = {
    "": "empty",
    ANSWER[:200]: "ends in the middle, at line 7, column 7",
    ANSWER.replace('"Failed"', "Failed"): "broken at line 4, column",
    "InstanceId    Location\n------------  --------\n0             westeurope\n": "-o table",
    "0\twesteurope\tSucceeded\n": "-o tsv",
    "- instanceId: '0'\n  name: web_0\n": "-o yaml",
    "ERROR: (ResourceNotFound) The Resource was not found.\nCode: ResourceNotFound\n": "error message of az",
    "hello": "no output of az",
    "null": "tells of no instances",
    "[1, 2]": "tells of no instances",
    '{"a": 1}': "tells of no instances",
    "[" * 100_000: "nested too deeply",
    '[{"instanceId": ' + "9" * 5_000 + "}]": "too long",
}


@pytest.mark.parametrize(("text", "why"), REFUSED.items(), ids=REFUSED.values())
def test_what_can_not_be_read_is_refused_with_the_reason(text, why):
    with pytest.raises(ConfigError) as error:
        read_scale_set(text)
    assert why in str(error.value)
    assert error.value.hint
    assert error.value.exit_code == 2


def test_an_empty_list_is_an_answer():
    scale_set = read([])
    assert scale_set.instances == ()
    assert "lists no instances" in scale_set.problems[0]


def test_our_own_query_of_a_flexible_set_leaves_other_machines_out():
    owner, place = f"{COMPUTE}/virtualMachineScaleSets/flexy", f"{COMPUTE}/virtualMachines/flexy_1/extensions/CSE"
    ours = {"name": "flexy_1", "scaleSet": owner, "extensions": [{"id": place, "state": "Failed"}]}
    scale_set = read([ours, {"name": "jump", "scaleSet": None, "extensions": None}])
    assert (scale_set.name, scale_set.orchestration, states(scale_set)) == (
        "flexy",
        "flexible",
        {"flexy_1": {"CSE": "failed"}},
    )


EXITS = [
    ("Enable failed: failed to execute command: command terminated with exit status=127", 127),
    ("Non-zero exit code: 10, /var/lib/waagent/x/bin/run-command-shim enable", 10),
    ("Command execution finished, but failed because it returned a non-zero exit code of: '1'", 1),
    ("Install failed for plugin with exception Command C:\\x.cmd of P.T has exited with Exit code: 1618", 1618),
    ("the process exited with code -1073741515", -1073741515),
    ("Finished executing command, status 3", None),
]


@pytest.mark.parametrize(("message", "code"), EXITS)
def test_the_exit_code_is_taken_out_of_messages(message, code):
    row = read(view("web000001", message, "ProvisioningState/failed/1")).instances[0].extensions[0]
    assert row.exit_code == code
