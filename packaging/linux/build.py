"""Builds what is the same for every Linux: .tar.gz and .pyz with their bills of materials, and the hashes of all."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import archive
import checkout
import contents
import sbom
import sums
import tree
import zipped


def build(arch: str, out: Path) -> list[Path]:
    """Writes the packages of one architecture into `out`; returns their files."""
    version, moment = checkout.version(), checkout.commit_time()
    packed, single = (out / f"vmext-{version}-linux-{arch}{ending}" for ending in (".tar.gz", ".pyz"))
    with tempfile.TemporaryDirectory(prefix="vmext-tree-") as scratch:
        carried = tree.build(arch, Path(scratch, "tree"))
        archive.pack(Path(scratch, "tree"), f"vmext-{version}", packed, moment)
    in_single = zipped.build(arch, single)
    return [
        packed,
        sbom.write(packed, version, [*contents.parts_of_interpreter(), *(wheel.part for wheel in carried)], moment),
        single,
        sbom.write(single, version, (wheel.part for wheel in in_single), moment),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/build-linux", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("arch", nargs="*", metavar="ARCH", help=f"{' or '.join(tree.ARCHITECTURES)}; both if not given")
    parser.add_argument("--out", type=Path, default=checkout.REPOSITORY / "dist", help="dist/ if not given")
    options = parser.parse_args()
    unknown = set(options.arch) - set(tree.ARCHITECTURES)
    if unknown:
        parser.error(f"unknown architecture: {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    for arch in options.arch or tree.ARCHITECTURES:
        for file in build(arch, options.out.resolve()):
            print(f"{file.stat().st_size / 1e6:6.2f} MB  {file}")
    sums.write(options.out)


if __name__ == "__main__":
    main()
