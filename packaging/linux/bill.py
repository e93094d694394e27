"""The bill of materials of a package, in the form of CycloneDX: what it carries, with hashes and licences."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

import archive
import wheels
from wheels import Wheel

_PYTHON = wheels.REPOSITORY / "packaging" / "python"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "vmext")
_LICENCES = LicenseFactory()


def write(package: Path, version: str, components: Iterable[Component], moment: int) -> Path:
    """Writes the bill beside `package`, which is named in it with its hash; returns its file."""
    sha256 = archive.sha256(package)
    main = Component(
        name="vmext",
        type=ComponentType.APPLICATION,
        version=version,
        bom_ref="vmext",
        hashes=[_hash(sha256)],
        licenses=[_LICENCES.make_from_string("MIT")],
        properties=[Property(name="vmext:package", value=package.name)],
    )
    bill = Bom(
        components=components,
        serial_number=uuid.uuid5(_NAMESPACE, sha256),
        metadata=BomMetaData(component=main, timestamp=datetime.fromtimestamp(moment, timezone.utc)),
    )
    bill.register_dependency(main, bill.components)
    target = package.with_name(f"{package.name.removesuffix('.tar.gz')}.cdx.json")
    target.write_text(JsonV1Dot6(bill).output_as_string(indent=2) + "\n", "utf-8")
    return target


def of_wheels(carried: Iterable[Wheel]) -> Iterator[Component]:
    """Packages of the index, with the hashes of their wheels."""
    for wheel in carried:
        yield Component(
            name=wheel.name,
            type=ComponentType.LIBRARY,
            version=wheel.version,
            bom_ref=f"pypi:{wheel.name}",
            purl=PackageURL("pypi", None, wheel.name, wheel.version),
            hashes=[_hash(wheel.sha256)],
            licenses=[_LICENCES.make_from_string(wheel.licence)],
        )


def of_interpreter() -> Iterator[Component]:
    """Python and the libraries in its executable, as source packages, with the hashes of their archives."""
    rows: dict[str, list[list[str]]] = {}
    for row in _table("sources.tsv"):
        rows.setdefault(row[0], []).append(row)
    for name, found in rows.items():
        _, version, licence, _, sha256 = found[0]
        yield Component(
            name=name,
            type=ComponentType.LIBRARY,
            version=version,
            bom_ref=f"deb:{name}",
            purl=PackageURL("deb", "debian", name, version, {"arch": "source"}),
            hashes=[_hash(sha256)],
            licenses=[_LICENCES.make_from_string(licence)],
            properties=[Property(name=f"source:{Path(row[3]).name}", value=f"sha256:{row[4]}") for row in found],
        )
    archive_of_python = next(found[0][4] for name, found in rows.items() if name.startswith("python"))
    for name, version, licence in _table("bundled.tsv"):
        yield Component(
            name=name,
            type=ComponentType.LIBRARY,
            version=version,
            bom_ref=f"bundled:{name}",
            purl=PackageURL("generic", None, name, version),
            hashes=[_hash(archive_of_python)],  # which holds it
            licenses=[_LICENCES.make_from_string(licence)],
        )


def _table(name: str) -> list[list[str]]:
    with (_PYTHON / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t"))


def _hash(sha256: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=sha256)
