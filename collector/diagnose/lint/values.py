"""What the readers of shapes hand to the checks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from collector.model import System

#: Keys and numbers that lead from the document's root to a value.
Place = tuple[str | int, ...]
Family = Literal["custom-script", "dsc", "health", "run-command", ""]
Severity = Literal["error", "warning", "info"]


class _Unknown:
    """A value that only the deployment will know; nothing is ever said of it."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()
#: Stand in a text for a part that is not known, and for one that is known to be a secret.
HOLE, SECRET = "\ue000", "\ue001"

_FAMILIES: dict[str, tuple[Family, System | None]] = {
    "microsoft.azure.extensions.customscript": ("custom-script", "linux"),
    "microsoft.ostcextensions.customscriptforlinux": ("custom-script", "linux"),
    "microsoft.compute.customscriptextension": ("custom-script", "windows"),
    "microsoft.powershell.dsc": ("dsc", "windows"),
    "microsoft.managedservices.applicationhealthlinux": ("health", "linux"),
    "microsoft.managedservices.applicationhealthwindows": ("health", "windows"),
    "microsoft.cplat.core.runcommandlinux": ("run-command", "linux"),
    "microsoft.cplat.core.runcommandwindows": ("run-command", "windows"),
}
OLD_LINUX_SCRIPT = "microsoft.ostcextensions.customscriptforlinux"
#: Settings that are told by their keys alone belong to a Custom Script of a system that is not known.
ANY_CUSTOM_SCRIPT = "CustomScript"
#: Begins the place of what stands in the file of protected settings, which is not the document.
PROTECTED_FILE = "--protected"


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension of one machine or scale set. `body` has the names of Azure Resource Manager, resolved."""

    name: str
    handler: str  # Publisher.Type; empty where it is not known
    body: Mapping[str, Any]
    at: Place  # of the object whose keys `body` has
    condition: str = ""  # under which it is deployed at all
    whole: bool = True  # a template says all there is; a model as read back never has protected settings
    renamed: Mapping[str, str] = field(default_factory=dict)  # where the document has other names than `body`

    @property
    def family(self) -> Family:
        if self.handler == ANY_CUSTOM_SCRIPT:
            return "custom-script"
        return _FAMILIES.get(self.handler.casefold(), ("", None))[0]

    @property
    def system(self) -> System | None:
        known = _FAMILIES.get(self.handler.casefold())
        if known:
            return known[1]
        kind = self.handler.casefold()
        return "linux" if "linux" in kind else "windows" if "windows" in kind else None

    def place(self, key: str, *rest: str | int) -> Place:
        return (*self.at, self.renamed.get(key, key), *rest)

    @property
    def public(self) -> Mapping[str, Any] | None:
        """Public settings; None where they are not known."""
        return self._settings("settings")

    @property
    def protected(self) -> Mapping[str, Any] | None:
        """Protected settings; None where they are not known."""
        if self.body.get("protectedSettingsFromKeyVault") is not None:
            return None
        return self._settings("protectedSettings")

    def _settings(self, key: str) -> Mapping[str, Any] | None:
        value = self.body.get(key)
        if value is None:
            return {} if self.whole or key == "settings" else None
        return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A managed Run Command, a resource of its own."""

    name: str
    body: Mapping[str, Any]
    at: Place
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine or a scale set, as far as the document tells of it."""

    kind: Literal["vm", "vmss", "arc", ""]
    name: str
    at: Place = ()  # of the object whose keys `body` has
    body: Mapping[str, Any] = field(default_factory=dict)
    system: System | None = None
    extensions: tuple[Extension, ...] = ()
    commands: tuple[RunCommand, ...] = ()
    complete: bool = True  # all its extensions could be read

    def profile(self, *keys: str) -> Any:
        """A value inside `body`; None where it, or what holds it, is missing or not known."""
        value: Any = self.body
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return None if value is UNKNOWN else value

    @property
    def is_of_aks(self) -> bool:
        """Whether Kubernetes Service made it: its policies are not for its user to change."""
        return self.name.startswith("aks-") and self.kind == "vmss"

    @property
    def profile_path(self) -> tuple[str, ...]:
        """Where a scale set keeps what a machine has at its top."""
        return ("virtualMachineProfile",) if self.kind == "vmss" else ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a check has to say: which rule, where, and the facts of this case. No secret stands in it."""

    rule: str
    place: Place
    message: str
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One answer: a finding, its rule's words and its line."""

    id: str
    title: str
    severity: Severity
    place: str
    line: int | None
    extension: str
    message: str
    meaning: str
    remedy: str
    source: str


def known(text: object) -> str | None:
    """A text of which all is known, else None."""
    if not isinstance(text, str) or HOLE in text or SECRET in text:
        return None
    return text
