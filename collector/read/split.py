"""Text in blocks to lines. LF and CR LF end a line; CR alone does in a text that has no LF.

A CR inside a line of a text with LFs is a progress meter drawing over itself: line numbers then stay
those of any editor.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.model import Line


class Splitter:
    """Lines of at most `line_limit` characters; the rest of a longer one is dropped as it comes."""

    def __init__(self, line_limit: int = 65_536) -> None:
        self.lines = 0
        self.cut = 0  # lines that were cut
        self._limit = line_limit
        self._parts: list[str] = []
        self._length = 0  # characters of the unfinished line, dropped ones too
        self._carriage: bool | None = None  # whether CR alone ends lines; None: not known yet
        self._held = ""

    def feed(self, text: str) -> Iterator[Line]:
        """The lines that the text completes."""
        if not text:
            return
        if self._carriage is None:
            text, self._held = self._held + text, ""
            self._decide(text)
        if self._carriage is not False:
            text = self._without_carriage(text)
        pieces = text.split("\n")
        for piece in pieces[:-1]:
            if self._length:
                self._add(piece)
                yield self._finish()
            else:
                yield self._line(piece)
        self._add(pieces[-1])

    def close(self) -> Iterator[Line]:
        """The last line, if it has no line end."""
        if self._length:
            yield self._finish()

    def _decide(self, text: str) -> None:
        """The first line end of a text tells which kind it has; until one is seen nothing is known."""
        if "\n" in text:
            self._carriage = False
        elif "\r" in text[:-1]:
            self._carriage = True

    def _without_carriage(self, text: str) -> str:
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""  # an LF may follow
        if self._held:
            text = text[:-1]
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _add(self, piece: str) -> None:
        room = self._limit + 2 - self._length
        if room > 0 and piece:
            self._parts.append(piece[:room])
        self._length += len(piece)

    def _finish(self) -> Line:
        text = "".join(self._parts)
        longer = self._length > len(text)
        self._parts.clear()
        self._length = 0
        return self._line(text, longer)

    def _line(self, text: str, longer: bool = False) -> Line:
        self.lines += 1
        text = text.rstrip("\r")
        if longer or len(text) > self._limit:
            self.cut += 1
            return Line(self.lines, text[: self._limit], cut=True)
        return Line(self.lines, text)
