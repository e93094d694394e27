"""Many bundles out of one: real archives, with another instance, time and failure each."""

from __future__ import annotations

import hashlib
import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from collector.bundle.documents import bundle_id


def varied(bundle: Path, folder: Path, **identity: Any) -> Path:
    """A bundle like `bundle` from another instance, whose `identity` differs in what is given.

    `created` and `exit_code` may be given as well; `findings`, each of which says what differs from the first; and
    `states`, a mapping of the other extensions to their states and versions.
    """
    created, code = identity.pop("created", None), identity.pop("exit_code", None)
    told, states = identity.pop("findings", None), identity.pop("states", None)
    with zipfile.ZipFile(bundle) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    manifest["identity"] |= identity
    manifest["created"] = created or manifest["created"]
    manifest["incident"] = hashlib.sha256(json.dumps([identity, created, code, told]).encode()).hexdigest()[:16]
    if told is not None:
        document = json.loads(members["findings.json"])
        document["findings"] = [document["findings"][0] | one for one in told]
        members["findings.json"] = json.dumps(document).encode()
        manifest["verdict"] = _verdict(told)
    if states is not None:
        document = json.loads(members["failures.json"])
        document["states"] = [
            {"extension": name, "name": None, "version": version, "state": state}
            for name, (state, version) in states.items()
        ]
        members["failures.json"] = json.dumps(document).encode()
    if code is not None:
        findings = json.loads(members["findings.json"])
        for finding in findings["findings"]:
            finding["exit_code"] = code
        members["findings.json"] = json.dumps(findings).encode()
    for member in manifest["members"]:
        content = members[member["name"]]
        member |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["id"] = bundle_id(manifest["incident"], manifest["members"])
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, content in members.items():
            archive.writestr(name, content)
    file = folder / f"{manifest['id']}.zip"
    file.write_bytes(packed.getvalue())
    return file


def _verdict(findings: list[dict[str, Any]]) -> str:
    if not findings:
        return "healthy"
    return "hanging" if findings[0].get("kind") == "hang" else "failed"
