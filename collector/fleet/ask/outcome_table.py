"""What came of asking all instances, as one table: text, JSON, CSV, Markdown. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from collector.bundle.console import cut
from collector.bundle.words import VERDICTS, plural
from collector.fleet.ask.outcome import Outcome
from collector.fleet.ask.plan import Choice
from collector.fleet.natural import natural
from collector.fleet.rendering.escapes import for_markdown, for_spreadsheets

Form = Literal["text", "json", "csv", "markdown"]
_HEADS = ("Instance", "Why asked", "Run", "Verdict", "Exit", "Bundle", "Delivered", "Problem")
_WIDEST = 60  # characters of a verdict in the text table


def ordered(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """By instance, the healthy one last."""
    return sorted(outcomes, key=lambda outcome: (outcome.role == "healthy", natural(outcome.id)))


def one_line(text: str) -> str:
    """Text of another machine in one line that can't steer a terminal."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def cells(outcome: Outcome) -> tuple[str, ...]:
    """The columns of `_HEADS`."""
    verdict = outcome.verdict
    number = "" if verdict is None or verdict.exit_code is None else str(verdict.exit_code)
    told = (verdict.line, number, verdict.bundle or "", verdict.delivered) if verdict else ("", "", "", "")
    return tuple(map(one_line, (outcome.id, outcome.role, outcome.run, *told, outcome.problem)))


def as_csv(outcomes: Iterable[Outcome]) -> str:
    """One line for each instance, with a head."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEADS)
    writer.writerows([*map(for_spreadsheets, cells(outcome))] for outcome in ordered(outcomes))
    return out.getvalue()


def as_markdown(outcomes: Iterable[Outcome]) -> str:
    """A table of GitHub's Markdown."""
    rows = [_HEADS, ("---",) * len(_HEADS), *map(cells, ordered(outcomes))]
    return "".join("| " + " | ".join(for_markdown(cell) for cell in row) + " |\n" for row in rows)


def as_document(outcomes: Iterable[Outcome], left_out: Sequence[Choice]) -> dict[str, Any]:
    """The part of a JSON answer that tells of the instances."""
    return {
        "instances": [_entry(outcome) for outcome in ordered(outcomes)],
        "left_out": [{"instance": choice.id, "reason": choice.why} for choice in left_out],
    }


def as_text(outcomes: Sequence[Outcome], left_out: Sequence[Choice], style: Callable[[str, str], str]) -> Iterator[str]:
    """Lines for a terminal. `style` colours a text by the word that stands for its state."""
    rows = [cells(outcome) for outcome in ordered(outcomes)]
    shown = [(*row[:3], cut(row[3], _WIDEST), *row[4:7]) for row in rows]
    heads = tuple(head.upper() for head in _HEADS[:7])
    widths = [max(map(len, column)) for column in zip(heads, *shown, strict=True)]
    yield "  ".join(head.ljust(width) for head, width in zip(heads, widths, strict=True)).rstrip()
    for outcome, row, cell in zip(ordered(outcomes), rows, shown, strict=True):
        padded = [(text or "-").ljust(width) for text, width in zip(cell, widths, strict=True)]
        padded[3] = style(padded[3], outcome.verdict.word if outcome.verdict else outcome.run)
        yield "  ".join(padded).rstrip()
        if row[7]:
            yield " " * (widths[0] + 2) + row[7]
    for choice in left_out:
        yield f"{choice.id.ljust(widths[0])}  not asked: {one_line(choice.why)}"
    yield ""
    yield counted(outcomes, left_out)
    yield from _to_do(outcomes)


def counted(outcomes: Sequence[Outcome], left_out: Sequence[Choice]) -> str:
    """``4 instances asked, 3 answered: 2 failed, 1 healthy; 1 gave no verdict``."""
    words = Counter(VERDICTS[outcome.verdict.word].lower() for outcome in outcomes if outcome.verdict)
    answered = sum(words.values())
    text = f"{plural(len(outcomes), 'instance')} asked, {answered} answered"
    text += ": " + ", ".join(f"{number} {word}" for word, number in words.most_common()) if words else ""
    silent = len(outcomes) - answered
    text += f"; {silent} gave no verdict" if silent else ""
    return text + (f"; {len(left_out)} can't be reached by Run Command" if left_out else "")


def together(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Instances by what is to be said of them."""
    grouped: dict[str, list[str]] = {}
    for name, text in pairs:
        grouped.setdefault(text, []).append(name)
    return grouped


def _to_do(outcomes: Sequence[Outcome]) -> Iterator[str]:
    remedies = together((outcome.id, outcome.remedy) for outcome in ordered(outcomes) if outcome.remedy)
    yield from (f"On {', '.join(names)}: {remedy}" for remedy, names in remedies.items())
    left = [outcome.left for outcome in ordered(outcomes) if outcome.left]
    if left:
        yield f"{plural(len(left), 'run command')} may be left behind; delete with:"
        yield from (f"  {command}" for command in left)


def _entry(outcome: Outcome) -> dict[str, Any]:
    verdict = outcome.verdict
    return {
        "instance": outcome.id,
        "role": outcome.role,
        "run": outcome.run,
        "verdict": verdict.word if verdict else None,
        "answer": verdict.line if verdict else None,
        "exit_code": verdict.exit_code if verdict else None,
        "cause": " ".join(verdict.parts.get("Cause", "").split()) or None if verdict else None,
        "bundle": verdict.bundle if verdict else None,
        "delivered": {"yes": True, "no": False}.get(verdict.delivered) if verdict else None,
        "problem": one_line(outcome.problem) or None,
        "remedy": outcome.remedy or None,
        "tries": outcome.tries,
        "left_behind": outcome.left or None,
    }
