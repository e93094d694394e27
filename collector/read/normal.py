"""Raw blocks of a file to blocks of UTF-8 in which LF ends every line and no NUL is left.

All that looks for places in a file (windows, words) then needs to know one form only. LF and CR LF end a
line; CR alone does in a text whose beginning has no LF. A CR inside a line of a text with LFs is a progress
meter drawing over itself: line numbers then stay those of any editor.
"""

from __future__ import annotations

import codecs
import re

from collector.read.encoding import width

#: So many NULs in a row are padding, as a power cut or a cut log leaves it, and end a line; fewer are stray.
NUL_RUN = 4
_NULS = re.compile(b"(\0+)")


def ends_in_carriage(encoding: str, beginning: bytes) -> bool:
    """Whether CR alone ends the lines of a text that begins like this."""
    if width(encoding) > 1:
        beginning = beginning.decode(encoding, "replace").encode("utf-8", "replace")
    return b"\n" not in beginning and b"\r" in beginning.replace(b"\0", b"")[:-1]


class Normalizer:
    """Feed it the blocks in order. What UTF-8 can't hold is passed on as it is, for `encoding.text_of`."""

    def __init__(self, encoding: str, carriage: bool = False) -> None:
        """`carriage`: whether CR alone ends lines."""
        self.removed = 0  # NULs
        self._carriage = carriage
        self._wide = codecs.getincrementaldecoder(encoding)("replace") if width(encoding) > 1 else None
        self._nuls = 0  # at the end of what came so far
        self._last = b"\n"
        self._held = b""

    def feed(self, data: bytes, final: bool = False) -> bytes:
        if self._wide is not None:
            data = self._wide.decode(data, final).encode("utf-8")
        if self._nuls or b"\0" in data:
            data = self._without_nuls(data)
        self._last = data[-1:] or self._last
        return self._with_line_feeds(data, final) if self._carriage else data

    def _without_nuls(self, data: bytes) -> bytes:
        kept = data.rstrip(b"\0")
        self.removed += data.count(0)
        if not kept:
            self._nuls += len(data)
            return b""
        padded = b"\0" * min(self._nuls, NUL_RUN) + kept
        self._nuls = len(data) - len(kept)
        out: list[bytes] = []
        last = self._last
        for part in _NULS.split(padded):
            if not part.startswith(b"\0"):
                out.append(part)
                last = part[-1:] or last
            elif len(part) >= NUL_RUN and last != b"\n":
                out.append(b"\n")
                last = b"\n"
        return b"".join(out)

    def _with_line_feeds(self, data: bytes, final: bool) -> bytes:
        data = self._held + data
        self._held = b""
        if not final and data.endswith(b"\r"):  # an LF may follow
            data, self._held = data[:-1], b"\r"
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
