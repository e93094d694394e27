"""What the kernel says of its clock (Linux)."""

from __future__ import annotations

import ctypes
import sys

#: struct timex begins with these on every 64-bit Linux; the rest is room (Linux, include/uapi/linux/timex.h).
_STATUS_AT, _SIZE = 40, 512
_UNSYNCHRONISED, _ERROR = 0x40, 5


def is_synchronised() -> bool | None:
    """Whether a time service keeps the clock right; None where the kernel does not tell it. Changes nothing."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    room = ctypes.create_string_buffer(_SIZE)  # modes 0: only read
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(room)
    except (OSError, AttributeError):
        return None
    if state < 0:
        return None
    status = int.from_bytes(room.raw[_STATUS_AT : _STATUS_AT + 4], sys.byteorder)
    return state != _ERROR and not status & _UNSYNCHRONISED
