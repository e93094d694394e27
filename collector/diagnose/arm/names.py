"""Names of extensions: short, long, as people say them, and as a message makes them likely. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from itertools import islice

from collector.diagnose import codes
from collector.diagnose.arm.knowledge import nicknames, wordings
from collector.diagnose.arm.values import NODE_SETUP
from collector.diagnose.commands import SCRIPT_EXTENSIONS
from collector.diagnose.signatures import signatures
from collector.model import System

#: Folders and packages of a handler, with its version.
_FOLDERS = (
    re.compile(r"/var/lib/waagent/(?P<handler>[A-Za-z][\w.]{2,150}?)-(?P<version>\d[\d.]{0,40})(?=[/\s'\"]|$)"),
    re.compile(r"\\Plugins\\{1,8}(?P<handler>[A-Za-z][\w.]{2,150}?)\\{1,8}(?P<version>\d[\d.]{0,40})(?=[\\\s'\"]|$)"),
    re.compile(
        r"extension (?P<handler>[A-Z][A-Za-z]{1,40}(?:\.\w{1,60}){1,6})-(?P<version>\d[\d.]{0,40})\(Sequence number"
    ),
    re.compile(r"\[(?P<handler>[A-Z][A-Za-z]{1,40}(?:\.\w{1,60}){1,6})-(?P<version>\d[\d.]{0,40})\]"),
)
_MOST = 200
#: A beginning of a type is no shorter.
_SHORTEST = 4
#: Where a log or a message names a handler in full.
_FULL = re.compile(r"(?<![\w./\\-])[A-Z]\w{1,40}(?:\.\w{1,60}){2,7}")
#: Types that have a dot themselves; else the last part of Publisher.Type is the type.
_DOTTED_TYPES = ("Compute.AKS.Linux.AKSNode", "Compute.AKS.Windows.AKSNode", "Compute.AKS.Linux.Billing",
                 "Compute.AKS-Engine.Linux.Billing", "MDE.Linux", "MDE.Windows", "CAPZ.Linux.Bootstrapping",
                 "CAPZ.Windows.Bootstrapping")  # fmt: skip
#: Node setup runs as Custom Script, and its exit codes are its own.
_NODE_SETUP = re.compile(r"vmss-?cse|cse-(?:agent|master)-?\d*", re.IGNORECASE)
#: Its name in 2018, when the platform did not yet name the type beside it.
_FORMER_NODE_SETUP = re.compile(r"cse\d+", re.IGNORECASE)
_NODE: dict[System, str] = {"linux": "Microsoft.AKS.Compute.AKS.Linux.AKSNode",
                           "windows": "Microsoft.AKS.Compute.AKS.Windows.AKSNode"}  # fmt: skip
_WINDOWS = re.compile(
    r"windows|(?<![a-z])[A-Z]:\\|powershell|\.ps1\b|\.exe\b|\.cmd\b|\.msi\b|\bDSC\b|JsonADDomain|IaaSDiagnostics"
    r"|Microsoft\.Compute\.CustomScriptExtension|IaaSAntimalware|BGInfo|SqlIaaSAgent|MicrosoftMonitoringAgent",
    re.IGNORECASE,
)
#: Handlers whose names do not tell it, in lower case.
_SYSTEMS: dict[str, System] = {
    "chef.bootstrap.windowsazure.linuxchefclient": "linux",
    "microsoft.azure.extensions.customscript": "linux",
    "microsoft.azure.extensions.dockerextension": "linux",
    "microsoft.azure.recoveryservices.vmsnapshot": "windows",
    "microsoft.azure.recoveryservices.vmsnapshotlinux": "linux",
    "microsoft.azure.security.azurediskencryption": "windows",
    "microsoft.azure.servicefabric.servicefabricnode": "windows",
    "microsoft.compute.vmaccessagent": "windows",
    "microsoft.visualstudio.services.teamservicesagent": "windows",
    "microsoft.visualstudio.services.teamservicesagentlinux": "linux",
}
_LINUX = re.compile(r"linux|/var/|/usr/|\.sh\b|\bapt\b|\byum\b|exit status[= ]|\bdpkg\b|/bin/", re.IGNORECASE)


@cache
def known() -> tuple[str, ...]:
    """Every Publisher.Type that a table knows."""
    scopes = {row.scope for row in codes.table("handlers")} | {row.scope for row in signatures()}
    listed = {handler for nickname in nicknames() for handler in nickname.handlers}
    return tuple(sorted(scope for scope in {*scopes, *listed, *SCRIPT_EXTENSIONS} if scope.count(".") > 1))


def handlers_of(name: str, system: System | None) -> tuple[str, ...]:
    """The Publisher.Types that a name can mean, the likeliest first; the name itself where none is known."""
    asked = name.strip().lower()
    said = next((one.handlers for one in nicknames() if any(fnmatchcase(asked, nick) for nick in one.names)), ())
    ways = (
        [one for one in known() if one.lower() == asked],
        [one for one in known() if split(one)[1].lower() == asked or one.lower().endswith(f".{asked}")],
        list(said),
        [one for one in known() if len(asked) >= _SHORTEST and split(one)[1].lower().startswith(asked)],
    )
    fitting = ([one for one in found if system in (None, system_of(one))] for found in ways)
    return tuple(next(filter(None, fitting), []) or next(filter(None, ways), []) or [name.strip()])


def types_of(publisher: str) -> list[str]:
    """The types that are known of a publisher."""
    return [split(one)[1] for one in known() if split(one)[0].lower() == publisher.lower()]


def split(handler: str) -> tuple[str, str]:
    """Publisher and type."""
    for kind in _DOTTED_TYPES:
        if handler.lower().endswith(f".{kind.lower()}"):
            return handler[: -len(kind) - 1], handler[-len(kind) :]
    publisher, _, kind = handler.rpartition(".")
    return publisher, kind


def likely_handlers(name: str, message: str) -> Iterator[tuple[str, str, str]]:
    """Handlers that a message makes likely, with the version and what makes them so, the surest first."""
    for pattern in _FOLDERS:
        if found := pattern.search(message):
            yield found["handler"], found["version"].rstrip("."), "a path or head in the message"
    full = next((word[0] for word in islice(_FULL.finditer(message), _MOST) if word[0] in known()), "")
    if full:
        yield full, "", "a path or head in the message"
    if setup := node_setup(name, message) or (_FORMER_NODE_SETUP.fullmatch(name) and _NODE["linux"]):
        yield setup, "", NODE_SETUP
    for wording in wordings():
        if wording.found_in(message):
            yield wording.handler, "", wording.told_by
    candidates = handlers_of(name, None) if name else ()
    if candidates and "." in candidates[0] and candidates[0] != name:
        yield candidates[0], "", "its name"


def node_setup(name: str, text: str) -> str:
    """The handler of an AKS node's setup, of the system that the text is of; empty where the name is none of its."""
    return _NODE[system_of(text) or "linux"] if _NODE_SETUP.fullmatch(name) else ""


def system_of(text: str) -> System | None:
    """The system that a handler's name or a message is of; None where nothing tells."""
    head = text[:20_000]
    windows, linux = len(_WINDOWS.findall(head)), len(_LINUX.findall(head))
    if (told := _SYSTEMS.get(text.lower())) is not None:
        return told
    if windows == linux:
        return None
    return "windows" if windows > linux else "linux"
