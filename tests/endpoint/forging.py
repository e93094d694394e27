"""Bundles as someone makes them who has read the format and means harm: their id and their hashes are right."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from collector.bundle.documents import bundle_id

#: The members by name: those of JSON as values, the others as text.
Members = dict[str, Any]


def forged(bundle: Path, folder: Path, change: Callable[[Members], None]) -> Path:
    """A copy of `bundle` after `change`; what that adds to the members is listed in the manifest as well."""
    members: Members = {}
    with zipfile.ZipFile(bundle) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode()
            members[name] = json.loads(text) if name.endswith(".json") else text
    change(members)
    manifest = members.pop("manifest.json")
    contents = {name: _bytes(member) for name, member in members.items()}
    known = {member["name"]: member for member in manifest["members"]}
    manifest["members"] = [
        known.get(name, {"name": name}) | {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    ]
    manifest["id"] = bundle_id(manifest["incident"], manifest["members"])
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", _bytes(manifest))
        for name, content in contents.items():
            archive.writestr(name, content)
    file = folder / f"{manifest['id']}.zip"
    file.write_bytes(packed.getvalue())
    return file


def _bytes(member: Any) -> bytes:
    if isinstance(member, bytes):
        return member
    return (member if isinstance(member, str) else json.dumps(member)).encode("utf-8", "surrogatepass")
