"""The .pyz: vmext and what it depends on in one file, for a machine with Python 3.10 or newer."""

from __future__ import annotations

import hashlib
import tempfile
import time
import zipfile
from pathlib import Path

import checkout
import wheels
from wheels import Wheel

#: Read by any Python, so that an old one says what is wrong.
_MAIN = """\
import sys
if sys.version_info < (3, 10):
    sys.stderr.write("vmext: needs Python 3.10 or newer, this is %d.%d\\n" % sys.version_info[:2])
    sys.exit(2)
import vmext_unpacking
vmext_unpacking.main()
"""
_SHEBANG = b"#!/usr/bin/env python3\n"


def build(arch: str, target: Path) -> list[Wheel]:
    """Writes the file `target`; returns the wheels that are in it."""
    carried = wheels.fetch(f"linux-{arch}") + wheels.fetch("pyz")
    with tempfile.TemporaryDirectory() as scratch:
        code, licences = Path(scratch, "code"), Path(scratch, "LICENSES")
        wheels.unpack(carried, code, licences)
        checkout.copy_vmext(code)
        (licences / "vmext.txt").write_bytes((checkout.REPOSITORY / "LICENSE").read_bytes())
        files = {
            path.relative_to(scratch).as_posix(): path.read_bytes()
            for path in Path(scratch).rglob("*")
            if path.is_file()
        }
    rows = (f"{hashlib.sha256(files[name]).hexdigest()}  {len(files[name])}  {name}\n" for name in sorted(files))
    files["MANIFEST"] = "".join(rows).encode()
    files["__main__.py"] = _MAIN.encode()
    files["vmext_unpacking.py"] = Path(__file__).with_name("unpacking.py").read_bytes()
    _write(target, files, checkout.commit_time())
    return carried


def _write(target: Path, files: dict[str, bytes], moment: int) -> None:
    with target.open("wb") as out:
        out.write(_SHEBANG)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(files):
                member = zipfile.ZipInfo(name, time.gmtime(moment)[:6])
                member.compress_type = zipfile.ZIP_DEFLATED
                member.create_system = 3
                member.external_attr = 0o100644 << 16
                archive.writestr(member, files[name])
    target.chmod(0o755)
