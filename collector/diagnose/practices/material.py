"""What the checks need to know of a disk, as values: small parts of settings, scripts, outputs and logs.

Named tuples, as they are defined on every run (see `collector.data.practices`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from collector.data.practices import Place
from collector.model import StatusFile, System


class Text(NamedTuple):
    """A part of a file. `first_line`: its first line's number in the file, 0 where that is not known."""

    path: str
    place: Place
    text: str
    first_line: int = 1
    size: int = 0  # bytes of the whole file


class Script(NamedTuple):
    """A script as it lies on the disk. It is read and never run."""

    path: str
    name: str  # relative to the folder in which it is started, forward slashes
    text: str
    windows_ends: bool = False
    mark: bool = False  # begins with a byte order mark
    interpreter: str = ""  # of its first line
    interpreter_there: bool | None = None  # None where the disk does not tell


class Settings(NamedTuple):
    """The public part of N.settings. Only its keys may be told, never a value."""

    path: str
    public: Mapping[str, object]
    has_protected: bool = False


class Operation(NamedTuple):
    """The newest configuration of an extension, and what came of it."""

    extension: str
    version: str | None = None
    name: str | None = None
    sequence: int | None = None
    earlier: bool = False  # an older sequence left traces on this disk
    settings: Settings | None = None
    status: StatusFile | None = None
    started: datetime | None = None
    ended: datetime | None = None
    texts: tuple[Text, ...] = ()
    scripts: tuple[Script, ...] = ()
    files: tuple[str, ...] = ()  # beside the scripts, relative to their folder
    log_modified: float = 0.0  # of the handler's newest log, seconds since the epoch


class Installed(NamedTuple):
    """A version of an extension whose folder lies on the disk, and what the agent calls its state."""

    extension: str
    version: str
    state: str = ""


class Machine(NamedTuple):
    """What files of the disk say of the machine as a whole; None where there is no such file."""

    agent_settings: Mapping[str, str] = MappingProxyType({})  # of waagent.conf
    network: tuple[Text, ...] = ()  # netplan
    users: frozenset[str] | None = None
    instance_id: str | None = None  # cloud-init's
    instance_id_before: str | None = None
    instance_id_time: datetime | None = None
    pending_configuration: datetime | None = None  # of Windows' configuration manager: since when


class Material(NamedTuple):
    """Everything the checks look at, besides failures and facts."""

    system: System
    operations: tuple[Operation, ...] = ()
    installed: tuple[Installed, ...] = ()
    offered: Mapping[str, tuple[str, ...]] = MappingProxyType({})  # versions, by extension
    agent_logs: tuple[Text, ...] = ()
    is_well: bool = False  # nothing failed: agent's logs, offered versions and the machine were not looked at
    closed: tuple[str, ...] = ()  # sources that could not be read for want of permission
    machine: Machine = Machine()
