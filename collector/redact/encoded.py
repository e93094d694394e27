"""Text that is packed as base64, compressed or not."""

from __future__ import annotations

import base64
import binascii
import zlib

_LONGEST_PACKED, _LONGEST_TEXT = 131_072, 262_144  # characters, bytes
#: Text may hold few characters that are none, else it is data.
_STRANGE_SHARE = 20


def decoded(packed: str) -> str | None:
    """The text behind base64 (zlib or gzip inside, or plain), None where there is none."""
    if len(packed) > _LONGEST_PACKED:
        return None
    body = packed.rstrip("=")
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return None
    if data[:1] == b"\x78" or data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompressobj(wbits=47).decompress(data, _LONGEST_TEXT)
        except zlib.error:
            return None
    for encoding in ("utf-8", "utf-16-le"):  # PowerShell packs its commands as UTF-16
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if sum(not (sign.isprintable() or sign.isspace()) for sign in text) * _STRANGE_SHARE <= len(text):
            return text
    return None
