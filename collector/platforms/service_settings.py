"""How the service is entered into Windows: the commands for sc.exe. Pure."""

from __future__ import annotations

from collections.abc import Iterator

NAME = "vmext"
DESCRIPTION = "Follows the logs of the Azure guest agent and its extensions, and reports what fails or hangs."
#: Milliseconds until it is started again after its first, second and every further failure; a day (seconds) without
#: one, and it counts from the beginning.
_RESTARTS, _FORGOTTEN_SECONDS = (30_000, 60_000, 300_000), 86_400
#: All that is left to it of the system's privileges: to pass through folders, and to see what processes of others are
#: called and wait for.
_PRIVILEGES = ("SeChangeNotifyPrivilege", "SeDebugPrivilege")


def command_of(program: str) -> str:
    """What the manager starts. `program`: the path of its Python."""
    return f'"{program}" -m collector service run'


def entry(program: str, *, is_new: bool) -> tuple[str, ...]:
    """What makes the service, or changes the one that is there.

    The system's own account: C:\\WindowsAzure, C:\\Packages and the state of handlers in the registry let in nobody but
    administrators and the system.
    """
    place = command_of(program)
    first = "create" if is_new else "config"
    return (
        first,
        NAME,
        "binPath=",
        place,
        "type=",
        "own",
        "start=",
        "auto",
        "obj=",
        "LocalSystem",
        "DisplayName=",
        NAME,
    )


def details() -> Iterator[tuple[str, ...]]:
    """What makes it behave; without any of it the service works."""
    yield "description", NAME, DESCRIPTION
    actions = "/".join(f"restart/{wait}" for wait in _RESTARTS)
    yield "failure", NAME, "reset=", str(_FORGOTTEN_SECONDS), "actions=", actions
    yield "failureflag", NAME, "1"  # also after an end with an error, not only after a crash
    yield "config", NAME, "start=", "delayed-auto"  # handlers of the machine's first minutes go first
    yield "sidtype", NAME, "unrestricted"
    yield "privs", NAME, "/".join(_PRIVILEGES)
