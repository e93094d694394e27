"""A package for RHEL and its relatives, SLES and Azure Linux, by rpmbuild."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import layout
import share
from about import About

RECIPE = share.HERE / "rpm"
#: Folders that go with the package; others are the system's. Those of shells belong to every package that fills them.
_OWN = (
    *("/usr/lib/vmext", "/usr/share/vmext", "/usr/share/doc/vmext", "/etc/vmext"),
    *("/usr/share/bash-completion", "/usr/share/fish", "/usr/share/zsh"),
)


def build(tree: Path, work: Path, out: Path, about: About) -> Path:
    """The package in the folder `out`. Raises CalledProcessError, with what rpmbuild said on standard error."""
    root = work / "rpm"
    layout.lay_out(tree, root, layout.RPM, about.epoch)
    layout.settle_times(root, about.epoch)
    scripts = {name: (RECIPE / name).read_text(encoding="utf-8").rstrip() for name in ("post", "preun", "postun")}
    template = (RECIPE / "vmext.spec").read_text(encoding="utf-8")
    spec = work / "vmext.spec"
    spec.write_text(
        template.format(**about.values, root=root, files="\n".join(_files(root)), **scripts), encoding="utf-8"
    )
    top = work / "rpmbuild"
    options = [f"--define=_topdir {top}", f"--define=_rpmdir {top}/out", "--define=_build_name_fmt %{NAME}.rpm"]
    environ = os.environ | {"SOURCE_DATE_EPOCH": str(about.epoch), "LC_ALL": "C.UTF-8"}
    command = ["rpmbuild", "-bb", "--quiet", "--target", f"{about.arch}-linux", *options, str(spec)]
    subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)
    target = out / f"vmext-{about.package_version}-{about.release}.{about.arch}.rpm"
    shutil.move(top / "out" / "vmext.rpm", target)
    return target


def _files(root: Path) -> Iterator[str]:
    """Lines of the section %files: every file, and the folders that are the package's own."""
    for path in layout.paths(root):
        name = f"/{path.relative_to(root)}"
        if name == f"/{layout.CONFIG}":
            yield f'%config(noreplace) %attr(0600,root,root) "{name}"'
        elif path.is_symlink() or not path.is_dir():
            mark = "%doc " if name.startswith(("/usr/share/doc/", "/usr/share/man/")) else ""
            yield f'{mark}"{name}"'
        elif name.startswith(tuple(f"{own}/" for own in _OWN)) or name in _OWN:
            yield f'%dir "{name}"'
