"""Real Chromium, as a user of its own, driven through Playwright."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Playwright, sync_playwright

CHROMIUM = "/usr/bin/chromium"
NOBODY = 65534
#: No traffic of its own; and no sandbox: containers do not allow the namespaces it needs, and the process runs
#: as a user without any rights and reads only pages of ours.
_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


_running: list[Playwright] = []


@contextmanager
def _playwright() -> Iterator[Playwright]:
    """There can be one in a process: who opens a second browser shares it."""
    if _running:
        yield _running[0]
        return
    with sync_playwright() as started:
        _running.append(started)
        try:
            yield started
        finally:
            _running.clear()


@contextmanager
def browser(folder: Path, *, dark: bool = False, width: int = 1280, script: bool = True) -> Iterator[BrowserContext]:
    """A browser with an empty profile in `folder`, which every user must be able to reach."""
    profile = folder / "profile"
    profile.mkdir(parents=True)
    executable = CHROMIUM
    if os.geteuid() == 0:
        os.chown(profile, NOBODY, NOBODY)
        for parent in profile.parents:
            if parent.stat().st_uid == 0 and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        wrapper = folder / "chromium"
        command = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups {CHROMIUM}"
        wrapper.write_text(f'#!/bin/sh\nexport HOME="{profile}"\ncd /\nexec {command} "$@"\n')
        wrapper.chmod(0o755)
        executable = str(wrapper)
    with _playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=executable,
            headless=True,
            args=_FLAGS,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 900},
            java_script_enabled=script,
        )
        try:
            yield context
        finally:
            context.close()
