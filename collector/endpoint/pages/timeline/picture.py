"""A timeline as SVG: wide, with the words beside the bars, or narrow, with the words above them. Pure.

No style and no script: attributes and classes, for which a stylesheet has the colours of light and dark. The classes
are of this picture alone: a stylesheet's width would win over an attribute's. What a colour says, a shape and a word
say too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from collector.endpoint.pages.timeline.axis import Axis, axis_of
from collector.endpoint.pages.timeline.rows import Outcome, Row, Span, Timeline
from collector.model import order

#: Shapes of 12 by 12: a tick, a cross, an hourglass, a dash, a dot.
_MARKS: dict[Outcome, str] = {
    "done": "M0 7l2-2 3 3 6-7 1.5 1.5L5 11z",
    "failed": "M1 3l2-2 3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3z",
    "hanging": "M1 0h10v2L7.500 6 11 10v2H1v-2l3.500-4L1 2z",
    "missing": "M0 5h12v2.500H0z",
    "point": "M6 2a4 4 0 1 1-.01 0z",
}
_SAID: dict[Outcome, str] = {
    "done": "done", "failed": "failed", "hanging": "hangs", "missing": "missing", "point": "told",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """Lengths in pixels of the picture's own. `beside`: the words stand to the right of the bars."""

    width: int
    left: int  # where the bars begin
    right: int  # where they end
    row: int
    head: int  # height of an extension's name
    top: int
    beside: bool


WIDE = Layout(width=960, left=222, right=652, row=28, head=30, top=56, beside=True)
NARROW = Layout(width=320, left=6, right=314, row=64, head=28, top=62, beside=False)
_LEAST_BAR, _OPEN = 5, 0.45
#: Width of a time below the axis, with some air.
_TIME = 66
#: Without a stretch to name there is less above the rows.
_NO_GAP = 32
#: Shorter steps need not be seen: most downloads take milliseconds.
_SEEN = timedelta(seconds=1)


def picture(timeline: Timeline, layout: Layout, key: str) -> Markup:
    """`key` tells the ids of this picture from those of others on the page."""
    drawing = _Drawing(timeline, layout, key)
    parts = [*drawing.rows()]
    height = drawing.y + 26
    head = Markup(
        '<svg class="steps-picture {shape}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-labelledby="{key}-title {key}-desc"><title id="{key}-title">{title}</title>'
        '<desc id="{key}-desc">{desc}</desc><defs><pattern id="{key}-hatch" width="8" height="8" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="step-hatch-back" width="8" height="8"/><rect class="step-hatch" width="3" height="8"/>'
        "</pattern></defs>"
    ).format(
        shape="is-wide" if layout.beside else "is-narrow",
        width=layout.width,
        height=height,
        key=key,
        title="What became of each step",
        desc=described(timeline),
    )
    return head + Markup("").join([*drawing.ground(), *parts, *drawing.gap_words()]) + Markup("</svg>")


def described(timeline: Timeline) -> str:
    """The picture in a sentence or two; the table beside it has all of it."""
    told = [
        f"{lane.label + ', ' if lane.label else ''}{row.label}: {row.words}"
        for lane in timeline.lanes
        for row in lane.rows
        if row.outcome in ("failed", "hanging", "missing")
    ]
    gap = f" Where the time went: {timeline.gap.words}." if timeline.gap else ""
    return ("; ".join(told) or "Every step that is told of was done") + "." + gap


class _Drawing:
    """Rows from the top to the bottom; `y` is where the next one goes."""

    def __init__(self, timeline: Timeline, layout: Layout, key: str) -> None:
        self._timeline, self._layout, self._key = timeline, layout, key
        self._top = layout.top if timeline.gap is not None else layout.top - _NO_GAP
        self.y = self._top
        spans = [span for lane in timeline.lanes for row in lane.rows for span in row.spans]
        moments = [moment for span in spans for moment in (span.start, span.end) if moment]
        lengths = [length for span in spans if (length := span.length) is not None and length >= _SEEN]
        self._axis: Axis = axis_of(moments, lengths)
        self._open = timeline.gap is not None and timeline.gap.end is None

    def _x(self, moment: datetime) -> float:
        """What has no end goes on to the right edge, beyond all that is known."""
        layout = self._layout
        room = (layout.right - layout.left) * (_OPEN if self._open else 1.0)
        return round(layout.left + room * self._axis.place(moment), 1)

    def rows(self) -> Iterator[Markup]:
        layout = self._layout
        for lane in self._timeline.lanes:
            if lane.label:
                text = Markup('<text class="step-name" x="{}" y="{}">{}</text>')
                yield text.format(0 if layout.beside else layout.left, self.y + layout.head - 8, lane.label)
                self.y += layout.head
            for row in lane.rows:
                yield from self._row(row, inside=bool(lane.label))
                self.y += layout.row

    def _row(self, row: Row, *, inside: bool) -> Iterator[Markup]:
        layout = self._layout
        mark = Markup('<path class="step-mark o-{}" d="{}" transform="translate({} {})"/>')
        label = Markup('<text class="step-step" x="{}" y="{}">{}</text>')
        words = Markup('<text class="step-words o-{}" x="{}" y="{}">{}</text>')
        middle = self.y + (layout.row // 2 if layout.beside else 50)
        if layout.beside:
            text = self.y + layout.row // 2 + 5
            yield label.format(14 if inside else 0, text, _cut(row.label, 24 if inside else 25))
            yield mark.format(row.outcome, _MARKS[row.outcome], layout.right + 14, middle - 6)
            yield words.format(row.outcome, layout.right + 34, text, _cut(row.words, 44))
        else:
            yield mark.format(row.outcome, _MARKS[row.outcome], layout.left, self.y + 6)
            yield label.format(layout.left + 18, self.y + 17, _cut(row.label, 38))
            yield words.format(row.outcome, layout.left + 18, self.y + 35, _cut(row.words, 37))
        yield Markup('<path class="step-track" d="M{} {}H{}"/>').format(layout.left, middle, layout.right)
        for span in row.spans:
            yield from self._bar(span, row.outcome, middle)

    def _bar(self, span: Span, outcome: Outcome, middle: int) -> Iterator[Markup]:
        start, end = span.start or span.end, span.end
        if start is None:
            return
        if (
            span.start is None
            or (end is not None and order(end) == order(start))
            or (end is None and outcome != "hanging")
        ):
            yield Markup('<path class="step-dot o-{}" d="M{} {}l7 7-7 7-7-7z"/>').format(
                outcome, self._x(start), middle - 7
            )
            return
        x = self._x(start)
        until = self._x(end) if end is not None else float(self._layout.right)
        bar = Markup('<rect class="step-bar o-{}" x="{}" y="{}" width="{}" height="14" rx="2"{}/>')
        fill = Markup(' fill="url(#{}-hatch)"').format(self._key) if outcome == "hanging" else ""
        yield bar.format(outcome, x, middle - 7, round(max(_LEAST_BAR, until - x), 1), fill)
        if outcome == "failed":
            cross = Markup('<path class="step-end" d="M{} {}l10 10m0-10l-10 10"/>')
            yield cross.format(round(until - 5, 1), middle - 5)
        elif end is None:
            yield Markup('<path class="step-arrow" d="M{} {}l9 9-9 9z"/>').format(round(until - 2, 1), middle - 9)

    def ground(self) -> Iterator[Markup]:
        """Behind the bars: the stretch that cost the time, the times, and lines down from them."""
        gap = self._timeline.gap
        bottom = self.y + 4
        if gap is not None:
            x, until = self._gap_place()
            band = Markup('<rect class="step-band" x="{}" y="{}" width="{}" height="{}"/>')
            yield band.format(x, self._top - 6, round(until - x, 1), bottom - self._top + 6)
            bracket = Markup('<path class="step-bracket" d="M{} {}v-6H{}v6"/>')
            yield bracket.format(x, self._top - 6, until)
        for moment, x, anchor in self._ticks():
            yield Markup('<path class="step-tick" d="M{} {}V{}"/>').format(x, self._top - 6, bottom)
            text = Markup('<text class="step-time" x="{}" y="{}" text-anchor="{}">{:%H:%M:%S}</text>')
            yield text.format(x, bottom + 16, anchor, order(moment))

    def _gap_place(self) -> tuple[float, float]:
        gap = self._timeline.gap
        assert gap is not None
        return self._x(gap.start), self._x(gap.end) if gap.end else float(self._layout.right)

    def gap_words(self) -> Iterator[Markup]:
        layout, gap = self._layout, self._timeline.gap
        if gap is None:
            return
        x, until = self._gap_place()
        room = len(gap.words) * 4.2
        middle = min(max((x + until) / 2, layout.left + room), layout.right - room)
        text = Markup('<text class="step-gap" x="{}" y="{}" text-anchor="middle">{}</text>')
        yield text.format(round(middle, 1), self._top - 20, gap.words)

    def _ticks(self) -> Iterator[tuple[datetime, float, str]]:
        """The first and the last moment, the ends of the stretch, and of the others those with room."""
        timeline, layout = self._timeline, self._layout
        gap = timeline.gap
        wanted = [timeline.start, timeline.end]
        wanted += [moment for moment in (gap.start, gap.end) if moment is not None] if gap else []
        wanted += self._axis.moments
        taken: list[float] = []
        for moment in wanted:
            x = self._x(moment)
            middle = min(max(x, layout.left + _TIME / 2), layout.right - _TIME / 2)
            if all(abs(middle - other) >= _TIME for other in taken):
                taken.append(middle)
                yield moment, x, "middle" if middle == x else "start" if middle > x else "end"


def is_true_to_scale(timeline: Timeline) -> bool:
    return _Drawing(timeline, WIDE, "")._axis.is_true


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(1, room - 1)] + "…"


def said(outcome: Outcome) -> str:
    """The shape's word, for the table."""
    return str(escape(_SAID[outcome]))
