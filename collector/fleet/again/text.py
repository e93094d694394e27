"""Today's answers to old bundles as text: one bundle in full, several as a table. Pure.

Who prints it makes harmless what stems from bundles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector import __version__
from collector.bundle import words
from collector.bundle.console import cut, wrap
from collector.bundle.summary import told_text
from collector.diagnose.again import Again, Answer
from collector.fleet.again.second_look import SecondLook
from collector.fleet.natural import natural
from collector.model import Confidence, Finding

#: A terminal needs no limit; what a part may take is bounded anyway.
_LIMIT = 100_000
_LABELS = {
    "id": "Rule",
    "title": "Cause",
    "confidence": "Sureness",
    "owner": "Owner",
    "meaning": "Meaning",
    "remedy": "Remedy",
}
_ORDER = ("title", "confidence", "owner", "meaning", "remedy", "id")
_LABEL = 10
_LONGEST, _WIDEST, _TITLE = 300, 60, 46  # characters: of a text, of a cell, of a cause's title in one


def full(look: SecondLook) -> Iterator[str]:
    """One bundle: today's answer as `vmext show` tells it, then what has changed."""
    made = f"{look.bundle} of {words.stamp(look.report.created)}, made by vmext {look.made_by}"
    last = f"{words.answer(look.report)}; bundle {look.bundle}, {_outcome(look)}"
    rules = f"answered again by the rules of vmext {__version__}"
    yield from told_text(look.report, f"{made}; {rules}", last, _LIMIT).rstrip("\n").split("\n")
    if len(look.findings) > 1:
        yield from ("", f"All {len(look.findings)} findings")
        yield from (f"  {_title(one)}: {_cause(one.now.title, one.now.confidence)}" for one in look.findings)
    yield from ("", "What changed since then")
    if look.same:
        yield f"  {_same(look)}"
    for one in look.findings:
        yield from _changes(one)


def _same(look: SecondLook) -> str:
    if not look.findings:
        return "Nothing: no failure was found then, so that there is none to answer."
    return f"Nothing: same answer as then (rules of vmext {look.made_by})."


def table(looks: Sequence[SecondLook]) -> Iterator[str]:
    """Several bundles: one row for each finding, by instance, then how many changed."""
    looks = sorted(looks, key=lambda look: (natural(_name(look)), look.report.created))
    rows = [("INSTANCE", "BUNDLE", "FINDING", "THEN", "NOW")]
    for look in looks:
        rows += [(_name(look), look.bundle, _title(one), *_pair(one)) for one in look.findings]
        if not look.findings:
            rows.append((_name(look), look.bundle, words.VERDICTS[look.report.verdict].lower(), "-", "-"))
    cells = [[cut(cell, _WIDEST) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(rows[0]) - 1)]
    for row in cells:
        yield "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]])
    yield ""
    yield _totals(looks)


def _totals(looks: Sequence[SecondLook]) -> str:
    findings = [one for look in looks for one in look.findings]
    other = sum("title" in one.changed for one in findings)
    alike = sum(one.same for one in findings)
    counts = f"{other} with another cause, {len(findings) - other - alike} told otherwise, {alike} the same"
    told = f"{words.plural(len(looks), 'bundle')}, {words.plural(len(findings), 'finding')}: {counts}"
    return f"{told} (rules of vmext {__version__})"


def _outcome(look: SecondLook) -> str:
    return "the same answer as then" if look.same else "not the same answer as then"


def _name(look: SecondLook) -> str:
    identity = look.report.identity
    return identity.instance_name or identity.computer_name or "unknown"


def _title(one: Again) -> str:
    return f"{one.now.failure.kind}: {words.subject(one.now.failure)}"


def _pair(one: Again) -> tuple[str, str]:
    """Then and now; ``same`` where nothing changed, since a difference should be seen at once."""
    now = _cause(cut(one.now.title, _TITLE), one.now.confidence)
    if one.then is None:
        return "-", now
    then = _cause(cut(one.then.title or one.then.id, _TITLE), one.then.confidence)
    if one.same:
        return then, "same"
    other = ", ".join(_LABELS[name].lower() for name in one.changed if name != "id")
    return then, now if now != then else f"same cause; other {other}"


def _cause(title: str, confidence: Confidence) -> str:
    return f"{title or 'no title'} ({words.LIKELY[confidence]})"


def _changes(one: Again) -> Iterator[str]:
    """Each field that differs, then and now; the cause first."""
    if not one.changed:
        return
    yield f"  {_title(one)}"
    if one.then is None:
        yield f"    nothing was said of it then; now: {_cause(one.now.title, one.now.confidence)}"
        return
    for name in _ORDER:
        if name in one.changed:
            then, now = (_value(name, side) for side in (one.then, one.now))
            yield from _labelled(_LABELS[name], then, now)


def _labelled(label: str, then: str, now: str) -> Iterator[str]:
    """On one line where it fits, else then and now below each other."""
    together = f"{then} -> {now}"
    indent = 4 + _LABEL
    rows = wrap(together, indent)
    if len(rows) > 1:
        rows = [*wrap(then, indent), *wrap(f"-> {now}", indent)]
    for number, row in enumerate(rows):
        yield f"    {label if number == 0 else '':<{_LABEL}}{row}"


def _value(name: str, side: Answer | Finding) -> str:
    if name == "confidence":
        return words.LIKELY[side.confidence]
    return cut(getattr(side, name), _LONGEST) or "(nothing)"
