"""A stream of text without secrets, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector.model import RedactedText
from collector.redact.redactor import Redactor

_LEAST = 65_536  # characters that are looked at together, so that what belongs together is seen together
_MOST = 1_048_576  # of what does not come to an end, more is never held


def redacted(texts: Iterable[str], redactor: Redactor) -> Iterator[RedactedText]:
    """The parts in their order; what is not told yet waits for what comes after it."""
    held = ""
    for text in texts:
        held += text
        if len(held) >= _LEAST:
            part, held = redactor.part(held, _MOST)
            yield part
    yield redactor.text(held)
