"""The bundle of an incident that the resident agent noticed is made once, whoever is killed meanwhile.

<state>/spool/incidents/KEY.json      which bundle the incident KEY has, the newest hundred of them

The note is on the disk before the bundle gets its name. So a bundle in the spool, one that was set aside and one of
which there is a receipt are known by their incident; a note whose bundle never got its name counts for nothing.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from collector.bundle.documents import SCHEMA
from collector.bundle.verdict import bundle_told, delivery_told
from collector.config import Config
from collector.deliver.spool import bundle_info
from collector.errors import FAILURE_FOUND, HANG_FOUND, HEALTHY, NOT_DELIVERED
from collector.model import BundleInfo, Delivery
from collector.platforms import durable
from collector.service.sending import delivered, spool_of

log = logging.getLogger(__name__)

_FOLDER = "incidents"
_KEY = re.compile(r"[0-9a-f]{16}")
_MOST_NOTES = 100
_CODES = {"failed": FAILURE_FOUND, "hanging": HANG_FOUND}


class Made(NamedTuple):
    """What a run of the same incident made before this one, and what came of it now."""

    verdict: str
    bundle: BundleInfo
    delivery: Delivery

    @property
    def code(self) -> int:
        """As the run itself would end."""
        return NOT_DELIVERED if self.delivery.state == "spooled" else _CODES.get(self.verdict, HEALTHY)

    @property
    def text(self) -> str:
        """The part of the verdict that the resident agent reads."""
        told = {"bundle": bundle_told(self.bundle), "delivery": delivery_told(self.delivery)}
        return json.dumps({"schema": SCHEMA, "verdict": self.verdict, **told})


def is_key(text: str) -> bool:
    """Whether it is an incident's key: 16 hexadecimal digits."""
    return _KEY.fullmatch(text) is not None


def note(spool: Path, incident: str, verdict: str, bundle: BundleInfo) -> None:
    """To be called when the bundle is whole and has no name yet. A disk that takes no note is logged: then a kill at
    the wrong moment may make a second bundle."""
    document = {"bundle": bundle.id, "bytes": bundle.bytes, "sha256": bundle.sha256, "verdict": verdict}
    document |= {"encrypted": bundle.encrypted}
    try:
        folder = durable.folder(spool / _FOLDER)
        durable.write(folder / f"{incident}.json", json.dumps(document).encode())
        notes = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in notes[:-_MOST_NOTES]:
            file.unlink(missing_ok=True)
    except OSError as error:
        log.warning("which bundle the incident %s has can't be kept: %s", incident, error.strerror)


def made(config: Config, incident: str, *, upload: bool) -> Made | None:
    """The bundle that this incident has already, delivered as far as possible; None where it has none."""
    spool = spool_of(config, config.state_dir)
    try:
        told = json.loads((spool.folder / _FOLDER / f"{incident}.json").read_bytes())
        verdict, bundle_id = str(told["verdict"]), str(told["bundle"])
        place = spool.folder / f"{bundle_id}.zip"
        noted = BundleInfo(bundle_id, place, int(told["bytes"]), str(told["sha256"]), told["encrypted"] is True)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not is_key(bundle_id):
        return None
    try:
        if bundle_info(place).sha256 == noted.sha256:
            return Made(verdict, noted, delivered(config, noted, config.state_dir, upload=upload))
    except OSError as error:
        log.debug("%s is not in the spool: %s", bundle_id, error.strerror)
    if (receipt := spool.receipt(noted)) is not None:
        return Made(verdict, noted, receipt)
    aside = spool.place(noted)
    if aside == place:
        return None
    return Made(verdict, replace(noted, path=aside), Delivery("spooled", error=f"it was refused, and lies in {aside}"))
