"""Very many bundles out of one, each from an instance of its own: real archives, made in a moment."""

from __future__ import annotations

import hashlib
import json
import zipfile
from io import BytesIO
from pathlib import Path
from random import Random

from collector.bundle.documents import bundle_id
from collector.bundle.writer import write
from collector.redact.redactor import Redactor
from tests.bench.comparing import report_of

#: Lines of the agent's log and events that make a bundle of 50 KB.
_LINES, _EVENTS = 900, 400


class Mint:
    """Bundles that differ in their manifest alone, so that nothing else is packed again."""

    def __init__(self, bundle: bytes, *, scale_set: str = "load") -> None:
        with zipfile.ZipFile(BytesIO(bundle)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        self._manifest = json.loads(members.pop("manifest.json"))
        self._scale_set = scale_set
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
        self._others = packed.getvalue()

    def make(self, number: int) -> tuple[str, bytes]:
        """Bundle `number`: its id and its bytes."""
        incident = hashlib.sha256(f"{self._scale_set} {number}".encode()).hexdigest()[:16]
        name = bundle_id(incident, self._manifest["members"])
        identity = self._manifest["identity"] | {
            "scale_set": self._scale_set,
            "instance_id": str(number),
            "instance_name": f"{self._scale_set}_{number}",
        }
        packed = BytesIO(self._others)
        with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
            # with a fixed time, so that the same number is always the same bytes
            manifest = self._manifest | {"id": name, "incident": incident, "identity": identity}
            archive.writestr(zipfile.ZipInfo("manifest.json"), json.dumps(manifest), zipfile.ZIP_DEFLATED)
        return name, packed.getvalue()


def typical(folder: Path) -> bytes:
    """A bundle of about 50 KB of an instance whose Custom Script failed, as collecting writes it."""
    redactor = Redactor(b"%032d" % 1)
    report = redactor.clean(report_of(1, Random(1), _LINES, _EVENTS))
    file = folder / write(report, seal=redactor, audit=redactor.document, folder=folder).path
    return file.read_bytes()
