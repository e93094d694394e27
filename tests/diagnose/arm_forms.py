"""Error texts in the forms in which people paste them, with names of our own, and what must be read out of them."""

from __future__ import annotations

import html
import json
from typing import Any

CSE_LINK = "https://aka.ms/VMExtensionCSELinuxTroubleshoot"
APT = (
    "VM has reported a failure when processing extension 'db-setup'. Error message: \"Enable failed: failed to execute "
    "command: command terminated with exit status=100\n[stdout]\nReading package lists...\n\n[stderr]\nE: Unable to "
    f'locate package mongo-x\n"\r\n\r\nMore information on troubleshooting is available at {CSE_LINK} '
)
FAILED: dict[str, Any] = {
    "status": "Failed",
    "error": {
        "code": "ResourceDeploymentFailure",
        "message": "The resource operation completed with terminal provisioning state 'Failed'.",
        "details": [{"code": "VMExtensionProvisioningError", "message": APT}],
    },
}
#: What must be read out of `FAILED`, however it is wrapped.
OF_FAILED = {
    "code": "VMExtensionProvisioningError",
    "extension": "db-setup",
    "exit_code": 100,
    "operation": "enable",
    "handler": "Microsoft.Azure.Extensions.CustomScript",
    "said": ["command terminated with exit status=100", "E: Unable to locate package mongo-x"],
    "not_said": ["Reading package lists", "aka.ms", 'mongo-x\n"'],
}


def wrapped(times: int) -> dict[str, Any]:
    """JSON in a JSON string, so many times."""
    value = FAILED
    for _ in range(times):
        inner = json.dumps(value, indent=2).replace("\n", "\r\n")
        value = {
            "status": "Failed",
            "error": {
                "code": "DeploymentFailed",
                "message": "At least one resource deployment operation failed. Please list deployment operations.",
                "details": [{"code": "Conflict", "message": inner}],
            },
        }
    return value


def in_width(text: str, width: int) -> str:
    """As a terminal breaks it, in the middle of words."""
    return "\n".join(text[start : start + width] for start in range(0, len(text), width))


ACTIVITY = {
    "eventTimestamp": "2026-03-01T10:00:01.5Z",
    "resourceId": "/subscriptions/s/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachineScaleSets/vmss-web"
    "/virtualMachines/12",
    "properties": {"statusCode": "Conflict", "statusMessage": json.dumps(FAILED)},
}
VIEW = {
    "extensions": [
        {
            "name": "cse",
            "type": "Microsoft.Azure.Extensions.CustomScript",
            "statuses": [
                {
                    "code": "ProvisioningState/failed/0",
                    "message": "Enable failed: failed to execute command: command terminated with exit status=127\n"
                    "[stdout]\n\n[stderr]\n/bin/sh: 1: foo: not found\n",
                    "time": "2026-01-02T03:04:05+00:00",
                }
            ],
        }
    ]
}
NODE = (
    "VM has reported a failure when processing extension 'vmssCSE' (publisher 'Microsoft.Azure.Extensions' and type "
    "'CustomScript'). Error message: 'Enable failed: failed to execute command: command terminated with exit status=50 "
    '[stdout] { "ExitCode": "50", "Output": "9]: primaryNicIP is unset, exiting", "Error": "" } [stderr] \'. More '
    "information on troubleshooting is available at https://aka.ms/vmextensionlinuxtroubleshoot."
)
PYTHON = """CloudError: Azure Error: DeploymentFailed
Message: At least one resource deployment operation failed. Please list deployment operations for details.
Exception Details:
        Error Code: Conflict
        Message: {'status': 'Failed', 'error': {'message': "The resource operation completed with terminal provisioning \
state 'Failed'.", 'code': 'ResourceDeploymentFailure', 'details': [{'message': 'VM has reported a failure when \
processing extension \\'user-script\\'. Error message: "Enable failed: failed to execute command: command terminated \
with exit status=1\\n[stdout]\\n\\n[stderr]\\n".', 'code': 'VMExtensionProvisioningError'}]}}"""
TERRAFORM_BOX = r"""╷
│ Error: creating/updating Extension (Subscription: "0000"
│ Resource Group Name: "rg-lab"
│ Virtual Machine Name: "vm-web"
│ Extension Name: "web-setup"): polling after CreateOrUpdate: polling failed: the Azure API returned an error:
│
│ Status: "VMExtensionProvisioningError"
│ Code: ""
│ Message: "VM has reported a user failure when processing extension 'web-setup'. Please correct the error and try again. (publisher 'Microsoft.Compute' and type 'CustomScriptExtension'). Error code: '2'. Error message: 'Command execution finished, but failed because it returned a non-zero exit code of: '1'. The command had an error output of: 'The system cannot find the path specified.\r\n''. Detailed error: ''. More information on troubleshooting is available at https://aka.ms/VMExtensionCSEWindowsTroubleshoot."
│ Activity Id: ""
│
│   with azurerm_virtual_machine_extension.web,
│   on main.tf line 3
╵"""
TERRAFORM_OLD = r"""* azurerm_virtual_machine_extension.sa: Code="VMExtensionHandlerNonTransientError" Message="Handler 'Microsoft.Azure.Extensions.CustomScript' has reported failure for VM Extension 'sa-01' with terminal error code '1007' and error message: 'Install failed for plugin (name: Microsoft.Azure.Extensions.CustomScript, version 2.0.6) with exception The specified executable is not a valid application for this OS platform.'"

Terraform does not automatically rollback in the face of errors."""
TERRAFORM_UNESCAPED = r"""Error: Code="VMExtensionProvisioningError" Message="VM has reported a failure when processing extension 'setup-app'. Error message: "Extension '' of Handler 'Microsoft.Azure.Extensions.CustomScript' version '1.0' faulted due to exception during extension processing"\r\n\r\nMore information on troubleshooting is available at https://aka.ms/VMExtensionCSELinuxTroubleshoot "

on modules/win/main.tf line 60, in resource "azurerm_virtual_machine_extension" "setup-app":"""
AZ = """ERROR: (VMExtensionHandlerNonTransientError) The handler for VM extension type 'Microsoft.CPlat.Core.RunCommandLinux' has reported terminal failure for VM extension 'RunCommandLinux' with error message: '[ExtensionOperationError] Non-zero exit code: 126, /var/lib/waagent/Microsoft.CPlat.Core.RunCommandLinux-1.0.9/bin/run-command-shim install
[stdout]
Writing a placeholder status file indicating progress before forking: success

[stderr]
bin/run-command-extension: cannot execute binary file: Exec format error
'.
    
'Install handler failed for the extension. More information on troubleshooting is available at https://aka.ms/x'
Code: VMExtensionHandlerNonTransientError
Message: The handler for VM extension type 'Microsoft.CPlat.Core.RunCommandLinux' has reported terminal failure for VM extension 'RunCommandLinux' with error message: '[ExtensionOperationError] Non-zero exit code: 126, /var/lib/waagent/Microsoft.CPlat.Core.RunCommandLinux-1.0.9/bin/run-command-shim install
[stdout]
"""  # noqa: W293
POWERSHELL_BROKEN = r"""New-AzureRmResourceGroupDeployment : 03:14:15 PM - Handler 'Chef.Bootstrap.WindowsAzure.ChefClient' has reported failure for VM Extension 'chef-web' with terminal error code '1007' and error
message: 'Install failed for plugin (name: Chef.Bootstrap.WindowsAzure.ChefClient, version 1210.13.1.7) with exception Command
C:\Packages\Plugins\Chef.Bootstrap.WindowsAzure.ChefClient\1210.13.1.7\install.cmd of Chef.Bootstrap.WindowsAzure.ChefClient has exited with Exit code: 1618'
At C:\x\y.ps1:51 char:1
+ New-AzureRmResourceGroupDeployment ..."""
POWERSHELL_CODES = """Set-AzVMExtension : Long running operation failed with status 'Failed'. Additional Info:'VM has reported a failure when processing extension 'joindomain'. Error message: "Exception(s) occured while joining Domain 'corp.example'".
More information on troubleshooting is available at https://aka.ms/vmextensionwindowstroubleshoot '
ErrorCode: VMExtensionProvisioningError
ErrorMessage: VM has reported a failure when processing extension 'joindomain'. Error message: "Exception(s) occured while joining Domain 'corp.example'".
ErrorTarget:
StartTime: 8/14/2019 3:46:12 PM"""
PORTAL = (
    "The resource operation completed with terminal provisioning state 'Failed'. (Code: ResourceDeploymentFailure, "
    "ResourceType: Microsoft.Compute/virtualMachines/extensions,ResourceName: pm01/pm01ext) - VM has reported a failure "
    "when processing extension 'pm01ext'. Error message: \"Malformed status file [ExtensionError] Invalid "
    'status/status: failed". (Code: VMExtensionProvisioningError)'
)
NODE_TIMEOUT = r"""Failed to reconcile agent pool agentpool0: err: VMSSAgentPoolReconciler retry failed:
Category: InternalError;
SubCode: VMExtensionProvisioningTimeout;
Code="VMExtensionProvisioningTimeout"
Message="Provisioning of VM extension vmssCSE has timed out. Extension provisioning has taken too long to complete. The extension last reported \"Plugin enabled\".\r\n\r\nMore information on troubleshooting is available at https://aka.ms/VMExtensionCSELinuxTroubleshoot";
AKSTeam: NodeProvisioning,
Retriable: true"""
DSC = r""""statusMessage": "{\"status\":\"Failed\",\"error\":{\"code\":\"ResourceOperationFailure\",\"message\":\"The resource operation completed with terminal provisioning state 'Failed'.\",\"details\":[{\"code\":\"VMExtensionProvisioningError\",\"message\":\"VM has reported a failure when processing extension 'ConfigureHost'. Error message: \\\"DSC Configuration 'HciHost' completed with error(s). Following are the first few: Exception setting \\\"LinkPath\\\": \\\"Interface not registered\\r\\n\\r\\nFailed to find proxy registration for IID: {0A1B2C3D}.\\\" see C:\\\\Packages\\\\Plugins\\\\Microsoft.Powershell.DSC\\\\2.83.2.0\\\\new LCM failed.\\\"\\r\\n\\r\\nMore information on troubleshooting is available at https://aka.ms/VMExtensionDSCWindowsTroubleshoot \"}]}}\""""
GO = r"""Code="VMExtensionHandlerNonTransientError" Message="The handler for VM extension type 'Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux' has reported terminal failure for VM extension 'oms-ext' with error message: '[ExtensionOperationError] Non-zero exit code: 11, /var/lib/waagent/Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux-1.14.9/omsagent_shim.sh -install\n[stdout]\n2022/03/04 05:06:07 [Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux-1.14.9] Install,failed,11,Install failed due to an invalid parameter: Workspace ID is invalid\n\n[stderr]\n'" """
SYSTEM_MESSAGE = """VM has reported a system failure when processing extension 'cse' (publisher 'Microsoft.Azure.Extensions' and type 'CustomScript'). Error code: '2'. This is a system error message: 'Enable failed: failed to execute command: command terminated with exit status=1
[stdout]

[stderr]
+ set -e
rm: cannot remove x: No such file
'. More information on troubleshooting is available at https://aka.ms/vmextensionlinuxtroubleshoot."""
DOWNLOAD = """VM has reported a user failure when processing extension 'cse'.
Please correct the error and try again.
(publisher 'Microsoft.Compute' and type 'CustomScriptExtension')
Error code: '53'
Error message: 'File download failure'"""

#: As the article on provisioning errors prints them: quoted with single quotes, escaped, cut.
ARTICLE = (
    r"""'statusMessage': '{\\'status\\':\\'Failed\\',\\'error\\':{\\'code\\':\\'ResourceOperationFailure\\',\\'message\\':\\'The resource operation completed with terminal provisioning state 'Failed'.\\',\\'details\\':[{\\'code\\':\\'VMExtensionProvisioningError\\',\\'message\\':\\'Multiple VM extensions failed to be provisioned on the VM. Please see the VM extension instance view for other failures.""",
    "{'status': 'Failed','error': {'code':'VMExtensionHandlerNonTransientError','message': 'The handler for VM extension type 'Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux' has reported terminal failure for VM extension 'OmsAgentForLinux' with error message: '[ExtensionOperationError] Non-zero exit code: 10",
    r"""'statusMessage': '{\\'status\\':\\'Failed\\',\\'error\\':{\\'code\\':\\'ResourceOperationFailure\\',\\'message\\':\\'The resource operation completed with terminal provisioning state 'Failed'.\\',\\'details\\':[{\\'code\\':\\'VMExtensionProvisioningTimeout\\',\\'message\\':\\'Provisioning of VM extension configure-settings has timed out. Extension provisioning has taken too long to complete.""",
)
OF_ARTICLE: tuple[dict[str, Any], ...] = (
    {"code": "VMExtensionProvisioningError", "kind": "several", "extension": "", "exit_code": None},
    {
        "code": "VMExtensionHandlerNonTransientError",
        "kind": "failure",
        "extension": "OmsAgentForLinux",
        "publisher": "Microsoft.EnterpriseCloud.Monitoring",
        "type": "OmsAgentForLinux",
        "exit_code": 10,
    },
    {"code": "VMExtensionProvisioningTimeout", "kind": "hang", "extension": "configure-settings", "exit_code": None},
)

_TEXT = json.dumps(FAILED)
_FOLDED = json.dumps(wrapped(1))

_SHORT = (
    "VM has reported a failure when processing extension 'cse'. Error message: \"Enable failed: failed to execute command: "
    'command terminated with exit status=7".'
)
OF_SHORT = {
    "code": "VMExtensionProvisioningError",
    "extension": "cse",
    "exit_code": 7,
    "operation": "enable",
    "message": "Enable failed: failed to execute command: command terminated with exit status=7",
}
#: As other tools print it.
TOOLS = {
    "azd": f"ERROR: deployment failed:\n\nDeployment Error Details:\nVMExtensionProvisioningError: {_SHORT}\n\nTraceID: 1",
    "go": f"RESPONSE 200: 200 OK\nERROR CODE: VMExtensionProvisioningError\n----\n{json.dumps({'message': _SHORT})}",
    "autorest": f'StatusCode=0 -- Original Error: Code="VMExtensionProvisioningError" Message={json.dumps(_SHORT)} Target="1"',
    "javascript": "RestError: {\n  code: 'VMExtensionProvisioningError',\n  message: '"
    + _SHORT.replace("'", "\\'")
    + "',\n}",
    "ansible": '{"msg": "Azure Error: VMExtensionProvisioningError\\nMessage: ' + _SHORT.replace('"', '\\"') + '"}',
    "markdown": f"I got this:\n> **Code**: VMExtensionProvisioningError\n> **Message**: {_SHORT}",
    "html": html.escape(f'"code": "VMExtensionProvisioningError", "message": {json.dumps(_SHORT)}'),
}

#: The text, and what must be read out of the innermost error.
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"article-{number}": (text, OF_ARTICLE[number]) for number, text in enumerate(ARTICLE)},
    **{
        f"article-{number}-single": (text.replace("\\\\", "\\"), OF_ARTICLE[number])
        for number, text in enumerate(ARTICLE)
    },
    **{f"article-{number}-plain": (text.replace("\\", ""), OF_ARTICLE[number]) for number, text in enumerate(ARTICLE)},
    **{f"wrapped-{times}": (json.dumps(wrapped(times)), OF_FAILED) for times in (0, 1, 2, 3, 4, 6)},
    **{tool: (text, OF_SHORT) for tool, text in TOOLS.items()},
    "packer": (
        "==> arm: ERROR: -> DeploymentFailed : At least one resource deployment operation failed.\n==> arm: ERROR:   -> "
        "VMExtensionProvisioningTimeout : Provisioning of VM extension 'cse' has timed out. Extension provisioning has "
        'taken too long to complete. The extension last reported "Plugin enabled".\n==> arm: Cleanup',
        {"code": "VMExtensionProvisioningTimeout", "kind": "hang", "extension": "cse", "message": "Plugin enabled"},
    ),
    "pretty": (json.dumps(wrapped(1), indent=2), OF_FAILED),
    "az-before-json": ("ERROR: Deployment failed. Correlation ID: 12. " + _FOLDED, OF_FAILED),
    "cut-behind": (_FOLDED[:-60], OF_FAILED),
    "cut-in-front": (_FOLDED[40:], OF_FAILED),
    "escaped": (json.dumps(_TEXT)[1:-1], OF_FAILED),
    "escaped-twice": (json.dumps(json.dumps(_TEXT))[1:-1], OF_FAILED),
    "terminal-80": (in_width(_TEXT, 80), OF_FAILED),
    "terminal-120-wrapped": (in_width(_FOLDED, 120), OF_FAILED),
    "crlf": (json.dumps(FAILED, indent=2).replace("\n", "\r\n"), OF_FAILED),
    "curly-quotes": (
        "VM has reported a failure when processing extension \u2018db-setup\u2019. Error message: \u201cEnable failed: "
        "failed to execute command: command terminated with exit status=100\u201d.",
        OF_FAILED | {"code": "", "said": ["command terminated with exit status=100"]},
    ),
    "pipeline-log": (
        "2020-02-03T04:05:06.7654321Z ##[error]4:05:05 AM - Resource Microsoft.Compute/virtualMachineScaleSets 'vmss-dev' "
        f"failed with message '{json.dumps(FAILED, indent=2)}'",
        OF_FAILED | {"scale_set": "vmss-dev", "first": "2020-02-03T04:05:06Z"},
    ),
    "activity-log": (
        json.dumps(ACTIVITY),
        OF_FAILED | {"scale_set": "vmss-web", "instance_id": "12", "first": "2026-03-01T10:00:01Z"},
    ),
    "instance-view": (
        json.dumps(VIEW),
        {"code": "", "extension": "cse", "type": "CustomScript", "exit_code": 127, "said": ["foo: not found"]},
    ),
    "node-setup": (
        NODE,
        {
            "extension": "vmssCSE",
            "publisher": "Microsoft.Azure.Extensions",
            "exit_code": 50,
            "handler": "Microsoft.AKS.Compute.AKS.Linux.AKSNode",
        },
    ),
    "powershell-status-message": (
        "New-AzResourceGroupDeployment : 10:11:12 - The deployment 'lab' failed with error(s). Showing 1 out of 1 error(s).\n"
        f"Status Message: {_SHORT}\nMore information on troubleshooting is available at {CSE_LINK}  "
        "(Code:VMExtensionProvisioningError)\nStatus Message: VM has reported a failure when processing extension 'b'. "
        'Error message: "Enable failed: y". (Code:VMExtensionProvisioningError)',
        OF_SHORT,
    ),
    "node-setup-windows": (
        "VM has reported a failure when processing extension 'vmssCSE' (publisher 'Microsoft.Compute' and type "
        "'CustomScriptExtension'). Error message: \"Command execution finished, but failed because it returned a non-zero "
        "exit code of: '35'\".",
        {"exit_code": 35, "type": "CustomScriptExtension", "handler": "Microsoft.AKS.Compute.AKS.Windows.AKSNode"},
    ),
    "node-setup-of-2018": (
        _SHORT.replace("'cse'", "'cse0'"),
        {"extension": "cse0", "exit_code": 7, "handler": "Microsoft.AKS.Compute.AKS.Linux.AKSNode"},
    ),
    "a-script-named-so": (
        _SHORT.replace("'cse'", "'cse1' (publisher 'Microsoft.Azure.Extensions' and type 'CustomScript')"),
        {"extension": "cse1", "exit_code": 7, "handler": "Microsoft.Azure.Extensions.CustomScript"},
    ),
    "node-setup-with-an-archive": (
        "VM has reported a failure when processing extension 'vmssCSE'. Error message: 'Enable failed: failed to execute "
        "command: command terminated with exit status=41\n[stdout]\nCNI archive not found after 100 tries\nAdding log files "
        "to zip archive...\n  adding: var/log/error.log (stored 0%)\n\n[stderr]\n} [512 bytes data]\n'.",
        {"exit_code": 41, "said": ["CNI archive not found"], "not_said": ["adding:", "zip archive", "bytes data"]},
    ),
    "node-setup-that-was-ended": (
        "VM has reported a failure when processing extension 'vmssCSE'. Error message: \"Enable failed: failed to execute "
        'command: command terminated with exit status=124 [stdout] { "ExitCode": "124", "Output": "+ retry 50 1 5 nc -vz '
        'mcr 443\\nExecuted \\"nc -vz mcr 443\\" 1 times", "Error": "", "ExecDuration": "900" } [stderr] ".',
        {"exit_code": 124, "said": ["+ retry 50 1 5 nc"], "not_said": ["1 times", "ExecDuration"]},
    ),
    "killed-by-the-agent": (
        "Handler 'Microsoft.Compute.BGInfo' has reported failure for VM Extension 'BGInfo' with terminal error code '1009' "
        "and error message: 'Enable failed for plugin (name: Microsoft.Compute.BGInfo, version 2.1) with exception Command "
        "C:\\Packages\\enable.cmd of Microsoft.Compute.BGInfo has not exited on time! Killing it...'",
        {"exit_code": None, "agent_code": 1009, "cut": False, "said": ["has not exited on time! Killing it..."]},
    ),
    "a-run-command-that-finished": (
        "Deployment failed. Correlation ID: 5fc12f27-1111-4aae-b841-ce8490c96dfa. VM has reported a failure when processing "
        "extension 'RunCommandWindows'. Error message: \"Finished executing command\".",
        {
            "handler": "Microsoft.CPlat.Core.RunCommandWindows",
            "message": "Finished executing command",
            "exit_code": None,
        },
    ),
    "a-version-in-the-agents-words": (
        "VM has reported a failure when processing extension 'Microsoft.Azure.DevOps.Pipelines.Agent'. Error message: "
        '"The status reported by the extension Microsoft.VisualStudio.Services.TeamServicesAgentLinux-1.22.0.0(Sequence '
        'number 1972), was in an incorrect format and the agent could not parse it correctly."',
        {"handler": "Microsoft.VisualStudio.Services.TeamServicesAgentLinux", "version": "1.22.0.0"},
    ),
    "an-instance-by-its-number": (
        '{"error":{"code":"ResourceOperationFailure","message":"x","details":[{"code":"VMExtensionProvisioningError",'
        '"target":"12","message":"VM has reported a failure when processing extension \'x\'. Error message: \'no\'."}]}}',
        {"extension": "x", "instance_id": "12", "message": "no"},
    ),
    "no-such-version": (
        "Set-AzVMAccessExtension: No version found in the artifact repository that satisfies the requested version '2.0' "
        "for VM extension with publisher 'Microsoft.Compute' and type 'VMAccessAgent'.\nErrorCode: "
        "ArtifactVersionNotFound\nErrorMessage: No version found in the artifact repository that satisfies the requested "
        "version '2.0' for VM extension with publisher 'Microsoft.Compute' and type 'VMAccessAgent'.\nStatusCode: 404",
        {
            "code": "ArtifactVersionNotFound",
            "kind": "refused",
            "publisher": "Microsoft.Compute",
            "type": "VMAccessAgent",
        },
    ),
    "the-sql-provider": (
        '{"code":"Ext_VMExtensionProvisioningError","message":"There was an error while installing SqlIaasExtension on '
        'the virtual machine. Please completely uninstall and reinstall the extension."}',
        {"code": "Ext_VMExtensionProvisioningError", "kind": "failure", "extension": "SqlIaasExtension"},
    ),
    "a-column-of-a-table": (
        "Status Message: VM has reported a failure when processing    \n     | extension 'nt0_ServiceFabricNode'. Error "
        'message: "Enable Failed. Exception System.IO.IOException: The media is write protected.     at\n     | '
        'Microsoft.Win32.RegistryKey.Win32Error(Int32 errorCode, String str)". More information on troubleshooting is '
        "available at https://aka.ms/vmextensionwindowstroubleshoot",
        {
            "handler": "Microsoft.Azure.ServiceFabric.ServiceFabricNode",
            "said": ["The media is write protected."],
            "not_said": ["|"],
        },
    ),
    "scale-set-goal": (
        'Error: Code="VmScaleSetInstanceGoalSeekingError" Message="The VM Scale Set instance web_3 failed to reach its goal '
        'state." Details=[{"code":"VMExtensionProvisioningError","target":"3","message":' + json.dumps(_SHORT) + "}]",
        OF_SHORT,
    ),
    "java": (
        f'Exception in thread "main" com.azure.core.management.exception.ManagementException: {_SHORT}\n'
        "\tat com.azure.core.Foo.bar(Foo.java:127)\nCaused by: exit code 3",
        OF_SHORT | {"code": "", "cut": False},
    ),
    "old-download": (
        "VM has reported a failure when processing extension 'x'. Error message: \"Enable failed: processing file downloads "
        'failed: failed to download file[0]: unexpected status code: actual=403 expected=200".',
        {"handler": "Microsoft.Azure.Extensions.CustomScript", "exit_code": None},
    ),
    "progress-with-a-number": (
        "Provisioning of VM extension 'mde' has timed out. Extension provisioning has taken too long to complete. The "
        'extension last reported "Installing: step 2, exit code 7 ignored".',
        {"kind": "hang", "exit_code": None, "message": "Installing: step 2, exit code 7 ignored"},
    ),
    "ended-while-a-program-failed": (
        "Handler 'P.T' has reported failure for VM Extension 'N' with terminal error code '1009' and error message: "
        "'[ExtensionOperationError] Timeout(300): bin/x -enable\n[stdout]\napt exited with code 100, exit code 100, trying "
        "again\n\n[stderr]\n'",
        {"kind": "failure", "exit_code": None, "operation": "enable"},
    ),
    "join-failed": (
        "VM has reported a failure when processing extension 'ad'. Error message: \"Join failed for Domain 'corp.example' "
        "with the error: Exception of type 'System.OutOfMemoryException' was thrown.\"",
        {"extension": "ad", "handler": "Microsoft.Compute.JsonADDomainExtension"},
    ),
    "python": (PYTHON, {"code": "VMExtensionProvisioningError", "extension": "user-script", "exit_code": 1}),
    "terraform-box": (
        TERRAFORM_BOX,
        {
            "code": "VMExtensionProvisioningError",
            "extension": "web-setup",
            "publisher": "Microsoft.Compute",
            "type": "CustomScriptExtension",
            "exit_code": 1,
            "status_code": 2,
            "vm": "vm-web",
            "said": ["The system cannot find the path specified."],
            "not_said": ["Detailed error", "Activity Id"],
        },
    ),
    "terraform-old": (
        TERRAFORM_OLD,
        {
            "code": "VMExtensionHandlerNonTransientError",
            "extension": "sa-01",
            "publisher": "Microsoft.Azure.Extensions",
            "type": "CustomScript",
            "exit_code": None,
            "agent_code": 1007,
            "operation": "install",
            "said": ["not a valid application for this OS platform."],
            "not_said": ["Terraform"],
        },
    ),
    "terraform-unescaped": (
        TERRAFORM_UNESCAPED,
        {
            "code": "VMExtensionProvisioningError",
            "extension": "setup-app",
            "type": "CustomScript",
            "exit_code": None,
            "said": ["faulted due to exception during extension processing"],
            "not_said": ["More information", "main.tf"],
        },
    ),
    "az": (
        AZ,
        {
            "code": "VMExtensionHandlerNonTransientError",
            "extension": "RunCommandLinux",
            "exit_code": 126,
            "operation": "install",
            "said": ["Exec format error"],
            "not_said": ["placeholder", "Install handler failed"],
        },
    ),
    "powershell-broken": (
        POWERSHELL_BROKEN,
        {
            "code": "",
            "extension": "chef-web",
            "publisher": "Chef.Bootstrap.WindowsAzure",
            "type": "ChefClient",
            "exit_code": 1618,
            "agent_code": 1007,
            "operation": "install",
            "not_said": ["char:1"],
        },
    ),
    "powershell-codes": (
        POWERSHELL_CODES,
        {
            "code": "VMExtensionProvisioningError",
            "extension": "joindomain",
            "exit_code": None,
            "said": ["Exception(s) occured while joining Domain 'corp.example'"],
            "not_said": ["StartTime", "ErrorTarget"],
        },
    ),
    "portal": (
        PORTAL,
        {
            "code": "VMExtensionProvisioningError",
            "extension": "pm01ext",
            "exit_code": None,
            "said": ["Invalid status/status: failed"],
            "not_said": ["Code:"],
        },
    ),
    "portal-time-out": (
        "Provisioning of VM extension 'add-users' has timed out. Extension installation may be taking too long, or "
        "extension status could not be obtained. (Code: VMExtensionProvisioningTimeout)",
        {"code": "VMExtensionProvisioningTimeout", "kind": "hang", "extension": "add-users", "not_said": ["Code:"]},
    ),
    "node-time-out": (
        NODE_TIMEOUT,
        {"code": "VMExtensionProvisioningTimeout", "kind": "hang", "extension": "vmssCSE", "message": "Plugin enabled"},
    ),
    "said-nothing": (
        "Provisioning of VM extension dc-config has timed out. Extension provisioning has taken too long to complete. The "
        "extension did not report a message. More information on troubleshooting is available at https://aka.ms/x",
        {"code": "", "kind": "hang", "extension": "dc-config", "message": ""},
    ),
    "dsc": (
        DSC,
        {
            "code": "VMExtensionProvisioningError",
            "extension": "ConfigureHost",
            "handler": "Microsoft.Powershell.DSC",
            "said": [
                '"Interface not registered\n\nFailed',
                r"C:\Packages\Plugins\Microsoft.Powershell.DSC\2.83.2.0\new",
            ],
        },
    ),
    "go-client": (
        GO,
        {
            "code": "VMExtensionHandlerNonTransientError",
            "extension": "oms-ext",
            "type": "OmsAgentForLinux",
            "exit_code": 11,
            "operation": "install",
            "said": ["Workspace ID is invalid"],
        },
    ),
    "system-message": (
        SYSTEM_MESSAGE,
        {"extension": "cse", "exit_code": 1, "status_code": 2, "said": ["rm: cannot remove x"], "not_said": ["+ set"]},
    ),
    "download": (
        DOWNLOAD,
        {
            "extension": "cse",
            "type": "CustomScriptExtension",
            "exit_code": None,
            "status_code": 53,
            "message": "File download failure",
        },
    ),
    "no-status-at-all": (
        "Long running operation failed with error: 'VM 'dc-1' has not reported status for VM agent or extensions. "
        "Please verify the VM has a running VM agent, and can establish outbound connections to Azure storage.'",
        {"code": "", "kind": "hang", "extension": "", "vm": "dc-1", "exit_code": None},
    ),
    "one-per-handler": (
        json.dumps(
            {
                "error": {
                    "code": "BadRequest",
                    "message": "Multiple VMExtensions per handler not supported for OS "
                    "type 'Windows'. VMExtension 'b' with handler 'Microsoft.Compute.CustomScriptExtension' already "
                    "added or specified in input.",
                }
            }
        ),
        {"code": "BadRequest", "kind": "refused", "extension": "b", "type": "CustomScriptExtension"},
    ),
    "time-limit-of-the-tool": (
        "Error: waiting for creation of Extension: Future#WaitForCompletion: context has been cancelled: StatusCode=200 "
        "-- Original Error: context deadline exceeded",
        {"code": "", "kind": "hang", "exit_code": None},
    ),
}
