"""What is inside a package, as a CycloneDX document: the same for the same package, parts and time."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

#: Of the serial numbers, each of which is made of the package's hash.
_NAMESPACE = uuid.UUID("a7c0a4f5-0f6e-5a3c-9d63-6f1e3c1f9b52")


@dataclass(frozen=True, slots=True)
class Part:
    """`purl`: package URL, such as pkg:pypi/click@8.1 or pkg:deb/debian/openssl@3.5. `sha256` of the archive that it
    was taken from. `licence`: an SPDX expression or words, "" where it isn't known. `archives`: name and SHA-256 of
    each, where the part was made of several."""

    name: str
    version: str
    purl: str
    sha256: str
    licence: str = ""
    archives: tuple[tuple[str, str], ...] = ()


def write(package: Path, version: str, parts: Iterable[Part], epoch: int) -> Path:
    """Writes the document beside `package`, which is named in it with its hash; returns its file. `epoch`: seconds
    since 1970."""
    sha256 = hashlib.sha256(package.read_bytes()).hexdigest()
    main = _component(Part("vmext", version, f"pkg:generic/vmext@{version}", sha256, "MIT"), ComponentType.APPLICATION)
    main.properties.add(Property(name="vmext:package", value=package.name))
    bom = Bom(components=[_component(part, ComponentType.LIBRARY) for part in parts])
    bom.serial_number = uuid.uuid5(_NAMESPACE, sha256)
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, timezone.utc)
    bom.metadata.component = main
    bom.register_dependency(main, bom.components)
    target = package.with_name(f"{package.name.removesuffix('.tar.gz').removesuffix('.zip')}.cdx.json")
    target.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8", newline="\n")
    return target


def _component(part: Part, kind: ComponentType) -> Component:
    return Component(
        name=part.name,
        version=part.version,
        type=kind,
        bom_ref=part.purl,
        purl=PackageURL.from_string(part.purl),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)],
        licenses=[LicenseFactory().make_from_string(part.licence)] if part.licence else [],
        properties=[Property(name=f"source:{name}", value=f"sha256:{sha256}") for name, sha256 in part.archives],
    )
