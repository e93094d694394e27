"""The word that stands for a secret: the same secret, the same word, as long as the key is the same."""

from __future__ import annotations

import hashlib
import hmac
import re
from functools import lru_cache
from urllib.parse import unquote

PSEUDONYM = re.compile(r"\[[a-z]+:[0-9a-f]{4}\]")
_OPENING = re.compile(r"\\*[\"'`]|&(?:quot|apos|#34|#39|#x22|#x27);|%2[27]|\\+u002[27]")
_MOST_LAYERS = 3
_ESCAPED = re.compile(r"\\+u00([0-9a-fA-F]{2})")
_SLASH = re.compile(r"\\+/")
_WRAP = re.compile(r"\s*\n\s*")


class Pseudonyms:
    """`key` is secret and stays on the instance."""

    def __init__(self, key: bytes) -> None:
        self._digest = lru_cache(maxsize=4096)(lambda secret: _digest(key, secret))

    def replacement(self, secret: str, kind: str) -> str:
        """Quotes around a secret stay, and so do its line ends, so that line numbers still hold."""
        opening = _OPENING.match(secret)
        if opening and len(secret) > 2 * len(opening[0]) and secret.endswith(opening[0]):
            quote = opening[0]
            return quote + self.replacement(secret[len(quote) : -len(quote)], kind) + quote
        if opening and len(opening[0]) == 1 and opening[0] not in secret[1:]:
            return (
                opening[0] + self.replacement(secret[1:], kind) if secret[1:] else secret
            )  # cut off at the line's end
        return f"[{kind}:{self._digest(_plain(secret))}]" + "\n" * secret.count("\n")


def _plain(secret: str) -> str:
    """Without the encodings that it may have met on its way, so that it is known again."""
    secret = _WRAP.sub("", secret)
    if "\\" in secret:
        secret = _ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), _SLASH.sub("/", secret))
    for _ in range(_MOST_LAYERS):
        if "%" not in secret:
            break
        secret = unquote(secret, errors="surrogateescape")
    return secret


def _digest(key: bytes, secret: str) -> str:
    return hmac.new(key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:4]
