"""Text that is packed as base64, compressed or not."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Literal

#: Of a run: it holds a secret, it is text that holds none, or it is no text that one can read.
Judgement = Literal["secret", "harmless", "unknown"]
_LEAST_TEXT = 24  # characters that can't be text by chance
_LEAST_SHORT = 12  # the same where all of it must be ASCII
_LONGEST_TEXT = 1_048_576  # bytes after unpacking; what is longer goes as a whole
#: Text may hold few characters that are none, else it is data.
_STRANGE_SHARE = 20
#: Bytes that are strange in any text of one byte for each sign, whatever stands beside them.
_CONTROLS = bytes((*range(9), *range(14, 28), 127))
_LONGEST_KNOWN = 200  # characters of a run that is decoded once
#: Base64 that is long enough to hold something (old agents write messages so, scripts are handed over so), also where
#: it is broken into lines of one width.
_ENCODED = re.compile(
    r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,}(?:(?:\r?\n|(?:\\r)?\\n)[A-Za-z0-9+/]{40,})*"
    r"(?:(?<=[A-Za-z0-9+/]{60})(?:\r?\n|(?:\\r)?\\n)[A-Za-z0-9+/]+(?==|\s|\"|'|\\|$))?={0,2}"
)
_BREAKS = re.compile(r"\\r|\\n|\s+")


def packed(text: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
    """Every run of base64 in the text that is long enough; `places` where runs begin."""
    last = 0
    for place in places:
        if place >= last and (found := _ENCODED.match(text, place)):
            last = found.end()
            yield found


def judged(run: str, is_secret: Callable[[str], bool]) -> Judgement:
    """Whether there is a secret in what is packed; "secret" also where it is too long to be looked at."""
    pieces = [_BREAKS.sub("", run), *(_BREAKS.split(run) if _BREAKS.search(run) else ())]
    harmless = False
    for piece in pieces:
        text = _decoded_again(piece) if len(piece) <= _LONGEST_KNOWN else decoded(piece)
        if text is None or (text and is_secret(text)):
            return "secret"
        harmless = harmless or (
            len(text) >= _LEAST_TEXT and (len(text) - len(text.encode("ascii", "ignore"))) * _STRANGE_SHARE <= len(text)
        )
    return "harmless" if harmless else "unknown"


@lru_cache(maxsize=1_024)
def _decoded_again(run: str) -> str | None:
    """Of what is short: names in addresses that look like base64 come in line after line."""
    return decoded(run)


def is_text(run: str) -> bool:
    """Whether base64 that looks like a key is text that was packed; a key's bytes never are."""
    text = decoded(run)
    return bool(text) and len(text or "") >= _LEAST_SHORT and (text or "").isascii()


def decoded(run: str) -> str | None:
    """The text behind base64 (zlib or gzip inside, or plain), "" where there is none, None where it is too long."""
    body = run.rstrip("=")
    body = body[: len(body) - (len(body) % 4 == 1)]
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return ""
    if data[:1] == b"\x78" or data[:2] == b"\x1f\x8b":
        unpacker = zlib.decompressobj(wbits=47)
        try:
            data = unpacker.decompress(data, _LONGEST_TEXT)
        except zlib.error:
            return ""
        if unpacker.unconsumed_tail:
            return None
    if len(data) > _LONGEST_TEXT:
        return None
    for encoding in ("utf-8", "utf-16-le"):  # PowerShell packs its commands as UTF-16
        if encoding == "utf-8" and (len(data) - len(data.translate(None, _CONTROLS))) * _STRANGE_SHARE > len(data):
            continue
        text = data.decode(encoding, "ignore")
        if len(text) * 3 < len(data) or "\0" in text:
            continue
        if text.isprintable():
            return text
        strange = [sign for sign in text if not sign.isprintable() and not sign.isspace()]
        if len(strange) * _STRANGE_SHARE <= len(text):
            return text
    return ""
