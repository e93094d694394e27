"""What a scale set's bundles mean for all of it: what failed, what differs, and what to do. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.endpoint.pages import telling
from collector.endpoint.pages.naming import known_rules
from collector.endpoint.reading.advising import Advised, advised
from collector.endpoint.reading.differences import Differing, differing
from collector.endpoint.reading.incidents import Incident
from collector.endpoint.reading.matrix import Whole
from collector.endpoint.reading.members import Matrix, Member
from collector.endpoint.reading.repairing import repairs_for

#: Of the incidents that were seen last so many are told.
MOST_INCIDENTS = 8
MOST_COMPARED = 3
#: What a new instance has as the model has it.
_OF_THE_MODEL = ("image", "latest model")


@dataclass(frozen=True, slots=True)
class SetAnswer:
    #: extensions that failed, and on how many instances; those that failed most come first
    failing: tuple[tuple[str, int], ...]
    #: of the first of these, failed and healthy instances compared
    differing: tuple[Differing, ...]
    advice: Advised
    #: sentences to be read before any of the commands is run
    cautions: tuple[str, ...]


def answered(found: Whole, drawn: Matrix, told: Sequence[Incident]) -> SetAnswer:
    """`drawn`: the matrix of its members; `told`: incidents of this scale set, whose rules may warn of something."""
    failures = _failures(found.members)
    failing = [name for name in drawn.extensions if failures[name]]
    advice = advised(
        found.members,
        name=found.name,
        resource_group=found.resource_group,
        subscription=found.subscription,
        listed=found.listed,
    )
    compared = differing(found.members, *failing[:MOST_COMPARED])
    return SetAnswer(
        tuple((name, failures[name]) for name in failing),
        tuple(compared),
        advice,
        (*_cautions(compared, advice), *_donts(told, failing)),
    )


def _cautions(compared: Sequence[Differing], advice: Advised) -> Iterator[str]:
    """Where new instances would be like the failed ones, scaling out does not help, whatever the numbers say."""
    if not advice.case.scaling_helps:
        return
    for one in compared:
        shared = [found for found in one.found if found.of_failed and not found.weak and found.what in _OF_THE_MODEL]
        for found in shared:
            yield (
                f"Before you scale out: new instances are made like the set's model, and {found.what} is what tells "
                f"the failed from the healthy. If the model now has what the failed ones have, new ones will fail too: "
                f"correct that first."
            )


def _donts(told: Sequence[Incident], failing: Sequence[str]) -> Iterator[str]:
    """What the failures' own rules warn of."""
    said = set()
    for one in told:
        dont = repairs_for(one, known_rules().get(one.rule or ""), None, ()).dont
        if one.extension in failing and dont and (one.extension, dont) not in said:
            said.add((one.extension, dont))
            yield f"{telling.subject(one)}: don't {dont}."


def _failures(members: Sequence[Member]) -> Counter[str]:
    """By extension: on how many of them it failed."""
    bad = ("failed", "hanging")
    return Counter([name for one in members for name, cell in one.cells.items() if cell.outcome in bad])
