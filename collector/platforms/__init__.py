"""The only place that asks which system or cloud this is."""

from __future__ import annotations

import sys

from collector.platforms.host import Host


def current() -> Host:
    """The host that this process runs on."""
    if sys.platform == "win32":
        from collector.platforms.windows import WindowsHost

        return WindowsHost()
    from collector.platforms.linux import LinuxHost

    return LinuxHost()
