"""An encrypted bundle as a file: a zip of envelope.json, which anyone can read, and payload.age, the bundle."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

from collector.bundle import words
from collector.bundle.archive import Limits, chunks, opened
from collector.bundle.encryption import Identities, Recipients, Sealed
from collector.bundle.envelope import ENVELOPE, PAYLOAD, Envelope, envelope_document
from collector.bundle.json_form import json_object
from collector.bundle.members import member_info
from collector.bundle.sealing import Seal, sealed_json
from collector.errors import BundleError, EncryptedError
from collector.model import Report

_MOST_ENVELOPE = 1_000_000  # bytes


def write_sealed(
    file: IO[bytes], plain: io.BytesIO, report: Report, bundle_id: str, recipients: Recipients, seal: Seal
) -> None:
    """Encrypts the bundle `plain`, which is only in memory, into `file`, with its envelope."""
    content = plain.getbuffer()
    told = Sealed(len(content), hashlib.sha256(content).hexdigest())
    content.release()
    plain.seek(0)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as zipped:
        with zipped.open(_stored(PAYLOAD, report.created), "w") as member:
            payload = recipients.encrypt(plain, member)
        document = envelope_document(report, bundle_id, recipients.texts, told, payload)
        text = sealed_json(ENVELOPE, document, seal)
        kept = json.loads(text)
        if any(kept[name] != document[name] for name in ("id", "recipients", "content", "payload")):
            raise BundleError(f"redaction changed the hashes in {ENVELOPE}; the bundle is not written")
        zipped.writestr(_stored(ENVELOPE, report.created), text.encode("utf-8", "replace"))


def _stored(name: str, created: datetime) -> zipfile.ZipInfo:
    info = member_info(name, created)
    info.compress_type = zipfile.ZIP_STORED
    return info


def open_envelope(file: Path | BinaryIO, limits: Limits) -> Envelope:
    """The envelope of an encrypted bundle whose payload has the hash that it says. Raises BundleError."""
    with opened(file, limits) as (zipped, infos):
        if set(infos) != {ENVELOPE, PAYLOAD}:
            raise BundleError(f"an encrypted bundle has the members {ENVELOPE} and {PAYLOAD} and no other")
        if infos[ENVELOPE].file_size > _MOST_ENVELOPE:
            raise BundleError(f"{ENVELOPE} declares more than {_MOST_ENVELOPE} bytes")
        envelope = Envelope.of(json_object(b"".join(chunks(zipped, infos[ENVELOPE])), ENVELOPE))
        hashed = hashlib.sha256()
        for block in chunks(zipped, infos[PAYLOAD]):
            hashed.update(block)
        if hashed.hexdigest() != envelope.document["payload"]["sha256"]:
            raise BundleError(f"the member {PAYLOAD} does not have the hash that the envelope says")
    return envelope


def content(file: Path | BinaryIO, envelope: Envelope, identities: Identities | None, limits: Limits) -> io.BytesIO:
    """The bundle in a checked envelope, decrypted into memory. Raises EncryptedError without `identities`."""
    if identities is None:
        keys = ", ".join(key[:16] + "..." for key in envelope.recipients)
        hint = (
            "Read it with --identity KEY-FILE, as in: vmext show --identity KEY-FILE BUNDLE. Other tools need it "
            f"decrypted: unzip -p BUNDLE {PAYLOAD} | age -d -i KEY-FILE > plain.zip"
        )
        raise EncryptedError(f"the bundle ({words.VERDICTS[envelope.verdict]}) is encrypted to {keys}", hint)
    plain = io.BytesIO()  # never longer than the payload, which is bounded: age does not pack
    with opened(file, limits) as (zipped, infos):
        payload = io.BytesIO(b"".join(chunks(zipped, infos[PAYLOAD])))
    identities.decrypt(payload, plain)
    if hashlib.sha256(plain.getbuffer()).hexdigest() != envelope.document["content"]["sha256"]:
        raise BundleError("the bundle in the envelope does not have the hash that the envelope says")
    plain.seek(0)
    return plain
