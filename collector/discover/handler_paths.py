"""Whose a process is, by what its command line, folder or environment tells. Pure."""

from __future__ import annotations

import re

#: Where handlers lie and where two of them put their scripts; of Custom Script and Run Command only the script's
#: own command line may be left (Azure/custom-script-extension-linux, Azure/run-command-handler-linux). Patterns as
#: text: most runs need none of them compiled.
_HANDLER = (
    r"/waagent/(?P<name>[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+)-\d+(?:\.\d+)+(?![\w.])",
    r"(?i:[\\/]Packages[\\/]Plugins[\\/])(?P<name>[A-Za-z][\w-]*(?:\.[\w-]+)+)[\\/]\d+(?:\.\d+)+",
    r"azure-vmextensions-(?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*?)+)(?:_\d+(?:\.\d+)*)?\.slice",
)
_SCRIPTS = {
    "/waagent/custom-script/": "Microsoft.Azure.Extensions.CustomScript",
    "/waagent/run-command-handler/": "Microsoft.CPlat.Core.RunCommandHandlerLinux",
    "/waagent/run-command/": "Microsoft.CPlat.Core.RunCommandLinux",
}
#: The guest agent itself, not what it started.
_AGENT = (
    r"(?i)(?:(?:^|[\s/])waagent|(?:^|[\s/])WALinuxAgent-[\d.]+[\w.-]*\.egg)\s+-(?P<role>daemon|run-exthandlers)\b"
    r"|(?P<windows>WindowsAzureGuestAgent|WaAppAgent)(?:\.exe)?"
)
#: Words in a command line that make a process the guest agent's or a handler's.
_OURS = (
    "/waagent",
    "waagent ",
    "walinuxagent",
    "windowsazureguestagent",
    "waappagent",
    "packages\\plugins\\",
    "/var/lib/waagent",
)


def is_ours(command: str) -> bool:
    """Whether a process is the guest agent's or lies with the handlers, by its name and command line."""
    return any(word in command.lower() for word in _OURS)


def extension_in(text: str) -> str | None:
    """Publisher.Type, where a path of a handler or of its script is named."""
    for pattern in _HANDLER:
        if found := re.search(pattern, text):
            return found["name"]
    return next((name for folder, name in _SCRIPTS.items() if folder in text), None)


def agent_role(command: str) -> str | None:
    """``daemon`` or ``run-exthandlers`` of the Linux agent, the process's name of the Windows one; None for others."""
    found = re.search(_AGENT, command)
    if found is None or extension_in(command) is not None:
        return None
    return (found["role"] or found["windows"]).lower()
