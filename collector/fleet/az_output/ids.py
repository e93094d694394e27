"""Resource ids, and instance numbers in computer names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

#: Tail of a uniform instance's computer name: its number in base 36. Sets count from 0, so it begins with zeros;
#: without them it is the random tail of a flexible instance or a name of the user's own.
_TAIL = re.compile(r"(?<=.)00[0-9A-Za-z]{4}$")


@dataclass(frozen=True, slots=True)
class ResourceId:
    """The parts of an id that matter here; None for those that it does not have."""

    subscription: str | None
    group: str | None
    scale_set: str | None
    machine: str | None  # the instance's number, or the machine's name
    extension: str | None

    @property
    def flexible(self) -> bool:
        """Whether it is of a machine with a name, and not of a uniform set's numbered instance."""
        return not (self.scale_set and is_number(self.machine or ""))


def parse(value: object) -> ResourceId | None:
    """None if the value is no resource id. Segments are told apart without regard to case, as the platform does."""
    if not isinstance(value, str) or not value.startswith("/"):
        return None
    parts = value.strip("/").split("/")
    pairs = {key.lower(): part for key, part in pairwise(parts)}
    if "subscriptions" not in pairs:
        return None
    return ResourceId(
        pairs.get("subscriptions"),
        pairs.get("resourcegroups"),
        pairs.get("virtualmachinescalesets"),
        pairs.get("virtualmachines"),
        pairs.get("extensions"),
    )


def is_number(machine: str) -> bool:
    """Whether it is the number of a uniform set's instance, and not a name."""
    return machine.isascii() and machine.isdigit() and len(machine) < 12


def order(machine: str) -> tuple[bool, int, str]:
    """Sorts numbers as numbers, and names behind them."""
    return (False, int(machine), machine) if is_number(machine) else (True, 0, machine)


def number(computer_name: str | None) -> str | None:
    """The instance's number as its computer name tells it: ``job00000B`` is 11."""
    found = _TAIL.search(computer_name or "")
    return str(int(found[0], 36)) if found else None
