"""Whatever JSON is given: an answer or a sentence, never a traceback, and in time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from collector.diagnose.lint.document import read
from collector.errors import ConfigError
from tests.lint.checking import HEALTH, LINUX, WINDOWS, extension, ids, one, problems, properties, template

#: Names that lead into the checks, and values that they look at closely.
_NAMES = """
resources type name properties publisher typeHandlerVersion settings protectedSettings commandToExecute
fileUris script timestamp managedIdentity virtualMachineProfile extensionProfile extensions
extensionsTimeBudget osProfile linuxConfiguration upgradePolicy mode overprovision provisionAfterExtensions
condition parameters variables value defaultValue copy template expressionEvaluationOptions scope
configuration configurationArguments wmfVersion port protocol intervalInSeconds source contentVersion
galleryApplications applicationProfile existing autoUpgradeMinorVersion storageProfile imageReference
terraform_version planned_values root_module child_modules values extension
"""
_KEYS = some.sampled_from(_NAMES.split()) | some.text(max_size=3)
_TEXTS = some.sampled_from(
    [
        *(HEALTH, LINUX, WINDOWS, "Microsoft.Compute/virtualMachines", "Microsoft.Compute/virtualMachineScaleSets"),
        *("Microsoft.Compute/virtualMachines/extensions", "Microsoft.Resources/deployments", "inner", "extensions"),
        *("[parameters('a')]", "[variables('settings')]", "[concat('a', listKeys('x'))]", "[", "[[", "[]", "[a(]"),
        *(
            "PT15M",
            "2.1",
            "http://x/a?sig=abcdefgh&se=2026-13-01",
            "http://[",
            "Microsoft.Azure.Extensions",
            "CustomScript",
        ),
        *("a && reboot", "\ud800", "\x1b[31m", "securestring"),
    ]
) | some.text(max_size=5)
_LEAVES = some.none() | some.booleans() | some.integers() | some.floats() | _TEXTS
_JSON = some.recursive(
    _LEAVES, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(_KEYS, inner, max_size=5), max_leaves=25
)


@given(_JSON)
def test_any_document_gets_an_answer(value):
    try:
        problems(json.dumps(value))
    except ConfigError as error:
        assert str(error)


@given(_JSON, _JSON)
def test_any_settings_get_an_answer(settings, protected):
    problems(one(LINUX, settings, protected))
    problems(one(HEALTH, settings, protected))
    problems(one("Microsoft.Powershell.DSC", {"configurationArguments": settings, "configuration": protected}))


@given(_JSON, _JSON)
def test_any_properties_get_an_answer(body, profile):
    machine = {"type": "Microsoft.Compute/virtualMachineScaleSets", "name": body, "properties": profile}
    inside = {"virtualMachineProfile": {"extensionProfile": {"extensions": [body, {"name": "a", "properties": body}]}}}
    problems(template(machine, {**machine, "properties": inside}, extension(body), variables=profile))
    problems({**inside, "upgradePolicy": profile})


@given(some.text(max_size=60))
def test_any_expression_gets_an_answer(text):
    problems(one(LINUX, {"commandToExecute": f"[{text}]"}))


@given(some.text(alphabet='{}[]",:/*\\ \n1a'))
def test_any_text_is_read_or_refused(text):
    try:
        document = read(text)
    except ConfigError as error:
        assert str(error)
    else:
        assert document.line(("a", 0)) is not None


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "[" * 300 + "]" * 300, '{"resources":' * 500 + "1" + "}" * 500, "/*" * 5000, '"' + "\\" * 9999],
    ids=lambda text: text[:4],
)
def test_what_is_nested_too_deep_or_broken_is_refused(text):
    with pytest.raises(ConfigError):
        read(text)


def test_values_that_double_do_not_grow_without_end():
    for form in (
        "[concat(variables('v{0}'), variables('v{0}'))]",
        "[createArray(variables('v{0}'), variables('v{0}'))]",
    ):
        variables = {f"v{number}": form.replace("{0}", str(number - 1)) for number in range(1, 90)}
        document = one(LINUX, {"commandToExecute": "[variables('v89')]", "fileUris": ["[variables('v12')]"]})
        problems({**document, "variables": {**variables, "v0": "x"}})


def test_five_megabytes_are_answered():
    body = properties(
        LINUX, {"fileUris": ["https://x/a.sh"]}, {"commandToExecute": "[concat('./a.sh ', parameters('p'))]"}
    )
    many = [extension(body, f"vm{number}/one") for number in range(6000)]
    other = [
        {"type": "a/b", "name": f"[concat(parameters('p'), '{number}')]", "properties": body} for number in range(6000)
    ]
    text = json.dumps(template(*many, *other, parameters={"p": {"type": "string"}}), indent=1)
    assert len(text) > 5_000_000
    assert ids(text) == []
