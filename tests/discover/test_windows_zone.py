"""The zone of a mounted Windows disk, from its registry, and Windows' names of zones."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data.zones import iana_name, parsed
from collector.discover.hive import HiveError, Library
from collector.discover.hive_zone import MOST_BYTES, ZoneSettings, zone_settings
from collector.discover.zone import DiskZone, disk_zone, named_zone
from collector.errors import ConfigError, DataError
from tests.discover.hive_making import BINARY, SZ, Keys, hive, system_hive

TABLE = Path(__file__).parents[2] / "collector/data/windows_zones.tsv"
WINTER, SUMMER = datetime(2026, 1, 1, 12), datetime(2026, 7, 1, 12)
#: Year, month, week, hour, ...: the last Sunday of March at two.
MARCH, NEVER = struct.pack("<8H", 0, 3, 5, 2, 0, 0, 0, 0), bytes(16)
BERLIN: Keys = {
    "Bias": -60,
    "StandardBias": 0,
    "StandardName": "@tzres.dll,-322",
    "StandardStart": struct.pack("<8H", 0, 10, 5, 3, 0, 0, 0, 0),
    "DaylightBias": -60,
    "DaylightStart": MARCH,
    "TimeZoneKeyName": "W. Europe Standard Time",
    "DynamicDaylightTimeDisabled": 0,
    "ActiveTimeBias": -120,
}


def put_hive(root: Path, content: bytes, path: str = "Windows/System32/config/SYSTEM") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def zone_of(root: Path, zone: Keys, **more) -> DiskZone:
    put_hive(root, system_hive(zone, **more))
    return disk_zone(root, "windows")


def hours(zone: DiskZone) -> tuple[float, float]:
    assert zone.tz is not None
    offsets = [moment.replace(tzinfo=zone.tz).utcoffset() for moment in (WINTER, SUMMER)]
    winter, summer = (offset.total_seconds() / 3600 for offset in offsets if offset is not None)
    return winter, summer


def without(zone: Keys, *names: str) -> Keys:
    return {name: value for name, value in zone.items() if name not in names}


def test_the_zone_of_the_keys_name(tmp_path: Path):
    zone = zone_of(tmp_path, BERLIN)
    assert (zone.name, zone.note, hours(zone)) == ("Europe/Berlin", "", (1, 2))


@pytest.mark.parametrize(
    "rest",
    [
        "Pacific Standard Time".encode("utf-16-le"),
        b"\x00\xd8\x00\xd8\x11\x22",  # half of a surrogate pair: no UTF-16, yet UTF-8 but for its second byte
        b"\x00\xd8" + b"ab" * 20,
        b"abc",
        b"",
    ],
)
def test_what_stands_behind_the_end_of_a_name_is_not_read(tmp_path: Path, rest: bytes):
    name = "W. Europe Standard Time\0".encode("utf-16-le") + rest
    assert zone_of(tmp_path, {**BERLIN, "TimeZoneKeyName": (SZ, name)}).name == "Europe/Berlin"


def test_a_name_that_looks_like_utf_8(tmp_path: Path):
    name = "UTC\0".encode("utf-16-le") + b"x"  # odd: no UTF-16 as a whole
    assert zone_of(tmp_path, {**BERLIN, "TimeZoneKeyName": (SZ, name)}).name == "Etc/UTC"


def test_an_older_system_has_only_the_standard_name(tmp_path: Path):
    old = {**without(BERLIN, "TimeZoneKeyName", "DynamicDaylightTimeDisabled"), "StandardName": "Tokyo Standard Time"}
    assert zone_of(tmp_path, old).name == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("bias", "standard_bias", "start", "offset"),
    [(-330, 0, NEVER, 5.5), (-330, -30, NEVER, 6), (480, 0, NEVER, -8), (0, 0, NEVER, 0)],
)
def test_an_unknown_name_with_one_offset_all_year(tmp_path: Path, bias, standard_bias, start, offset):
    zone = {"StandardName": "Mitteleuropäische Zeit", "Bias": bias, "StandardBias": standard_bias}
    assert hours(zone_of(tmp_path, {**zone, "DaylightStart": start})) == (offset, offset)


def test_an_unknown_name_with_summer_time_stays_unknown(tmp_path: Path):
    zone = zone_of(tmp_path, {**BERLIN, "TimeZoneKeyName": "Mars Standard Time"})
    assert zone == DiskZone(
        None, "Mars Standard Time", "the registry names the zone 'Mars Standard Time', which no table knows"
    )
    # nothing says that there is none
    assert zone_of(tmp_path, {"StandardName": "Mars Standard Time", "Bias": -60}).tz is None


def test_no_usable_setting(tmp_path: Path):
    assert zone_of(tmp_path, {}) == DiskZone(None, None, "the registry names no zone")
    for bias in (100_000, "x"):
        assert zone_of(tmp_path, {"Bias": bias, "DaylightStart": NEVER}).tz is None


def test_summer_time_that_a_person_switched_off(tmp_path: Path):
    off = {**BERLIN, "DaylightStart": NEVER, "DaylightBias": 0}
    for name in ("DynamicDaylightTimeDisabled", "DisableAutoDaylightTimeSet"):
        zone = zone_of(tmp_path, {**off, name: 1})
        assert (zone.name, hours(zone)) == ("UTC+01:00", (1, 1))


def test_the_control_set_that_ran_last_counts(tmp_path: Path):
    other = {"Control": {"TimeZoneInformation": BERLIN}}
    tokyo = {"TimeZoneKeyName": "Tokyo Standard Time"}
    assert zone_of(tmp_path, tokyo, current=2, ControlSet001=other).name == "Asia/Tokyo"


def test_names_in_another_case(tmp_path: Path):
    zone = {"timezonekeyname": "TOKYO standard time"}
    content = hive({"SELECT": {"CURRENT": 1}, "controlset001": {"CONTROL": {"timezoneinformation": zone}}})
    put_hive(tmp_path, content, "WINDOWS/system32/Config/system")
    assert disk_zone(tmp_path, "windows").name == "Asia/Tokyo"


def test_a_hive_among_many_keys(tmp_path: Path):
    many: Keys = {f"Part{number:03}": {"Start": number} for number in range(900)}
    control: Keys = {**many, "TimeZoneInformation": BERLIN}
    put_hive(tmp_path, hive({"Select": {"Current": 1}, "ControlSet001": {"Control": control}}))
    assert disk_zone(tmp_path, "windows").name == "Europe/Berlin"


def test_a_hive_in_use_may_be_behind_its_logs(tmp_path: Path):
    root: Keys = {"Select": {"Current": 1}, "ControlSet001": {"Control": {"TimeZoneInformation": BERLIN}}}
    put_hive(tmp_path, hive(root, in_use=True))
    zone = disk_zone(tmp_path, "windows")
    assert (zone.name, "in use" in zone.note) == ("Europe/Berlin", True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no registry hive"),
        (b"regf", "no registry hive"),
        (b"MZ" + bytes(9000), "no registry hive"),
        (b"regf" + bytes(9000), "damaged"),
        (system_hive(BERLIN)[:4096], "damaged"),
        (system_hive(BERLIN)[:4200], "damaged"),
        (hive({}), "no key Select"),
        (hive({"Select": {}}), "no current control set"),
        (hive({"Select": {"Current": 0}}), "no current control set"),
        (hive({"Select": {"Current": "1"}}), "no current control set"),
        (hive({"Select": {"Current": 3}}), "no key ControlSet003"),
    ],
)
def test_a_broken_hive_is_told(tmp_path: Path, content: bytes, reason: str):
    put_hive(tmp_path, content)
    zone = disk_zone(tmp_path, "windows")
    assert (zone.tz, zone.name) == (None, None)
    assert zone.note.startswith("the registry hive was not read: ")
    assert reason in zone.note


def test_a_huge_hive_is_not_opened(tmp_path: Path):
    file = put_hive(tmp_path, system_hive(BERLIN))
    with file.open("r+b") as stream:
        stream.truncate(MOST_BYTES + 1)  # sparse: takes no room
    assert "larger than 64 MB" in disk_zone(tmp_path, "windows").note


def test_a_folder_and_a_link_out_of_the_disk_in_its_place(tmp_path: Path):
    (tmp_path / "a/Windows/System32/config/SYSTEM").mkdir(parents=True)
    assert "no file" in disk_zone(tmp_path / "a", "windows").note
    outside = put_hive(tmp_path / "elsewhere", system_hive(BERLIN))
    (tmp_path / "b/Windows/System32/config").mkdir(parents=True)
    (tmp_path / "b/Windows/System32/config/SYSTEM").symlink_to(outside)
    assert disk_zone(tmp_path / "b", "windows") == DiskZone(None, None)


def failing(error: Exception, file: Path) -> ZoneSettings:
    raise error


def test_a_closed_hive_and_a_missing_library(tmp_path: Path):
    file = put_hive(tmp_path, system_hive(BERLIN))

    def missing() -> Library:
        raise ImportError("regipy")

    zone = disk_zone(tmp_path, "windows", settings=partial(zone_settings, library=missing))
    assert zone == DiskZone(None, None, "the registry hive was not read: regipy is missing (the extra hive)")
    refused = partial(failing, HiveError("no permission"))
    assert disk_zone(tmp_path, "windows", settings=refused).note.endswith("not read: no permission")
    with pytest.raises(HiveError, match=r"(No such file|File not found|cannot find the file)"):
        zone_settings(file.with_name("none"))


def test_without_a_hive_no_library_is_asked_for(tmp_path: Path):
    assert disk_zone(tmp_path, "windows", settings=partial(failing, AssertionError())) == DiskZone(None, None)


def test_keys_without_end(tmp_path: Path):
    """A key that claims four thousand million values."""
    content = bytearray(system_hive(BERLIN))
    key = content.index(b"TimeZoneInformation") - 76
    assert content[key : key + 2] == b"nk"
    struct.pack_into("<I", content, key + 36, 0xFFFFFFFF)
    put_hive(tmp_path, bytes(content))
    disk_zone(tmp_path, "windows")


def test_data_of_a_value_that_claims_gigabytes(tmp_path: Path):
    content = bytearray(system_hive(BERLIN))
    value = content.index(b"TimeZoneKeyName") - 20
    struct.pack_into("<I", content, value + 4, 0x7FFFFFFF)
    put_hive(tmp_path, bytes(content))
    assert disk_zone(tmp_path, "windows").name == "Europe/Berlin"


HIVE = system_hive(BERLIN)


@given(
    changes=st.lists(st.tuples(st.integers(4096, 4096 + 1300), st.binary(min_size=1, max_size=4)), max_size=6),
    length=st.integers(0, len(HIVE)) | st.just(len(HIVE)),
)
def test_a_damaged_hive_raises_nothing_else(tmp_path_factory: pytest.TempPathFactory, changes, length: int):
    content = bytearray(HIVE)
    for place, data in changes:
        content[place : place + len(data)] = data
    file = tmp_path_factory.mktemp("hive") / "SYSTEM"
    file.write_bytes(content[:length])
    try:
        told = zone_settings(file)
    except HiveError:
        return
    assert isinstance(told.key_name, str)


def test_a_value_stored_as_bytes(tmp_path: Path):
    name = (BINARY, "Tokyo Standard Time\0".encode("utf-16-le"))
    assert zone_of(tmp_path, {"TimeZoneKeyName": name}).name == "Asia/Tokyo"


def test_each_name_of_the_table_is_a_zone():
    with TABLE.open(encoding="utf-8") as stream:
        zones = parsed(stream)
    assert len(zones) == 142
    assert [ZoneInfo(name).key for name in zones.values()] == list(zones.values())
    text = TABLE.read_text(encoding="utf-8")
    assert text.startswith("#")
    assert "CLDR" in text.partition("windows\tiana")[0]


@pytest.mark.parametrize(
    ("name", "iana"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        (" w. europe standard time ", "Europe/Berlin"),
        ("UTC", "Etc/UTC"),
        ("UTC-11", "Etc/GMT+11"),
        ("Central Standard Time (Mexico)", "America/Mexico_City"),
        ("Mars Standard Time", None),
        ("", None),
    ],
)
def test_windows_names(name: str, iana: str | None):
    assert iana_name(name) == iana


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "no rows"),
        (["windows\tiana"], "no rows"),
        (["# note", "name\tiana", "a\tA/B"], ":2 has the columns"),
        (["windows\tiana", "a"], ":2 has 1 columns"),
        (["windows\tiana", "a\tA/B\tc"], ":2 has 3 columns"),
        (["windows\tiana", "a\tA/B", "A\tA/C"], ":3: 'A' stands there twice"),
        (["windows\tiana", "a\t../B"], "no name of a zone"),
        (["windows\tiana", " a\tA/B"], "no name of a zone"),
        (["windows\tiana", ""], ":2 has 1 columns"),
    ],
)
def test_a_broken_table_names_its_line(lines: list[str], problem: str):
    with pytest.raises(DataError, match=problem):
        parsed(lines)


def test_a_person_may_give_a_windows_name(tmp_path: Path):
    tz = named_zone(tmp_path, "W. Europe Standard Time")
    assert SUMMER.replace(tzinfo=tz).utcoffset() == timedelta(hours=2)
    with pytest.raises(ConfigError, match="'Mars Standard Time'"):
        named_zone(tmp_path, "Mars Standard Time")


LINUX: Mapping[str, tuple[str, str]] = {
    # the database's folder, and the link's target
    "absolute": ("usr/share/zoneinfo", "/usr/share/zoneinfo/Mars/Olympus"),
    "relative": ("usr/share/zoneinfo", "../usr/share/zoneinfo/Mars/Olympus"),
    "lib": ("usr/lib/zoneinfo", "/usr/lib/zoneinfo/Mars/Olympus"),
}


@pytest.mark.skipif(not Path("/usr/share/zoneinfo").is_dir(), reason="this machine keeps no zones as files")
@pytest.mark.parametrize("kind", LINUX)
def test_a_linked_zone_is_read_from_the_disks_own_database(tmp_path: Path, kind: str):
    database, target = LINUX[kind]
    put_hive(tmp_path, Path("/usr/share/zoneinfo/Asia/Kolkata").read_bytes(), f"{database}/Mars/Olympus")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to(target)
    zone = disk_zone(tmp_path, "linux")
    assert (zone.name, zone.note, hours(zone)) == ("Mars/Olympus", "", (5.5, 5.5))


@pytest.mark.skipif(not Path("/usr/share/zoneinfo").is_dir(), reason="this machine keeps no zones as files")
def test_the_disks_own_rule_goes_before_this_machines(tmp_path: Path):
    put_hive(tmp_path, Path("/usr/share/zoneinfo/Asia/Tokyo").read_bytes(), "usr/share/zoneinfo/Europe/Berlin")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/timezone").write_text("Europe/Berlin\n")
    zone = disk_zone(tmp_path, "linux")
    assert (zone.name, hours(zone)) == ("Europe/Berlin", (9, 9))
    assert SUMMER.replace(tzinfo=named_zone(tmp_path, "Europe/Berlin")).utcoffset() == timedelta(hours=9)


def test_a_windows_name_in_etc_timezone_is_none(tmp_path: Path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/timezone").write_text("W. Europe Standard Time\n")
    assert disk_zone(tmp_path, "linux").tz is None
