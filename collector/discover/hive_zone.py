"""The time zone in the registry hive of a mounted Windows disk (``Windows/System32/config/SYSTEM``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.discover.hive import HiveError, Library, load_library, opened, text, values

#: This hive, SYSTEM, is far smaller on every machine that works.
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ZoneSettings:
    """What ``TimeZoneInformation`` says. Minutes of UTC less local time, as Windows counts them."""

    key_name: str = ""
    standard_name: str = ""
    bias: int | None = None  # of standard time
    daylight: bool | None = None  # whether it changes to daylight time; None where the key does not say
    disabled: bool = False  # a person switched daylight time off
    in_use: bool = False  # the machine had not written all of its changes into the file


def zone_settings(file: Path, library: Callable[[], Library] = load_library) -> ZoneSettings:
    """The zone settings of the control set that the machine last ran with. Raises HiveError, and nothing else."""
    with opened(file, library, MOST_BYTES) as hive:
        current = values(hive.key("Select")).get("current")
        if not isinstance(current, int) or not 1 <= current <= 999:
            raise HiveError("it names no current control set")
        told = values(hive.key(f"ControlSet{current:03}", "Control", "TimeZoneInformation"))
        return _from_values(told, in_use=hive.in_use)


def _from_values(values: Mapping[str, Any], *, in_use: bool) -> ZoneSettings:
    bias = _minutes(values.get("bias"))
    return ZoneSettings(
        key_name=text(values.get("timezonekeyname")),
        standard_name=text(values.get("standardname")),
        bias=None if bias is None else bias + (_minutes(values.get("standardbias")) or 0),
        daylight=_daylight(values),
        disabled=bool(values.get("dynamicdaylighttimedisabled") or values.get("disableautodaylighttimeset")),
        in_use=in_use,
    )


def _daylight(values: Mapping[str, Any]) -> bool | None:
    """DaylightStart is the moment of the change: year, month, week, each 16 bits; no month is no change."""
    start = values.get("daylightstart")
    if not isinstance(start, bytes) or len(start) < 4:
        return None
    return start[2:4] != b"\0\0" and _minutes(values.get("daylightbias")) != 0


def _minutes(value: Any) -> int | None:
    """A signed number, which the registry has no type for."""
    if not isinstance(value, int):
        return None
    return value - (1 << 32) if value >= 1 << 31 else value
