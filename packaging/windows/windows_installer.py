"""The installer: a description for wixl (https://wiki.gnome.org/msitools), made of the folder that it installs.

It puts the folder to %ProgramFiles%\\vmext and on PATH. The service (restart after a failure, delayed start, the access
to %ProgramData%\\vmext, the settings) is entered by `vmext service install`, since Windows Installer has no tables for
most of it. Its table of services names it all the same, so that it knows whose files are in use.
"""

from __future__ import annotations

import os
import struct
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

#: Never to be changed: by it an installer finds the version that it replaces, and parts find what they replace.
UPGRADE_CODE = uuid.UUID("5d0f5d7c-3b7b-5c39-9a2e-8f1b5b0c6e11")
TEMPLATE = Path(__file__).with_name("vmext.wxs")
#: The summary, a property set (Microsoft, [MS-OLEPS]): its format, behind 28 bytes; the type of times, which count from
#: 1601; the number of the package code (Windows Installer Guide, "Summary Information Stream Property Set").
_SUMMARY = uuid.UUID("f29f85e0-4ff9-1068-ab91-08002b27b3d9").bytes_le
_HEADER_BYTES, _FILETIME, _PACKAGE_CODE, _SECONDS_1601_TO_1970 = 28, 64, 9, 11_644_473_600
_SPACE = "{http://schemas.microsoft.com/wix/2006/wi}"
#: Tables and rows that wixl has no elements for (Microsoft, Windows Installer Guide).
#: "Environment Table": `=-*` sets PATH for the machine and takes it back with the component, `[~]` is what is there.
#: "RemoveExistingProducts": right after the beginning, so that the old service goes before the new one comes.
#: The service's process must have ended before its files are removed: before StopServices at 1900.
#: "Upgrade Table": 513 is msidbUpgradeAttributesMigrateFeatures and ...VersionMaxInclusive: another build of the same
#: version takes its place too.
_QUERIES = (
    "CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE, "
    "`Value` CHAR(255) LOCALIZABLE, `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`)",
    "INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`) "
    "VALUES ('path', '=-*PATH', '[~];[INSTALLFOLDER]', 'c_')",
    "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('WriteEnvironmentStrings', 5200)",
    "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('RemoveEnvironmentStrings', 3300)",
    "UPDATE `InstallExecuteSequence` SET `Sequence` = 1501 WHERE `Action` = 'RemoveExistingProducts'",
    "UPDATE `InstallExecuteSequence` SET `Sequence` = 1700 WHERE `Action` = 'ServiceRemoval'",
    "DELETE FROM `Upgrade` WHERE `ActionProperty` = 'WIX_UPGRADE_DETECTED'",
    "INSERT INTO `Upgrade` (`UpgradeCode`, `VersionMax`, `Attributes`, `ActionProperty`) "
    "VALUES ('{code}', '{version}', 513, 'WIX_UPGRADE_DETECTED')",
    "UPDATE `Property` SET `Value` = 'WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED;VMEXTCONFIG;VMEXTUPLOAD;"
    "VMEXTTOKENFILE;VMEXTSTART' WHERE `Property` = 'SecureCustomProperties'",
)


def build_installer(folder: Path, installer: Path, version: str, epoch: int) -> None:
    """Raises CalledProcessError where wixl or msibuild refuses."""
    with TemporaryDirectory() as place:
        source, made = folder.with_suffix(".wxs"), Path(place) / "vmext.msi"
        product = uuid.uuid5(UPGRADE_CODE, f"{version} {epoch}")
        source.write_bytes(description(folder, version, product))
        for file in folder.rglob("*"):
            os.utime(file, (epoch, epoch))
        subprocess.run(["wixl", "--arch", "x64", "-o", str(made), str(source)], check=True)
        for query in _QUERIES:
            filled = query.replace("{code}", f"{{{_guid(UPGRADE_CODE)}}}").replace("{version}", version)
            subprocess.run(["msibuild", str(made), "-q", filled], check=True)
        settled(made, product, epoch)
        made.replace(installer)


def description(folder: Path, version: str, product: uuid.UUID) -> bytes:
    """The template with the version and every file in it."""
    ElementTree.register_namespace("", _SPACE.strip("{}"))
    tree = ElementTree.parse(TEMPLATE)
    root = tree.getroot()
    described = root.find(f"{_SPACE}Product")
    place = root.find(f".//{_SPACE}Directory[@Id='INSTALLFOLDER']")
    feature = root.find(f".//{_SPACE}Feature")
    assert described is not None and place is not None and feature is not None
    described.set("Version", version)
    described.set("Id", _guid(product))
    described.set("UpgradeCode", _guid(UPGRADE_CODE))
    for name in _add(folder, folder, place):
        if feature.find(f"{_SPACE}ComponentRef[@Id='{name}']") is None:
            ElementTree.SubElement(feature, f"{_SPACE}ComponentRef", Id=name)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _add(folder: Path, top: Path, place: ElementTree.Element) -> Iterator[str]:
    """Adds the files of a folder as one component, and the folders in it; gives the names of the components.

    A component of the template with the same name gets the files: it holds the service, whose program is its key.
    """
    inside = folder.relative_to(top).as_posix().removeprefix(".")
    files = sorted(file for file in folder.iterdir() if file.is_file())
    if files:
        name = _identifier("c", inside)
        component = place.find(f"{_SPACE}Component[@Id='{name}']")
        if component is None:
            component = ElementTree.SubElement(place, f"{_SPACE}Component", Id=name)
        component.set("Guid", _guid(uuid.uuid5(UPGRADE_CODE, inside)))
        component.set("Win64", "yes")
        key = next((file for file in files if file.name in ("python.exe", "vmext.exe")), files[0])
        for file in files:
            path = file.relative_to(top).as_posix()
            source = f"{top.name}/{path}"
            entry = ElementTree.Element(f"{_SPACE}File", Id=_identifier("f", path), Name=file.name, Source=source)
            if file == key:
                entry.set("KeyPath", "yes")
            component.insert(0, entry)
        yield name
    for inner in sorted(one for one in folder.iterdir() if one.is_dir()):
        name = _identifier("d", inner.relative_to(top).as_posix())
        child = place.find(f"{_SPACE}Directory[@Id='{name}']")
        if child is None:
            child = ElementTree.SubElement(place, f"{_SPACE}Directory", Id=name, Name=inner.name)
        yield from _add(inner, top, child)


def _identifier(kind: str, path: str) -> str:
    """Readable where it may be: an identifier has letters, digits, _ and ., and 72 signs."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign == ".") else "_" for sign in path)
    if plain == path.replace("/", "_") and len(plain) <= 60:
        return f"{kind}_{plain}"
    return f"{kind}_{uuid.uuid5(UPGRADE_CODE, path).hex}"


def _guid(value: uuid.UUID) -> str:
    return str(value).upper()


def settled(installer: Path, product: uuid.UUID, epoch: int) -> None:
    """Nothing in it depends on when it was made: wixl writes the time and a random package code into the summary."""
    data = bytearray(installer.read_bytes())
    start = data.index(_SUMMARY) + len(_SUMMARY)
    (section,) = struct.unpack_from("<I", data, start)
    section += start - len(_SUMMARY) - _HEADER_BYTES
    (count,) = struct.unpack_from("<I", data, section + 4)
    time = struct.pack("<Q", (epoch + _SECONDS_1601_TO_1970) * 10_000_000)
    code = f"{{{_guid(uuid.uuid5(product, 'package'))}}}".encode()
    for place in range(section + 8, section + 8 + 8 * count, 8):
        name, offset = struct.unpack_from("<II", data, place)
        at = section + offset
        (kind,) = struct.unpack_from("<I", data, at)
        if kind == _FILETIME:
            data[at + 4 : at + 12] = time
        elif name == _PACKAGE_CODE:
            data[at + 8 : at + 8 + len(code)] = code  # behind its kind and its length
    installer.write_bytes(data)
