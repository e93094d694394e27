"""What a package says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collector import __version__

MAINTAINER = "The vmext developers <vmext@localhost>"


@dataclass(frozen=True, slots=True)
class About:
    """`arch`: as the kernel names it. `epoch`: time of everything in the package, seconds since 1970 UTC. `level`: of
    compression by xz, 0 to 9."""

    arch: str
    epoch: int
    version: str = __version__
    level: int = 9
    release: int = 1

    @property
    def package_version(self) -> str:
        """As dpkg and rpm compare it: one that is not final yet (1.0rc1, 1.0.dev2) is older than the final one."""
        for mark in (".dev", "a", "b", "rc"):
            number, found, rest = self.version.partition(mark)
            if found:
                return f"{number}~{mark.lstrip('.')}{rest}"
        return self.version

    @property
    def values(self) -> Mapping[str, Any]:
        vendor = MAINTAINER.partition(" <")[0]
        return {
            "version": self.package_version,
            "release": self.release,
            "level": self.level,
            "maintainer": MAINTAINER,
            "vendor": vendor,
            "licence": "MIT",
        }
