"""What the texts of a failure say: signatures, the extension's own before general ones, earlier texts before later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from collector.diagnose import signatures, voices
from collector.diagnose.causes import words_of
from collector.diagnose.commands import is_scripts_end
from collector.diagnose.rules import Rule, rule_for
from collector.diagnose.voices import Voice, script_owner
from collector.model import Cause, Confidence, Evidence, Failure, Identity

#: The failure's whole text is read this far, in characters from its end.
LONGEST = 8_000
#: Kinds of signatures to try on a failure; of a warning any.
_KINDS = {"failure": "failure", "hang": "hang"}
#: Causes whose owner holds whatever the extension: node setup is the platform's, a configuration its author's.
_SET_BY_CAUSE = ("aks-", "dsc-")


def by_signature(failure: Failure, identity: Identity) -> Iterator[Voice]:
    """A voice for each signature that stands in a text of the failure, with the lines that it stands in."""
    texts = list(_texts(failure))
    script = failure.kind == "failure" and failure.exit_code is not None and is_scripts_end(failure)
    whole = "\n".join(text for text, _ in texts)
    for row in signatures.candidates(failure.extension, identity.system, _KINDS.get(failure.kind)):
        if not _anywhere(row.pattern).search(whole):
            continue
        found = [place for place, (text, _) in enumerate(texts) if row.found_in(text)]
        if not found:
            continue
        generic = row.cause in signatures.GENERIC_CAUSES
        if generic and script:
            continue  # that a script failed is no cause of its failing
        place, line = found[0], texts[found[0]][1]
        weight = voices.GENERIC if generic else _weight(row, place, line)
        weight -= 0.001 * place
        weight += voices.OWN_SCOPE if row.scope != "*" else 0.0
        told = [0, *found] if generic else found  # that it failed is told by the telling line too
        evidence = tuple(dict.fromkeys(line for number in told if (line := texts[number][1])))
        evidence = evidence or tuple(_quoted(row, texts[place][0], failure))
        rule = rule_for(failure.extension, identity.system, cause=row.cause)
        yield Voice(
            "signature",
            weight,
            _of_signature(row, rule, _sureness(row, place, failure), failure, identity, evidence),
            rule,
        )


def _texts(failure: Failure) -> Iterator[tuple[str, Evidence | None]]:
    """What may tell the cause: the telling line, the other lines, the rest of the text; with the line's place."""
    telling = next((line for line in failure.evidence if failure.message and failure.message in line.text), None)
    yield failure.message, telling or Evidence("", 0, failure.first_time, failure.message)
    for line in failure.evidence:
        yield line.text, line
    yield failure.detail[-LONGEST:], None


@cache
def _anywhere(pattern: str) -> re.Pattern[str]:
    """Finds it in texts joined by line ends wherever it stands in one of them: one look instead of one for each."""
    return re.compile(pattern, re.MULTILINE)


def _quoted(row: signatures.Signature, text: str, failure: Failure) -> Iterator[Evidence]:
    """The first line of the rest of the text in which it stands; where that lies on the disk is not known."""
    line = next((line for line in text.splitlines() if row.found_in(line)), "").strip()
    if line:
        yield Evidence("", 0, failure.last_time, line, "context")


def _weight(row: signatures.Signature, place: int, line: Evidence | None) -> float:
    less = voices.CONVENTION if row.confidence == "convention" else 0.0
    if place == 0:
        return voices.IN_MESSAGE - less
    return (voices.IN_LINE if line is not None else voices.IN_TEXT) - less


def _sureness(row: signatures.Signature, place: int, failure: Failure) -> Confidence:
    """What went wrong is not sure to be what it waits for, where it has not ended."""
    if row.confidence == "convention" or (failure.kind == "hang" and row.kind == "failure"):
        return "low"
    return "high" if place == 0 and row.confidence in voices.SURE else "medium"


def _of_signature(
    row: signatures.Signature,
    rule: Rule | None,
    sure: Confidence,
    failure: Failure,
    identity: Identity,
    evidence: tuple[Evidence, ...],
) -> Cause:
    title, owner = words_of(row.cause, failure.extension, identity.system)
    owner = owner if row.cause.startswith(_SET_BY_CAUSE) else script_owner(failure, owner, rule)
    return Cause(rule.id if rule else row.id, title, owner, sure, row.meaning, row.remedy, row.source, evidence)
