"""Everything that speaks for a cause of one failure, weighed: the causes, the likeliest first. Pure.

Things of different kinds that speak for the same rule strengthen each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from collector.diagnose.by_code import by_code, by_number
from collector.diagnose.by_machine import by_machine
from collector.diagnose.by_signature import by_signature
from collector.diagnose.rules import Rule
from collector.diagnose.voices import ALSO, CODE, ONE_OF_SEVERAL, Voice
from collector.model import Cause, Confidence, Failure, Identity, SystemFacts

#: So much what says the same more exactly goes before it.
_MORE_EXACT = 0.01
#: A cause that weighs less is named beside others, and never told as the answer.
ENOUGH = 1.0
#: So many causes are told, and of each so many lines.
_MOST_CAUSES, _MOST_LINES = 6, 5
_SURENESS: tuple[Confidence, ...] = ("low", "medium", "high")
#: Kinds of which a weak voice says little beside a cause that says more: that it failed, or what is common practice.
_SAYS_SO = ("form", "signature")


@dataclass(frozen=True, slots=True)
class Weighed:
    """A cause with all that speaks for it."""

    cause: Cause
    weight: float
    rule: Rule | None
    only_says_so: bool = False  # that it failed, and not why: nothing beside any cause that says why


def weigh(failure: Failure, identity: Identity, facts: SystemFacts) -> tuple[Weighed, ...]:
    """The causes that fit, the likeliest first; equally likely ones in the order in which they were found."""
    told = [*by_signature(failure, identity), *by_code(failure, identity)]
    explained = any(voice.weight >= ONE_OF_SEVERAL for voice in told)
    numbers = () if explained else by_number(failure, identity)
    voices = [*told, *numbers, *by_machine(failure, identity, facts)]
    grouped: dict[str, list[Voice]] = {}
    for voice in voices:
        grouped.setdefault(voice.cause.id, []).append(voice)
    groups = [group for group in grouped.values() if any(voice.kind != "supporting" for voice in group)]
    weighed = sorted(_refined([_joined(group) for group in groups]), key=lambda one: -one.weight)
    return tuple(_telling(weighed)[:_MOST_CAUSES])


def _telling(weighed: Sequence[Weighed]) -> list[Weighed]:
    """The first, and of the others those that tell something else; none is surer than the one before it.

    Another name for the very lines of the first is no other cause, and neither is what the first says more exactly.
    """
    telling = list(weighed[:1])
    for one in weighed[1:]:
        said = set(telling[0].cause.evidence)
        again = bool(one.cause.evidence) and said.issuperset(one.cause.evidence)
        less_exact = telling[0].rule is not None and one.cause.id in telling[0].rule.refines
        if not (one.only_says_so or again or less_exact):
            sure = min(one.cause.confidence, telling[-1].cause.confidence, key=_SURENESS.index)
            telling.append(replace(one, cause=replace(one.cause, confidence=sure)))
    return telling


def _refined(weighed: Sequence[Weighed]) -> list[Weighed]:
    """What says the same as another more exactly goes before it, however it was found; never by a guess alone."""
    weights = {one.cause.id: one.weight for one in weighed}
    refined = []
    for one in weighed:
        less_exact = [weights[name] for name in one.rule.refines if name in weights] if one.rule else []
        if less_exact and one.weight >= ENOUGH and one.cause.confidence != "low":
            one = replace(one, weight=max(one.weight, max(less_exact) + _MORE_EXACT))
        refined.append(one)
    return refined


def _joined(voices: Sequence[Voice]) -> Weighed:
    """One cause of all that speak for it, in the words of the weightiest."""
    first = max(voices, key=lambda voice: voice.weight)
    others = {voice.kind for voice in voices if voice is not first} - {first.kind}
    sure = {voice.kind for voice in voices if voice.cause.confidence != "low"} & others
    weight = first.weight + sum(ALSO[kind] for kind in others)
    confidence = first.cause.confidence
    if confidence == "medium" and sure & {"signature", "decisive", "code"} and first.kind != "form":
        confidence = "high"
    if confidence == "low" and others & {"decisive", "possible", "supporting"}:
        confidence = "medium"
    lines = dict.fromkeys(line for voice in voices for line in voice.cause.evidence)
    cause = replace(first.cause, confidence=confidence, evidence=tuple(lines)[:_MOST_LINES])
    return Weighed(cause, weight, first.rule, weight < CODE and all(voice.kind in _SAYS_SO for voice in voices))
