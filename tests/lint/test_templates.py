"""Shapes of documents: what is found in them, where, and on which line; and what must not be said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.diagnose.lint.template import parameter_values
from tests.lint.checking import LINUX, WINDOWS, extension, ids, one, problems, properties, template

FILES = Path(__file__).parent / "documents"
RUN = {"commandToExecute": "./a.sh"}
BAD = {"commandToExecute": "apt-get install x"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # A public command made with the secure token of the script's place: what such samples really do.
        (
            "windows-vm.json",
            [
                ("secret-in-command", 41),
                ("sas-in-settings", 39),
                ("cse-no-rerun-key", 37),
            ],
        ),
        # Bicep's output: symbolic names, modules with parameters of their own, one for each of two machines.
        ("bicep-modules.json", [("cse-key-unknown", 59), ("command-waits-for-input", 61)]),
        # A scale set of Kubernetes Service as the REST interface tells it: its policies are not its user's.
        ("aks-model.json", []),
        ("az-vmss-show.json", [("http-download", 16), ("overprovision-runs-extensions", 3), ("upgrade-manual", 35)]),
        ("domain-controller.json", [("dsc-retires", 29), ("minor-upgrade-off", 25)]),
        ("terraform-plan.json", [("secret-in-settings", 20), ("minor-upgrade-off", 18)]),
    ],
)
def test_documents_as_people_have_them(name, expected):
    found = problems((FILES / name).read_text(encoding="utf-8"))
    assert sorted((problem.id, problem.line) for problem in found) == sorted(expected)


def test_a_place_is_told_by_path_and_line():
    (found,) = problems("// top\n" + json.dumps(one(LINUX, {}, BAD), indent=1))
    assert found.place == "resources[0].properties.protectedSettings.commandToExecute"
    assert found.line == 18
    assert found.extension == "one"


def test_the_line_of_a_missing_key_is_that_of_what_lacks_it():
    (found,) = problems(json.dumps(one(LINUX, {}, RUN, autoUpgradeMinorVersion=...), indent=1))
    assert (found.place.rpartition(".")[2], found.line) == ("autoUpgradeMinorVersion", 9)


EXPRESSIONS = [
    # parameters with a default, variables, functions
    ("[parameters('command')]", ["command-waits-for-input"]),
    ("[PARAMETERS('COMMAND')]", ["command-waits-for-input"]),
    ("[variables('command')]", ["command-waits-for-input"]),
    ("[concat('apt-get ', 'install', ' nginx')]", ["command-waits-for-input"]),
    ("[format('{0} install {1}', 'apt-get', variables('object').name)]", ["command-waits-for-input"]),
    ("[variables('list')[1]]", ["command-waits-for-input"]),
    ("[if(parameters('unset'), 'apt-get install a', 'apt-get install a')]", ["command-waits-for-input"]),
    ("[if(true(), 'apt-get install a', 'echo')]", ["command-waits-for-input"]),
    ("[json('\"apt-get install a\"')]", ["command-waits-for-input"]),
    ("[replace('apt-get X a', 'X', 'install')]", ["command-waits-for-input"]),
    ("[[apt-get install a]", ["command-waits-for-input"]),
    ("[toLower('APT-GET INSTALL A')]", ["command-waits-for-input"]),
    ("[createObject('a', createArray('apt-get install x')).a[0]]", ["command-waits-for-input"]),
    ("[union(variables('object'), createObject('run', 'reboot')).run]", ["command-reboot"]),
    ("[concat(createArray('a'), createArray('reboot'))[1]]", ["command-reboot"]),
    ("[string('it''s; reboot')]", ["command-reboot"]),
    ("[format('{{0}}; {0}', 'reboot')]", ["command-reboot"]),
    # what only the deployment knows
    ("[parameters('unset')]", []),
    ("[concat('apt-get install ', parameters('unset'))]", []),
    ("[concat('./a.sh --password ', parameters('unset'))]", []),
    ("[concat('./a.sh ', parameters('unset'), '; reboot')]", ["command-reboot"]),
    ("[if(parameters('unset'), 'apt-get install a', 'echo')]", []),
    ("[reference('x').outputs.y]", []),
    ("[variables('circle')]", []),
    ("[variables('missing')]", []),
    ("[not an expression", []),
    ("[concat('apt-get install', ]", []),
    ("[concat(]", []),
    # secrets
    ("[parameters('secret')]", ["secret-in-command"]),
    ("[concat('./a.sh ', parameters('secret'))]", ["secret-in-command"]),
    ("[format('./a.sh {0}', base64(parameters('secret')))]", ["secret-in-command"]),
    ("[variables('derived')]", ["secret-in-command"]),
    ("[concat('./a.sh ', listKeys('x', '2020').keys[0].value)]", ["secret-in-command"]),
    ("[concat('./a.sh ', uniqueString(parameters('secret')))]", []),
    ("[if(parameters('unset'), parameters('secret'), '')]", ["secret-in-command"]),
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_expressions_are_resolved_as_far_as_they_are_known(expression, expected):
    document = one(LINUX, {"commandToExecute": expression})
    document["parameters"] = {
        "command": {"type": "string", "defaultValue": "apt-get install nginx"},
        "unset": {"type": "string"},
        "secret": {"type": "secureString", "defaultValue": "HIDDEN"},
    }
    document["variables"] = {
        "command": "[parameters('command')]",
        "object": {"name": "nginx"},
        "list": ["a", "apt-get install x"],
        "circle": "[variables('other')]",
        "other": "[variables('circle')]",
        "derived": "[concat('a', parameters('secret'))]",
    }
    assert ids(document) == expected


def test_a_parameters_file_wins_over_defaults():
    document = one(LINUX, {"commandToExecute": "[parameters('command')]"})
    document["parameters"] = {"command": {"type": "string", "defaultValue": "apt-get install nginx"}}
    given = parameter_values({"$schema": "...", "parameters": {"command": {"value": "reboot"}}})
    assert ids(document, parameters=given) == ["command-reboot"]
    from_vault = parameter_values({"parameters": {"command": {"reference": {"keyVault": {}, "secretName": "x"}}}})
    assert ids(document, parameters=from_vault) == ["secret-in-command"]


def module(name: str, machine: str, **more: Any) -> dict[str, Any]:
    inner = template(extension(properties(LINUX, RUN), f"[format('{{0}}/{name}', parameters('vm'))]"))
    inner["parameters"] = {"vm": {"type": "string"}}
    return {
        "type": "Microsoft.Resources/deployments",
        "name": name,
        "properties": {
            "expressionEvaluationOptions": {"scope": "inner"},
            "parameters": {"vm": {"value": machine}},
            "template": inner,
        },
        **more,
    }


def test_one_module_for_two_machines_is_not_two_custom_scripts():
    prefix = {"prefix": {"type": "string"}}
    first, second = "[concat(parameters('prefix'), '1')]", "[concat(parameters('prefix'), '2')]"
    assert ids(template(module("a", first), module("b", second), parameters=prefix)) == []
    assert ids(template(module("a", first), module("b", first), parameters=prefix)) == ["cse-two"]
    elsewhere = module("b", first, resourceGroup="other")
    assert ids(template(module("a", first), elsewhere, parameters=prefix)) == []
    chosen = [module(name, first, condition=f"[equals(parameters('prefix'), '{name}')]") for name in "ab"]
    assert ids(template(*chosen, parameters=prefix)) == []


def test_a_secret_stays_one_on_its_way_into_a_module():
    inner = template(extension(properties(LINUX, {"commandToExecute": "[parameters('word')]"})))
    inner["parameters"] = {"word": {"type": "string"}}
    outer = module("a", "x")
    outer["properties"] |= {"template": inner, "parameters": {"word": {"value": "[parameters('secret')]"}}}
    assert ids(template(outer, parameters={"secret": {"type": "securestring"}})) == ["secret-in-command"]


def test_extensions_meet_their_machine_wherever_they_are_written():
    machine = {
        "type": "Microsoft.Compute/virtualMachines",
        "name": "[variables('vm')]",
        "properties": {"storageProfile": {"imageReference": {"publisher": "Canonical"}}},
        "resources": [{"type": "extensions", "name": "inside", "properties": properties(LINUX, RUN)}],
    }
    beside = extension(properties(WINDOWS, {"commandToExecute": "a.cmd"}), "[concat(variables('vm'), '/beside')]")
    found = problems(template(machine, beside, variables={"vm": "[uniqueString('x')]"}))
    assert sorted((problem.id, problem.extension) for problem in found) == [
        ("cse-two", "beside"),
        ("wrong-system", "beside"),
    ]


def test_settings_alone_are_checked_for_the_extension_they_are_for():
    settings = {"commandToExecute": "powershell -File a.ps1", "timestamp": 1}
    assert ids(settings) == ["command-execution-policy"]
    assert ids(settings, handler=LINUX) == []
    assert ids({**settings, "x": 1}, handler=LINUX, protected={}) == ["cse-key-unknown"]
    assert ids({"timestamp": 1}, handler=LINUX) == []
    assert ids({"timestamp": 1}, handler=LINUX, protected={}) == ["cse-nothing-to-run"]
    (found,) = problems({"timestamp": 1}, handler=LINUX, protected={**RUN, "timestamp": 1})
    assert (found.id, found.place, found.line) == ("cse-key-section", "--protected: timestamp", None)


def test_addresses_are_put_together():
    for parts, expected in (
        ("'http://x/main/', 'a.sh'", ["http-download"]),
        ("'http://x/main/template.json', 'a.sh'", ["http-download"]),
        ("parameters('base'), 'a.sh'", []),
        ("parameters('base'), concat('a.sh', parameters('token'))", ["sas-in-settings"]),
    ):
        document = one(LINUX, {"fileUris": [f"[uri({parts})]"]}, RUN)
        document["parameters"] = {"base": {"type": "string"}, "token": {"type": "securestring"}}
        assert ids(document) == expected


def test_other_documents_with_extensions_in_them():
    body = properties(LINUX, {}, BAD)
    expected = ["command-waits-for-input"]
    assert ids({"properties": {"mode": "Incremental", "template": one(LINUX, {}, BAD)}}) == expected
    assert ids({"extensions": [{"name": "a", "properties": body}], "extensionsTimeBudget": "PT1H30M"}) == expected
    assert ids({"name": "a", "properties": body}) == expected
    assert ids({"resources": [extension(body)]}) == expected
    state = {"type": "azurerm_virtual_machine_extension", "values": {"publisher": "A", "type": "B", "settings": "{"}}
    assert ids({"terraform_version": "1", "values": {"root_module": {"resources": [state]}}}) == ["minor-upgrade-off"]


def test_a_model_as_read_back_is_not_blamed_for_what_is_never_read_back():
    body = {
        **properties(LINUX, {"fileUris": ["https://x/a.sh"]}, forceUpdateTag=...),
        "typePropertiesType": "CustomScript",
    }
    body |= {"type": "Microsoft.Compute/virtualMachines/extensions", "provisioningState": "Succeeded", "name": "a"}
    assert ids({**body, "protectedSettings": None}) == []
    assert ids([{**body, "protectedSettings": None}]) == []
    machine = {"name": "vm", "storageProfile": {"osDisk": {"osType": "Windows"}}, "resources": [body]}
    assert ids(machine) == ["wrong-system"]
