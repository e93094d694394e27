"""Small disks, each of which keeps or violates one practice: files, the practice, what comes of it and where.

Every secret-looking thing in them is made up.
"""

from __future__ import annotations

import base64
import json
from typing import Any

L, W = "Microsoft.Azure.Extensions.CustomScript", "Microsoft.Compute.CustomScriptExtension"
OLD = "Microsoft.OSTCExtensions.CustomScriptForLinux"
RC1W, RC2 = "Microsoft.CPlat.Core.RunCommandWindows", "Microsoft.CPlat.Core.RunCommandHandlerLinux"
DSC, AH = "Microsoft.Powershell.DSC", "Microsoft.ManagedServices.ApplicationHealthLinux"
VMA, KV = "Microsoft.CPlat.Core.VMApplicationManagerLinux", "Microsoft.Azure.KeyVault.KeyVaultForLinux"
GPU, LP = "Microsoft.HpcCompute.NvidiaGpuDriverLinux", "Microsoft.CPlat.Core.LinuxPatchExtension"
OMS, AMA = "Microsoft.EnterpriseCloud.Monitoring.OmsAgentForLinux", "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
GC, WEB = "Microsoft.GuestConfiguration.ConfigurationforLinux", "Contoso.Web.FrontLinux"

LIB = "var/lib/waagent"
HOME = f"{LIB}/{L}-2.1.19"
DOWNLOAD = f"{LIB}/custom-script/download/3"
LOG = f"var/log/azure/{L}/handler.log"
WIN = f"Packages/Plugins/{W}/1.10.15"
WIN_LOG = f"WindowsAzure/Logs/Plugins/{W}/1.10.15/CustomScriptHandler.log"
DSC_HOME = f"Packages/Plugins/{DSC}/2.83.1.0"
DSC_LOG = f"WindowsAzure/Logs/Plugins/{DSC}/2.83.1.0/DscExtensionHandler.0.log"
AGENT = "var/log/waagent.log"
AGENT_HEAD = "2026-05-04T03:12:11.000000Z INFO ExtHandler ExtHandler WALinuxAgent-2.15.0.1 running as process 50\n"

Files = dict[str, Any]


def status(state: str, message: str = "", at: str = "2026-05-04T03:12:25Z", **more: Any) -> str:
    inner = {"operation": "Enable", "status": state, "formattedMessage": {"lang": "en", "message": message}, **more}
    return json.dumps([{"version": 1, "timestampUTC": at, "status": inner}])


def part(name: str, text: str, state: str = "success") -> dict[str, Any]:
    return {"name": name, "status": state, "code": 0, "formattedMessage": {"lang": "en-US", "message": text}}


def settings(public: Any = None, protected: str | None = None) -> str:
    handler = {"publicSettings": public, "protectedSettings": protected, "protectedSettingsCertThumbprint": "AB"}
    return json.dumps({"runtimeSettings": [{"handlerSettings": handler}]})


def line(text: str, at: str = "03:12:14") -> str:
    return f"time=2026-05-04T{at}Z version=v2.1.19/git@0-clean operation=enable seq=3 {text}\n"


RUN = line('event="executing command"')
ENDED = line(
    'event="failed to handle" error="failed to execute command: command terminated with exit status=1"', "03:12:25"
)


def cse(state: str = "error", public: Any = None, stderr: str = "", log: str = RUN, **files: Any) -> Files:
    """A Linux disk with one Custom Script; `files` by their names in the download folder."""
    failed = "failed to execute command: command terminated with exit status=1" if state == "error" else "done"
    disk: Files = {
        f"{HOME}/status/3.status": status(state, failed),
        f"{HOME}/config/HandlerState": "Enabled",
        AGENT: AGENT_HEAD,
        LOG: log + (ENDED if state == "error" else line('event="executed command"', "03:12:25")),
        f"{DOWNLOAD}/stderr": stderr,
    }
    if public is not None:
        disk[f"{HOME}/config/3.settings"] = settings(public)
    return disk | {f"{DOWNLOAD}/{name}": text for name, text in files.items()}


def script(text: str | bytes, name: str = "setup.sh", **more: Any) -> Files:
    files: dict[str, Any] = {name: text}
    return cse("success", **files, **more)


def win(state: str = "error", public: Any = None, stderr: str = "", log: str = "", **files: Any) -> Files:
    subs = [part("StdOut", ""), part("StdErr", stderr)]
    message = "Command execution finished, but failed because it returned a non-zero exit code of: '1'."
    stamp = "[5124+00000001] [05/04/2026 03:12:1{}.20] [INFO] "
    disk: Files = {
        f"{WIN}/Status/2.status": status(state, message if state == "error" else "", substatus=subs),
        WIN_LOG: stamp.format(1) + "Loading configuration for sequence number 2\n" + log,
        "WindowsAzure/Logs/WaAppAgent.log": "[00000004] [05/04/2026 03:12:00.00] [INFO]  agent\n",
    }
    if public is not None:
        disk[f"{WIN}/RuntimeSettings/2.settings"] = settings(public)
    return disk | {f"{WIN}/Downloads/0/{name}": text for name, text in files.items()}


def dsc(state: str = "error", public: Any = None, log: str = "", message: str = "it failed", **more: Any) -> Files:
    disk: Files = {
        f"{DSC_HOME}/Status/0.status": status(state, message, **more),
        DSC_LOG: f"VERBOSE: [2026-05-04 03:12:01Z] Starting DSC Extension ...\nVERBOSE: [2026-05-04 03:12:02Z] {log}\n",
        "WindowsAzure/Logs/WaAppAgent.log": "[00000004] [05/04/2026 03:12:00.00] [INFO]  agent\n",
    }
    return disk | ({f"{DSC_HOME}/RuntimeSettings/0.settings": settings(public)} if public is not None else {})


def ext(name: str, state: str = "error", message: str = "it failed", public: Any = None, **more: Any) -> Files:
    """A Linux disk with one extension of another kind."""
    disk: Files = {f"{LIB}/{name}-2.0.1/status/1.status": status(state, message, **more), AGENT: AGENT_HEAD}
    return disk | ({f"{LIB}/{name}-2.0.1/config/1.settings": settings(public)} if public is not None else {})


def rc2(state: str = "Succeeded", code: int = 0, public: Any = None, error: str = "", text: str = "echo a\n") -> Files:
    inner = {"executionState": state, "exitCode": code, "output": "", "error": error, "executionMessage": "m"}
    home = f"{LIB}/{RC2}-1.3.28"
    disk: Files = {
        f"{home}/status/Job.0.status": status("success", json.dumps(inner)),
        f"{LIB}/run-command-handler/download/Job/0/script.sh": text,
        f"{LIB}/run-command-handler/download/Job/0/stdout": "",
        AGENT: AGENT_HEAD,
    }
    return disk | ({f"{home}/config/Job.0.settings": settings(public)} if public is not None else {})


def health(log: str, version: str = "2.0.10", public: Any = None) -> Files:
    home = f"{LIB}/{AH}-{version}"
    path = "var/log/azure/applicationhealth-extension/handler.log"
    disk: Files = {f"{home}/status/1.status": status("success", "ok"), path: log, AGENT: AGENT_HEAD}
    return disk | ({f"{home}/config/1.settings": settings(public)} if public is not None else {})


def at(clock: str, text: str) -> str:
    return f'time=2026-05-04T{clock}Z version=2.0.10 operation=enable seq=1 event="{text}"\n'


COMMAND = "commandToExecute"
PROBE = "Error evaluating health probe: "
SAS = "https://st.blob.core.windows.net/c/setup.sh?sp=r&se={}&sig=abcdefghijklmnopqrstuvwxyz0123456789abcd%3D"
REAL = {"usr/bin/env": "", "usr/bin/bash": "", "bin/sh": ""}
LOCKED = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1873 (apt-get)\n"

#: Another extension that the agent enables from 03:12:12 to 03:12:40.
BESIDE = "".join(
    f"2026-05-04T03:12:{second}.000000Z INFO ExtHandler [{AMA}-1.0] {text}\n"
    for second, text in (
        (11, "Update settings file: 0.settings"),
        (12, "Enable extension: [bin/setup.sh enable]"),
        (40, "Command: bin/setup.sh enable\n[stdout]\n\n[stderr]\n"),
    )
)

#: Name of the disk, its files, the practice, what comes of it, and where ("" for nowhere in particular).
DISKS: list[tuple[str, Files, str, str, str]] = [
    ("an error of the shell", cse(stderr="ok\nsetup.sh: line 7: azcopyy: command not found\n"), "cse-l-no-error", "violated", "stderr:2"),
    ("the same in a run that ended well", cse("success", stderr="a: command not found\n"), "cse-l-no-error", "pass", ""),
    ("run again", cse(stderr="useradd: user 'app' already exists\n") | {f"{HOME}/status/2.status": status("success")}, "cse-idempotent", "violated", "stderr:1"),
    ("the first run", cse(stderr="useradd: user 'app' already exists\n"), "cse-idempotent", "not-applicable", ""),
    ("a question", cse(stdout="Do you want to continue? [Y/n] Abort.\n"), "cse-l-no-input", "violated", "stdout:1"),
    ("apt that asks", cse(**{"setup.sh": "#!/bin/sh\napt-get update\napt-get install nginx\n"}), "cse-l-no-input", "violated", "setup.sh:3"),
    ("apt with -y", cse(**{"setup.sh": "#!/bin/sh\napt-get -y install nginx\napt install -yq x\n"}), "cse-l-no-input", "pass", ""),
    ("PowerShell that may not ask", win(stderr="Read-Host : Windows PowerShell is in NonInteractive mode."), "cse-w-no-input", "violated", ""),
    ("Read-Host in the script", win(**{"a.ps1": "Write-Host 'x'\n$n = Read-Host 'name'\n"}), "cse-w-no-input", "violated", "a.ps1:2"),
    ("two hours", cse(log=RUN) | {LOG: RUN + ENDED.replace("03:12:25", "05:12:25"), f"{HOME}/status/3.status": status("error", "failed to execute command: command terminated with exit status=1", "2026-05-04T05:12:25Z")}, "cse-90min", "violated", ""),
    ("eleven seconds", cse(), "cse-90min", "pass", ""),
    ("a restart in the script", script("#!/bin/bash\napt-get -y upgrade\nreboot\n"), "cse-no-reboot", "violated", "setup.sh:3"),
    ("a restart in a comment, a word and a document", script("#!/bin/bash\n# reboot\necho reboot now; echo 'x; reboot'\ncat > u <<EOF\nreboot\nEOF\ntouch /var/run/reboot-required\nrequire_reboot=1\n"), "cse-no-reboot", "pass", ""),
    ("a restart in a minute", script("#!/bin/bash\nshutdown -r +1\n"), "cse-no-reboot", "pass", ""),
    ("a restart now", script("#!/bin/bash\nsudo shutdown -r now\n"), "cse-no-reboot", "violated", "setup.sh:2"),
    ("a restart in the command", cse("success", {COMMAND: "bash -c 'apt-get update && reboot'"}), "cse-no-reboot", "violated", "3.settings"),
    ("a restart of PowerShell", win("success", **{"a.ps1": "<#\nRestart-Computer\n#>\nRestart-Computer -Force\n"}), "cse-no-reboot", "violated", "a.ps1:4"),
    ("a restart that PowerShell writes of", win("success", **{"a.ps1": "Write-Host \"Restart-Computer\"\n# Restart-Computer\nshutdown /r /t 300\n"}), "cse-no-reboot", "pass", ""),
    ("the agent stopped", script("#!/bin/sh\nsystemctl stop walinuxagent\n"), "cse-no-agent-stop", "violated", "setup.sh:2"),
    ("the agent held", script("#!/bin/sh\napt-mark hold walinuxagent\nsystemctl status walinuxagent\n"), "cse-no-agent-stop", "pass", ""),
    ("two kinds of Custom Script", cse() | {f"{LIB}/{OLD}-1.5.5/config/HandlerState": "Enabled"}, "cse-one-per-vm", "violated", ""),
    ("one kind", cse(), "cse-one-per-vm", "pass", ""),
    ("asked for again", cse(log=RUN + line('event="enable" message="this script configuration has already been processed, will not run again"', "04:00:00")), "cse-rerun-key", "violated", "handler.log:2"),
    ("a key too many", cse(public={COMMAND: "true", "timeStampp": 1}), "cse-timestamp-place", "violated", "3.settings"),
    ("known keys", cse(public={COMMAND: "true", "timestamp": 1}), "cse-timestamp-place", "pass", ""),
    ("a key too many that did no harm", cse("success", {COMMAND: "true", "timeStampp": 1}), "cse-timestamp-place", "pass", ""),
    ("a SAS that expired after its use", cse("success", {"fileUris": [SAS.format("2026-01-01")]}), "cse-sas-expiry", "pass", ""),
    ("a path that sounds like a password", cse(public={COMMAND: "cat /etc/passwd other; cpwd=/opt/app; cp --no-secret-x file"}), "cse-protected", "pass", ""),
    ("a key in another case", cse(public={"commandtoexecute": "true"}), "cse-case", "violated", "3.settings"),
    ("a password in the command", cse(public={COMMAND: "./a.sh --db-password Tr0ub4dor"}), "cse-protected", "violated", "3.settings"),
    ("a SAS in fileUris", cse(public={"fileUris": [SAS.format("2030-01-01")]}), "cse-protected", "violated", "3.settings"),
    ("mkdir -p and a variable", cse(public={COMMAND: "mkdir -p /x && ./a.sh --password $PW; PASSWORD=$(cat f) ./b.sh"}), "cse-protected", "pass", ""),
    ("both commands", cse(public={COMMAND: "true", "script": "ZWNobw=="}), "cse-not-both", "violated", "3.settings"),
    ("a public identity", cse(public={COMMAND: "true", "managedIdentity": {}}), "cse-identity-or-key", "violated", "3.settings"),
    ("an identity and an old handler", {path.replace("2.1.19", "2.0.6"): text for path, text in cse(public={"managedIdentity": {}}).items()}, "cse-identity-min", "violated", "3.settings"),
    ("a blob that the identity may not read", cse(log=RUN + line('error="failed to download file[0]: Make sure the specified Managed Identity has read permissions to the storage blob (403)"')), "cse-blob-role", "violated", "handler.log:2"),
    ("an expired SAS", cse(public={"fileUris": [SAS.format("2026-01-01T00%3A00%3A00Z")]}), "cse-sas-expiry", "violated", "3.settings"),
    ("a SAS for long", cse(public={"fileUris": [SAS.format("2036-01-01T00:00:00Z")]}), "cse-sas-expiry", "pass", ""),
    ("a host that is silent", cse(log=RUN + line('error="failed to download file[0]: http request failed: dial tcp 1.2.3.4:443: i/o timeout"')), "cse-url-reachable", "violated", "handler.log:2"),
    ("a silent host and a proxy", cse(log=RUN + line('error="failed to download file[0]: http request failed: dial tcp 1.2.3.4:443: i/o timeout"')) | {"etc/waagent.conf": "HttpProxy.Host=10.0.0.9\n"}, "cse-no-proxy", "violated", "handler.log:2"),
    ("a certificate that no one trusts", win(stderr="The remote certificate is invalid according to the validation procedure."), "cse-w-cert", "violated", ""),
    ("an absolute path", cse(public={COMMAND: f"bash /{DOWNLOAD}/setup.sh"}), "cse-relative-path", "violated", "3.settings"),
    ("a file elsewhere", cse(stderr="sh: 1: /opt/x/setup.sh: not found\n", **{"setup.sh": "true\n"}), "cse-relative-path", "violated", "stderr:1"),
    ("a relative path", cse(public={COMMAND: "bash ./setup.sh"}), "cse-relative-path", "pass", ""),
    ("a sub-folder", win(stderr="The argument 'a.ps1' to the -File parameter does not exist.", **{"scripts/a.ps1": "1\n"}), "cse-w-subfolder", "violated", ""),
    ("no base64", cse("success", {"script": "echo hello"}), "cse-script-256k", "violated", "3.settings"),
    ("base64", cse("success", {"script": base64.b64encode(b"echo").decode()}), "cse-script-256k", "pass", ""),
    ("Windows line ends", script("#!/bin/bash\r\necho a\r\n"), "cse-crlf", "violated", "setup.sh:1"),
    ("a byte order mark", script(b"\xef\xbb\xbf#!/bin/bash\necho a\n"), "cse-crlf", "violated", "setup.sh:1"),
    ("Linux line ends", script("#!/bin/bash\necho a\n"), "cse-crlf", "pass", ""),
    ("no interpreter", script("#!/usr/bin/zsh\ntrue\n") | REAL, "cse-shebang", "violated", "setup.sh:1"),
    ("an interpreter", script("#!/usr/bin/bash\ntrue\n") | REAL, "cse-shebang", "pass", ""),
    ("bash under sh", cse(stderr="setup.sh: 4: [[: not found\n"), "cse-shebang", "violated", "stderr:1"),
    ("much output", cse("success", stdout="x" * 5_000), "cse-output-limit", "pass", "stdout"),
    ("no PATH", win(stderr="'choco' is not recognized as an internal or external command,"), "cse-w-localsystem", "violated", ""),
    ("no PowerShell", win(stderr="'powershell' is not recognized as an internal or external command,"), "rc-w-path", "violated", ""),
    ("no Internet Explorer", win(stderr="the Internet Explorer engine is not available"), "cse-w-basicparsing", "violated", ""),
    ("a policy", win(stderr="a.ps1 cannot be loaded because running scripts is disabled on this system."), "cse-w-execpolicy", "violated", ""),
    ("an error and a success", cse("success", stderr="a.sh: line 2: foo: command not found\n", **{"a.sh": "#!/bin/bash\nfoo\ntrue\n"}), "cse-l-exitcode", "violated", "stderr:1"),
    ("the same with set -e", cse("success", stderr="a.sh: line 2: foo: command not found\n", **{"a.sh": "#!/bin/bash\nset -euo pipefail\nfoo || true\n"}), "cse-l-exitcode", "pass", ""),
    ("a PowerShell error and a success", win("success", stderr="x : no\n    + CategoryInfo          : ObjectNotFound: (a:String) []"), "cse-w-exitcode", "violated", ""),
    ("a lock", cse(stderr=LOCKED), "cse-pkg-lock", "violated", "stderr:1"),
    ("the older type", {f"{LIB}/{OLD}-1.5.5/config/HandlerState": "Enabled", AGENT: AGENT_HEAD}, "cse-old-type", "violated", ""),
    ("a machine that changes itself", win("success", **{"a.ps1": "Update-AzVM -VM $vm\n"}), "cse-w-no-update-azvm", "violated", "a.ps1:1"),
    ("a WMF that is too new", dsc(log="The VM is running a newer WMF (5.1) than specified"), "dsc-w-wmf", "violated", "DscExtensionHandler.0.log:2"),
    ("an archive that is not there", dsc(log="The remote server returned an error: (404) Not Found."), "dsc-w-url", "violated", "DscExtensionHandler.0.log:2"),
    ("an archive that is no zip", dsc(code=1004), "dsc-w-zip", "violated", "0.status"),
    ("no function", dsc(public={"configuration": {"url": "https://x/a.zip", "script": "a.ps1"}}), "dsc-w-trio", "violated", "0.settings"),
    ("all three", dsc(public={"configuration": {"url": "https://x/a.zip", "script": "a.ps1", "function": "F"}}), "dsc-w-trio", "pass", ""),
    ("arguments twice", dsc(message="Found duplicate arguments 'Role' in both public and protected configurationArguments"), "dsc-w-args", "violated", ""),
    ("a public password", dsc(public={"configurationArguments": {"AdminPassword": "Tr0ub4dor"}}), "dsc-w-secrets", "violated", "0.settings"),
    ("harmless arguments", dsc(public={"configurationArguments": {"Role": "web"}}), "dsc-w-secrets", "pass", ""),
    ("a restart that no one makes", dsc("transitioning", log="A reboot is scheduled to progress further."), "dsc-w-reboot", "violated", "DscExtensionHandler.0.log:2"),
    ("a busy manager", dsc(log="Cannot invoke the SendConfigurationApply method. The SendConfigurationApply method is in progress and must return"), "dsc-w-lcm-idle", "violated", "DscExtensionHandler.0.log:2"),
    ("a configuration for a node", dsc(public={"configurationArguments": {"NodeConfigurationName": "Web"}}), "dsc-w-nodeconfigname", "violated", "0.settings"),
    ("before its end", dsc("success"), "dsc-w-retire", "pass", ""),
    ("a question of a Run Command", rc2("Failed", 1, text="#!/bin/sh\napt install x\n"), "rc-no-input", "violated", "script.sh:2"),
    ("a blob of another kind", rc2("Failed", 1, public={"outputBlobUri": "https://x/y"}) | {"var/log/azure/run-command-handler/handler.log": at("03:12:20", "AppendToBlob failed")}, "rc-v2-appendblob", "violated", "handler.log:1"),
    ("a user who is not there", rc2("Failed", 1, public={"runAsUser": "deploy"}) | {"etc/passwd": "root:x:0:0::/root:/bin/sh\n"}, "rc-v2-runas", "violated", "settings"),
    ("a user who is there", rc2("Failed", 1, public={"runAsUser": "root"}) | {"etc/passwd": "root:x:0:0::/root:/bin/sh\n"}, "rc-v2-runas", "pass", ""),
    ("a failure that counts as a success", rc2("Failed", 3), "rc-v2-failure-flag", "violated", "Job.0.status"),
    ("a success", rc2(), "rc-v2-failure-flag", "pass", ""),
    ("an agent that is new enough", rc2(), "rc-v2-agent", "pass", ""),
    ("an old agent", rc2() | {AGENT: AGENT_HEAD.replace("2.15.0.1", "2.2.46")}, "rc-v2-agent", "violated", ""),
    ("an agent stopped by a Run Command", rc2(text="#!/bin/sh\nsystemctl restart walinuxagent\n"), "cse-no-agent-stop", "violated", "script.sh:2"),
    ("an & in a parameter", {f"Packages/Plugins/{RC1W}/1.1.0/Status/1.status": status("error", "failed", substatus=[part("StdErr", "'b' is not recognized as an internal or external command,")]), f"Packages/Plugins/{RC1W}/1.1.0/RuntimeSettings/1.settings": settings({"parameters": [{"name": "a", "value": "a&b"}]})}, "rc-w-amp", "violated", ""),
    ("26 applications", ext(VMA, "success") | {f"{LIB}/{VMA}/app{n}/1.0/app{n}": "x" for n in range(26)}, "vmapp-25", "violated", ""),
    ("two applications", ext(VMA, "success") | {f"{LIB}/{VMA}/app{n}/1.0/app{n}": "x" for n in range(2)}, "vmapp-25", "pass", ""),
    ("an application that failed", ext(VMA, "success", '[{"application":"web","result":"Error"}]'), "vmapp-flag", "violated", "1.status"),
    ("an application that failed long ago", ext(VMA, "success", '[{"application":"web","result":"Error"}]', at="2026-05-01T03:12:25Z"), "vmapp-retry", "violated", "1.status"),
    ("a name without its ending", ext(VMA, "error", "bash: ./web.tar.gz: No such file or directory") | {f"{LIB}/{VMA}/web/1.0/web": "x"}, "vmapp-filename", "violated", "1.status"),
    ("a lock beside another", cse(stderr=LOCKED) | {f"{LIB}/{AMA}-1.0/status/0.status": status("success"), AGENT: AGENT_HEAD + BESIDE}, "ext-sequence", "violated", "stderr:1"),
    ("no settings", cse() | {AGENT: AGENT_HEAD + f"2026-05-04T03:12:11.000000Z INFO ExtHandler ExtHandler No settings found for {WEB}, not waiting for it's status\n"}, "ext-settings-present", "violated", "waagent.log:2"),
    ("a newer version", cse() | {f"{LIB}/{L}.1.manifest.xml": "<Plugins><Version>2.1.19</Version><Version>2.1.30</Version></Plugins>"}, "ext-autominor", "violated", ""),
    ("the newest version", cse() | {f"{LIB}/{L}.1.manifest.xml": "<Version>2.1.19</Version><Version>3.0.0</Version>"}, "ext-autominor", "pass", ""),
    ("an upgrade taken back", cse() | {f"{LIB}/{L}-2.1.30/config/HandlerState": "NotInstalled"}, "ext-autoupgrade", "violated", ""),
    ("storage over the host", cse() | {AGENT: AGENT_HEAD + 3 * "2026-05-04T03:12:11.000000Z INFO ExtHandler ExtHandler Download failed, switching to host plugin\n"}, "ext-blob", "violated", "waagent.log:2"),
    ("storage over the host once", cse() | {AGENT: AGENT_HEAD + "2026-05-04T03:12:11.000000Z INFO ExtHandler ExtHandler Download failed, switching to host plugin\n"}, "ext-blob", "pass", ""),
    ("extensions switched off", cse() | {"etc/waagent.conf": "Extensions.Enabled=n\n"}, "ext-extensions-enabled", "violated", ""),
    ("extensions switched on", cse() | {"etc/waagent.conf": "# x\nExtensions.Enabled=y\n"}, "ext-extensions-enabled", "pass", ""),
    ("no programs may run", cse() | {"etc/fstab": "/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 /var ext4 defaults,noexec 0 1\n"}, "ext-noexec", "violated", ""),
    ("no python", ext(OMS, "error", "/bin/sh: 1: python: not found"), "ext-python", "violated", "1.status"),
    ("a certificate that is gone", win() | {"WindowsAzure/Logs/WaAppAgent.log": "[00000004] [05/04/2026 03:12:00.00] [ERROR] RdCrypt Initialization failed. Error Code: -2147023143.\n"}, "ext-cert-w", "violated", "WaAppAgent.log:1"),
    ("a static address", cse() | {"etc/netplan/50.yaml": "network:\n  ethernets:\n    eth0:\n      dhcp4: no\n      addresses: [10.0.0.4/24]\n"}, "ext-dhcp", "violated", "50.yaml:3"),
    ("DHCP", cse() | {"etc/netplan/50.yaml": "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n"}, "ext-dhcp", "pass", ""),
    ("a clone", cse() | {"var/lib/cloud/data/instance-id": "b\n", "var/lib/cloud/data/previous-instance-id": "a\n"}, "ext-cloned", "unknown", ""),
    ("no clone", cse() | {"var/lib/cloud/data/instance-id": "b\n", "var/lib/cloud/data/previous-instance-id": "NO_PREVIOUS_INSTANCE_ID\n"}, "ext-cloned", "pass", ""),
    ("an unhealthy application", health(at("03:00:00", "Committed health state is healthy") + at("03:12:00", f"{PROBE}connection refused") + at("03:12:01", "Committed health state is unhealthy")), "vmss-apphealth-answer", "violated", "handler.log:2"),
    ("an application that is healthy again", health(at("03:00:00", f"{PROBE}connection refused") + at("03:12:00", "Committed health state is healthy")), "vmss-apphealth-answer", "pass", ""),
    ("a page without a state", health(at("03:12:00", "Response body key 'ApplicationHealthState' has invalid value 'ok'")), "vmss-apphealth-rich", "violated", "handler.log:1"),
    ("a short grace period", health(at("03:00:00", "No longer honoring grace period - expired") + at("03:12:00", "Committed health state is healthy")), "vmss-apphealth-grace", "violated", "handler.log:1"),
    ("tcp with a path", health("", public={"protocol": "tcp", "port": 80, "requestPath": "/h"}), "vmss-apphealth-settings", "violated", "1.settings"),
    ("a probe that fits", health("", public={"protocol": "http", "port": 80, "requestPath": "/h"}), "vmss-apphealth-settings", "pass", ""),
    ("a vault that refuses", ext(KV, "transitioning", "403 Forbidden for the managed identity", public={}), "kv-identity-order", "violated", "1.status"),
    ("a driver that is refused", ext(GPU, "error", "modprobe: could not insert 'nvidia': Key was rejected by service"), "gpu-secureboot", "violated", "1.status"),
    ("an interrupted dpkg", ext(LP, "error", "E: dpkg was interrupted, you must manually run 'sudo dpkg --configure -a'"), "lp-pm-healthy", "violated", "1.status"),
    ("a word of its own", ext(WEB, "failed"), "ext-status-words", "violated", "1.status"),
    ("a word that is known", ext(WEB, "error"), "ext-status-words", "pass", ""),
    ("a placeholder", ext(GC, "transitioning", "Enable in progress"), "ext-dead-placeholder", "unknown", ""),
]  # fmt: skip
