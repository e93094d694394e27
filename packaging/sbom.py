"""What is inside a package, as a CycloneDX document: the same for the same parts and time."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

#: Of the serial numbers, which are made of what the document says.
_NAMESPACE = uuid.UUID("a7c0a4f5-0f6e-5a3c-9d63-6f1e3c1f9b52")
_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+) --hash=sha256:(?P<sum>[0-9a-f]{64})$")


@dataclass(frozen=True, slots=True)
class Part:
    """`purl`: package URL, such as pkg:pypi/click@8.1 or pkg:deb/debian/openssl@3.5. `sha256` of the archive that it
    was taken from. `license`: an SPDX expression, "" where it isn't known."""

    name: str
    version: str
    purl: str
    sha256: str = ""
    license: str = ""


def pinned(requirements: Path) -> Iterator[Part]:
    """The pins of a list that pip reads, each with one hash. Raises ValueError naming the line that is none."""
    for number, line in enumerate(requirements.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if (found := _PIN.match(line.strip())) is None:
            raise ValueError(f"{requirements}:{number} is no pin with one SHA-256")
        name, version = found["name"].lower(), found["version"]
        yield Part(name, version, f"pkg:pypi/{name}@{version}", found["sum"])


def write_sbom(file: Path, version: str, platform: str, parts: Iterable[Part], epoch: int) -> None:
    """Of vmext `version` for `platform` (such as linux-x86_64). `epoch`: seconds since 1970."""
    told = sorted(parts, key=lambda part: (part.name, part.version))
    bom = Bom(components=[_component(part, ComponentType.LIBRARY) for part in told])
    bom.serial_number = uuid.uuid5(_NAMESPACE, repr((version, platform, epoch, told)))
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, timezone.utc)
    bom.metadata.component = _component(
        Part("vmext", version, f"pkg:generic/vmext@{version}?platform={platform}", license="MIT"),
        ComponentType.APPLICATION,
    )
    bom.register_dependency(bom.metadata.component, bom.components)
    file.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8", newline="\n")


def _component(part: Part, kind: ComponentType) -> Component:
    return Component(
        name=part.name,
        version=part.version,
        type=kind,
        bom_ref=part.purl,
        purl=PackageURL.from_string(part.purl),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else [],
        licenses=[LicenseFactory().make_from_string(part.license)] if part.license else [],
    )
