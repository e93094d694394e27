"""A disk whose logs tell nearly as much as a bundle holds: 1,600 events, of minutes in which nothing went well."""

from __future__ import annotations

from pathlib import Path

from tests.collecting import AGENT_LOG, HANDLER_LOG, failing_disk, put

_HANDLERS = (
    "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent-1.33.1",
    "Microsoft.ManagedServices.ApplicationHealthLinux-2.0.16",
    "Microsoft.Azure.KeyVault.KeyVaultForLinux-3.0.1",
    "Microsoft.GuestConfiguration.ConfigurationforLinux-1.26.60",
    "Microsoft.Azure.Extensions.CustomScript-2.1.19",
)
_OF_AGENT = (
    "{time} INFO ExtHandler Fetched new certificate and goal state [incarnation {turn}]",
    "{time} INFO ExtHandler ProcessExtensionsGoalState started [incarnation_{turn} channel: WireServer source: Fabric "
    "activity: {turn:08x}-0000-4000-8000-000000000000 correlation {turn:08x} created: {time}]",
    "{time} INFO ExtHandler [{handler}] Target handler state: enabled [incarnation_{turn}]",
    "{time} INFO ExtHandler [{handler}] [Enable] current handler state is: enabled",
    "{time} INFO ExtHandler [{handler}] Update settings file: {turn}.settings",
    "{time} INFO ExtHandler [{handler}] Enable extension: [bin/shim enable]",
    "{time} INFO ExtHandler [{handler}] Executing command: /var/lib/waagent/{handler}/bin/shim enable with environment "
    'variables: {{"AZURE_GUEST_AGENT_UNINSTALL_CMD_EXIT_CODE": "NOT_RUN"}}',
    "{time} INFO ExtHandler [{handler}] Command: bin/shim enable\n[stdout]\nstarted {turn}\n\n[stderr]\n",
    "{time} WARNING ExtHandler [{handler}] could not reach storage{turn}.blob.core.windows.net, attempt {turn}",
    "{time} INFO ExtHandler ProcessExtensionsGoalState completed [incarnation_{turn} {turn} ms; "
    "activity: {turn:08x}-0000-4000-8000-000000000000]",
)
_OF_HANDLER = (
    'time={time} version=v2.1.19/git@0-clean operation=enable seq=3 event="executing command" output=download/3',
    'time={time} version=v2.1.19/git@0-clean operation=enable seq=3 event="file download" attempt={turn} '
    'error="failed to download https://store{turn}.blob.core.windows.net/setup.sh: status code 404"',
    'time={time} version=v2.1.19/git@0-clean operation=enable seq=3 event="failed to handle" '
    'error="failed to execute command: command terminated with exit status={turn}"',
)
#: From 02:58, within the window around the failure at 03:12:25.
_BEGIN, _SECONDS = 58 * 60, 840


def busy_disk(disk: Path, records: int = 1_500) -> Path:
    """With so many records in each of two logs, before those of `failing_disk`."""
    failing_disk(disk)
    for path, texts in ((AGENT_LOG, _OF_AGENT), (HANDLER_LOG, _OF_HANDLER)):
        told = "".join(_line(texts[number % len(texts)], number, records) for number in range(records))
        put(disk, path, told + (disk / path).read_text())
    return disk


def _line(text: str, number: int, records: int) -> str:
    minute, second = divmod(_BEGIN + number * _SECONDS // records, 60)
    time = f"2026-05-04T{2 + minute // 60:02}:{minute % 60:02}:{second:02}.{number:06}Z"
    return text.format(time=time, turn=number // 10, handler=_HANDLERS[number // 10 % len(_HANDLERS)]) + "\n"
