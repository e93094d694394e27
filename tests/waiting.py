"""Waiting for what other processes and threads do. Its bound is for a machine that does much else: no test is of speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

#: Seconds.
LONGEST = 90.0


def until(wanted: Callable[[], Any], what: str = "what was waited for", seconds: float = LONGEST) -> Any:
    """What `wanted` gives as soon as it is true. It is asked often: some tests act in the middle of something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := wanted():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come within {seconds:.0f} s")
