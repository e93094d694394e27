"""Small documents and exactly what is said of them."""

from __future__ import annotations

import base64
import gzip

import pytest

from collector.diagnose.lint.rules import rules
from tests.lint.checking import (
    DSC,
    HEALTH,
    LINUX,
    OLD,
    WINDOWS,
    extension,
    ids,
    one,
    problems,
    properties,
    run_command,
    scale_set,
    template,
)

RUN = {"commandToExecute": "./a.sh"}
PS = {"commandToExecute": "powershell -ExecutionPolicy Unrestricted -File a.ps1"}
SAS = "https://acc.blob.core.windows.net/c/a.sh?sv=2022-11-02&sig=AbCdEfGhIjKlMnOp%3D"
AMA = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"


def packed(script: str) -> str:
    return base64.b64encode(script.encode()).decode()


def waits(*names: str) -> dict[str, list[str]]:
    return {"provisionAfterExtensions": list(names)}


def app(number: int) -> dict[str, object]:
    return {"packageReferenceId": str(number), "treatFailureAsDeploymentFailure": True}


CASES = [
    # nothing to say
    (one(LINUX, {}, RUN), []),
    (one(LINUX, {"fileUris": ["https://x/a.sh"], "timestamp": 1, "skipDos2Unix": True}, RUN, forceUpdateTag=...), []),
    (one(WINDOWS, PS), []),
    (one(LINUX, {}, {**RUN, "managedIdentity": {}}), []),
    (one(LINUX, {"script": packed("echo a")}), []),
    # secrets
    (one(LINUX, {"commandToExecute": "./a.sh --password Hidden12345"}), ["secret-in-command"]),
    (one(LINUX, {"commandToExecute": "./a.sh --password 'Hi$$den12345' x"}), ["secret-in-command"]),
    (one(LINUX, {"script": packed("mysql -u root -pHidden12345 < a.sql")}), ["secret-in-command"]),
    *(
        (one(LINUX, {"commandToExecute": command}), [])
        for command in ("./a.sh --password $PASSWORD x", "curl -u me:$PASS https://x", "mysql -u root -p${PW} < a.sql")
    ),
    *(
        (
            template(
                extension(properties(LINUX, {"commandToExecute": f"[concat('./a.sh ', parameters('{name}'))]"})),
                parameters={name: parameter},
            ),
            found,
        )
        for name, parameter, found in (
            ("adminPassword", {"type": "string"}, ["secret-in-command"]),
            ("adminPassword", {"type": "string", "defaultValue": ""}, ["secret-in-command"]),
            ("passwordFile", {"type": "string"}, []),
            ("usePassword", {"type": "bool"}, []),
            ("password", {"type": "string", "allowedValues": ["yes", "no"]}, []),
        )
    ),
    (one(AMA, {"workspaceKey": "abc"}), ["secret-in-settings"]),
    (one(AMA, {"workspaceId": "abc", "tokenType": "x", "keyVaultUrl": "https://v"}), []),
    (one(AMA, {"workspaceKey": ""}), []),
    (one(LINUX, {"fileUris": [SAS + "&se=2030-01-01"]}, RUN), ["sas-in-settings"]),
    (one(LINUX, {}, {**RUN, "fileUris": [SAS + "&se=2030-01-01"]}), []),
    # downloads
    (one(LINUX, {}, {**RUN, "fileUris": [SAS + "&se=2026-06-01T11:59:59Z"]}), ["sas-expired"]),
    (one(LINUX, {}, {**RUN, "fileUris": [SAS + "&se=2026-06-30T00%3A00%3A00Z"]}), ["sas-expires-soon"]),
    (one(LINUX, {}, {**RUN, "fileUris": [SAS]}), ["sas-without-expiry"]),
    (one(LINUX, {}, {**RUN, "fileUris": [SAS + "&si=policy"]}), []),
    (one(LINUX, {"fileUris": ["http://x/a.sh"]}, RUN), ["http-download"]),
    (one(LINUX, {"fileUris": ["https://github.com/o/r/blob/main/a.sh"]}, RUN), ["page-instead-of-file"]),
    (one(LINUX, {"fileUris": ["https://github.com/o/r/raw/main/a.sh"]}, RUN), []),
    (one(LINUX, {"fileUris": ["https://github.com/o/r/blob/main/a.sh?raw=true"]}, RUN), []),
    # Custom Script
    (one(LINUX, {"fileUris": ["https://x/a.sh"]}), ["cse-nothing-to-run"]),
    (one(LINUX, RUN, RUN), ["cse-both-sections"]),
    (one(LINUX, {**RUN, "script": packed("echo")}), ["cse-command-and-script"]),
    (one(LINUX, {"CommandToExecute": "./a.sh"}), ["cse-key-case"]),
    (one(WINDOWS, {"fileuris": ["https://x/a.ps1"], **PS}), ["cse-key-case"]),
    (one(LINUX, {**RUN, "cwd": "/"}), ["cse-key-unknown"]),
    (one(WINDOWS, {**PS, "runAs": "x"}), []),
    (one(LINUX, {}, {**RUN, "timestamp": 1}), ["cse-key-section"]),
    (one(LINUX, {**RUN, "managedIdentity": {}}), ["cse-key-section"]),
    (one(LINUX, {"timestamp": "20260101"}, RUN), ["cse-value-type"]),
    (one(LINUX, {"timestamp": 20260101120000}, RUN), ["cse-value-type"]),
    (one(LINUX, {"fileUris": "https://x/a.sh"}, RUN), ["cse-value-type"]),
    (one(LINUX, {}, {**RUN, "managedIdentity": {}, "storageAccountKey": "eA=="}), ["cse-identity-and-key"]),
    (one(LINUX, {}, {**RUN, "managedIdentity": {"clientId": "a", "objectId": "b"}}), ["cse-identity-two-ids"]),
    (
        one(LINUX, {}, {**RUN, "managedIdentity": {}}, typeHandlerVersion="2.0", autoUpgradeMinorVersion=False),
        ["cse-identity-version", "minor-upgrade-off"],
    ),
    (one(LINUX, {}, {**RUN, "managedIdentity": {}}, typeHandlerVersion="2.0"), []),
    (one(LINUX, {"script": "#!/bin/sh\necho a"}), ["cse-script-encoding"]),
    (one(LINUX, {"script": packed("# " + "x" * 200_000)}), ["cse-script-size"]),
    (one(OLD, RUN), ["cse-old-type"]),
    (one(LINUX, RUN, forceUpdateTag=...), ["cse-no-rerun-key"]),
    # commands
    (one(LINUX, {"commandToExecute": "cd /tmp && sudo -u web x; reboot"}), ["command-reboot"]),
    (
        one(LINUX, {"commandToExecute": "bash /var/lib/waagent/custom-script/download/0/a.sh"}),
        ["absolute-download-path"],
    ),
    (one(LINUX, {"commandToExecute": "apt-get install nginx"}), ["command-waits-for-input"]),
    (
        one(LINUX, {"script": base64.b64encode(gzip.compress(b"yum install httpd")).decode()}),
        ["command-waits-for-input"],
    ),
    (one(LINUX, {"script": packed("apt-get install \\\n  nginx")}), ["command-waits-for-input"]),
    (one(LINUX, {"script": packed("apt-get install \\\n  -y nginx\n# apt-get install x\n")}), []),
    (one(LINUX, {"commandToExecute": "sudo ./a.sh"}), ["command-sudo"]),
    (one(LINUX, {"commandToExecute": "sleep 100m"}), ["command-too-long"]),
    (one(LINUX, {"commandToExecute": "sleep 80m"}), []),
    (one(LINUX, {"commandToExecute": "timeout 2h ./a.sh"}), []),
    (one(WINDOWS, {"commandToExecute": "powershell -Command x; Start-Sleep -Seconds 6000"}), ["command-too-long"]),
    (one(LINUX, {"commandToExecute": "systemctl restart walinuxagent"}), ["command-stops-agent"]),
    (one(WINDOWS, {"commandToExecute": "powershell -File a.ps1"}), ["command-execution-policy"]),
    (
        one(WINDOWS, {"commandToExecute": "powershell -ExecutionPolicy Bypass -Command .\\a.ps1"}),
        ["command-exit-code-lost"],
    ),
    (one(WINDOWS, {"commandToExecute": "powershell Invoke-WebRequest https://x"}), ["command-no-basic-parsing"]),
    (one(LINUX, {"commandToExecute": "az vm update -n me"}), ["command-updates-own-machine"]),
    (run_command("Restart-Computer -Force"), ["command-reboot"]),
    # any extension
    (one(AMA, {}, typeHandlerVersion="1.29.4"), ["version-format"]),
    (one(AMA, {}, typeHandlerVersion=1.0), []),
    (one(AMA, {}, autoUpgradeMinorVersion=False), ["minor-upgrade-off"]),
    (one(AMA, {}, suppressFailures=True), ["failures-suppressed"]),
    (one(AMA, {}, publisher=...), ["extension-incomplete"]),
    (one(AMA, {"password": "https://safe.vault.azure.net/secrets/word"}), []),
    (one(AMA, {"password": "PrivateSettingsRef:word"}), []),
    (run_command("a", source={"scriptUri": SAS + "&se=2020-01-01"}), ["sas-expired", "sas-in-settings"]),
    (
        one(DSC, {"configuration": {"url": "http://x/a.zip", "script": "a.ps1", "function": "A"}}),
        ["dsc-retires", "http-download"],
    ),
    (
        template(
            extension(
                properties(LINUX, RUN, typeHandlerVersion="2.1.10"), type="Microsoft.HybridCompute/machines/extensions"
            )
        ),
        [],
    ),
    # several on one machine
    (scale_set(properties(LINUX, RUN), properties(OLD, RUN)), ["cse-old-type", "cse-two", "sequence-none"]),
    (scale_set(properties(AMA, {}), properties(AMA, {})), ["duplicate-handler", "sequence-none"]),
    (
        scale_set(properties(WINDOWS, PS), profile={"osProfile": {"linuxConfiguration": {}}}),
        ["wrong-system"],
    ),
    (
        scale_set(properties(LINUX, RUN), profile={"osProfile": {"allowExtensionOperations": False}}),
        ["extensions-not-allowed"],
    ),
    (
        scale_set(properties(LINUX, RUN), profile={"osProfile": {"linuxConfiguration": {"provisionVMAgent": False}}}),
        ["extensions-not-allowed"],
    ),
    (scale_set(properties(AMA, {}), upgradePolicy={"mode": "Manual"}), ["upgrade-manual"]),
    (scale_set(properties(AMA, {}), overprovision=True), ["overprovision-runs-extensions"]),
    (scale_set(properties(AMA, {}), overprovision=True, doNotRunExtensionsOnOverprovisionedVMs=True), []),
    # sequence
    (scale_set(properties(AMA, {}), properties(LINUX, RUN, **waits("a"))), []),
    (scale_set(properties(AMA, {}), properties(LINUX, RUN, **waits("z"))), ["sequence-unknown"]),
    (
        scale_set(properties(AMA, {}, **waits("b")), properties(LINUX, RUN, **waits("a"))),
        ["sequence-circle"],
    ),
    (scale_set(properties(AMA), properties(LINUX, RUN, **waits("a"))), ["sequence-no-settings"]),
    # time
    *(
        (scale_set(properties(AMA, {}), profile={"extensionProfile": {"extensionsTimeBudget": text}}), expected)
        for text, expected in (
            ("PT10M", ["budget-out-of-bounds"]),
            ("PT2H1M", ["budget-out-of-bounds"]),
            ("90", ["budget-out-of-bounds"]),
            ("PT1H30M", []),
            ("PT15M", []),
        )
    ),
    (
        scale_set(properties(LINUX, RUN), profile={"extensionProfile": {"extensionsTimeBudget": "PT20M"}}),
        ["budget-below-script"],
    ),
    *(
        (
            scale_set(
                properties(LINUX, {"commandToExecute": f"sleep {minutes}m"}),
                profile={"extensionProfile": {"extensionsTimeBudget": "PT20M"}},
            ),
            ["budget-below-script", *found],
        )
        for minutes, found in ((30, ["command-too-long"]), (10, []))
    ),
    (
        scale_set(
            properties(AMA, {}),
            properties("A.B", {}, **waits("a")),
            profile={"extensionProfile": {"extensionsTimeBudget": "PT30M"}},
        ),
        ["budget-below-chain"],
    ),
    (run_command("sleep 1", timeoutInSeconds=7200), ["run-timeout-too-long"]),
    (run_command("sleep 3h", timeoutInSeconds=20000, asyncExecution=True), []),
    # Run Command, VM Applications
    (run_command("echo", treatFailureAsDeploymentFailure=False), ["run-failure-flag"]),
    (run_command("echo", parameters=[{"name": "password", "value": "Hidden12"}]), ["secret-in-settings"]),
    (run_command("echo", parameters=[{"name": "size", "value": "3"}]), []),
    (run_command("echo", protectedParameters=[{"name": "password", "value": "Hidden12"}]), []),
    (
        scale_set(profile={"applicationProfile": {"galleryApplications": [app(n) for n in range(26)]}}),
        ["apps-too-many"],
    ),
    (scale_set(profile={"applicationProfile": {"galleryApplications": [{}]}}), ["apps-failure-flag"]),
    # Application Health
    (one(HEALTH, {"protocol": "http", "port": 80, "requestPath": "/"}), []),
    (one(HEALTH, {"protocol": "tcp", "port": 80, "requestPath": ""}), []),
    (one(HEALTH, {"protocol": "tcp", "port": 80, "requestPath": "/"}), ["health-settings"]),
    (one(HEALTH, {"protocol": "tcp"}), ["health-settings"]),
    (one(HEALTH, {"protocol": "ftp"}), ["health-settings"]),
    (one(HEALTH, {"protocol": "https", "intervalInSeconds": 30, "numberOfProbes": 9}), ["health-settings"]),
    (one(HEALTH, {"protocol": "https", "intervalInSeconds": 60, "numberOfProbes": 4}), []),
    (one(HEALTH, {"protocol": "https", "gracePeriod": 14_401}), ["health-settings"]),
    # DSC
    (one(DSC, {"configuration": {"url": "https://x", "script": "a.ps1"}}), ["dsc-retires", "dsc-trio"]),
    (one(DSC, {"wmfVersion": "3.0"}), ["dsc-retires", "dsc-wmf-version"]),
    (one(DSC, {"configurationArguments": [1]}), ["dsc-arguments", "dsc-retires"]),
    (
        one(DSC, {"configurationArguments": {"A": 1}}, {"configurationArguments": {"a": 2}}),
        ["dsc-arguments", "dsc-retires"],
    ),
    (
        one(DSC, {"configurationArguments": {"NodeConfigurationName": "Web"}}),
        ["dsc-node-configuration", "dsc-retires"],
    ),
    (one(DSC, {"configurationArguments": {"NodeConfigurationName": "Web.localhost"}}), ["dsc-retires"]),
]


@pytest.mark.parametrize(("document", "expected"), CASES)
def test_what_is_said_of_a_document(document, expected):
    assert ids(document) == expected


def test_every_rule_is_said_of_some_document():
    assert {rule for _, expected in CASES for rule in expected} == set(rules())


def test_the_worst_comes_first():
    document = one(LINUX, {"commandToExecute": "sudo apt-get install x --password Hidden12345"})
    assert [problem.severity for problem in problems(document)] == ["error", "warning", "info"]


def test_extensions_that_exclude_each_other_by_conditions_are_not_two():
    first = extension(properties(LINUX, RUN), "vm/a", condition="[parameters('linux')]")
    second = extension(properties(OLD, RUN), "vm/b", condition="[not(parameters('linux'))]")
    assert ids(template(first, second)) == ["cse-old-type"]
    assert ids(template(first, {**second, "condition": first["condition"]})) == ["cse-old-type", "cse-two"]
    assert ids(template(first, {**second, "condition": False})) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("cd /var/lib/waagent/custom-script/download/0; ./a.sh", "command 1: cd"),
        ("sh /var/lib/waagent/run-command/download/3/a.sh", "sh"),
        ("PW=x /var/lib/waagent/custom-script/download/0/a.sh", "a command"),
        ("echo a; reboot", "command 2: reboot"),
    ],
)
def test_a_command_is_named_by_a_word_that_is_no_value(command: str, said: str):
    (problem,) = [one for one in problems(run_command(command)) if one.id.startswith(("absolute", "command-reboot"))]
    assert problem.message == said
