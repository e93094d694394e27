"""A package for Debian and Ubuntu, by dpkg-deb."""

from __future__ import annotations

import email.utils
import gzip
import os
import shutil
import subprocess
from pathlib import Path

import layout
import share
from about import About

RECIPE = share.HERE / "deb"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_CHANGELOG = """\
vmext ({version}-{release}) unstable; urgency=medium

  * See changelog.gz beside this file.

 -- {maintainer}  {date}
"""


def build(tree: Path, work: Path, out: Path, about: About) -> Path:
    """The package in the folder `out`. Raises CalledProcessError, with what dpkg-deb said on standard error."""
    architecture = ARCHITECTURES[about.arch]
    root = work / "deb"
    layout.lay_out(tree, root, layout.DEB, about.epoch)
    _document(root, about)
    control = root / "DEBIAN"
    control.mkdir()
    control.chmod(0o755)
    size = sum(path.lstat().st_size for path in layout.paths(root) if path.is_file()) // 1024
    template = (RECIPE / "control").read_text(encoding="utf-8")
    values = {**about.values, "architecture": architecture, "size": size}
    (control / "control").write_text(template.format(**values), encoding="utf-8")
    for script in ("postinst", "prerm", "postrm"):
        shutil.copyfile(RECIPE / script, control / script)
        (control / script).chmod(0o755)
    layout.settle_times(root, about.epoch)
    target = out / f"vmext_{about.package_version}-{about.release}_{architecture}.deb"
    environ = os.environ | {"SOURCE_DATE_EPOCH": str(about.epoch), "DPKG_DEB_THREADS_MAX": "1"}
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", f"-z{about.level}", "--build", str(root), str(target)]
    subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)
    return target


def _document(root: Path, about: About) -> None:
    """What Debian wants to find beside the program."""
    doc = root / layout.DEB.doc
    date = email.utils.formatdate(about.epoch, usegmt=False, localtime=False).replace("-0000", "+0000")
    changelog = _CHANGELOG.format(**about.values, date=date)
    (doc / "changelog.Debian.gz").write_bytes(gzip.compress(changelog.encode(), 9, mtime=0))
    (doc / "copyright").write_text((RECIPE / "copyright").read_text(encoding="utf-8"), encoding="utf-8")
    overrides = root / "usr/share/lintian/overrides/vmext"
    overrides.parent.mkdir(parents=True)
    shutil.copyfile(RECIPE / "lintian-overrides", overrides)
    for folder in (overrides.parent, overrides.parent.parent):
        folder.chmod(0o755)
    for file in (overrides, *doc.iterdir()):
        file.chmod(0o644)
