"""Memory that was freed, back to the system."""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back() -> None:
    """Frees what nobody refers to, and gives free pages back where the C library keeps them; never fails.

    Source: malloc_trim(3), which the GNU C library alone has.
    """
    gc.collect()
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return
