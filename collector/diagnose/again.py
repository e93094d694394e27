"""What today's rules say of failures that earlier rules have answered before. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from collector.model import Confidence, Failure, Finding, Owner


@dataclass(frozen=True, slots=True)
class Answer:
    """What rules said of a failure."""

    id: str
    title: str
    confidence: Confidence
    owner: Owner
    meaning: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What tells a failure from the others of its bundle: nothing that a rule could have changed."""

    kind: str
    extension: str
    name: str | None
    operation: str | None
    sequence: int | None
    exit_code: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Again:
    """A failure with what is said of it now, and what was said then (None: nothing)."""

    now: Finding
    then: Answer | None

    @property
    def changed(self) -> tuple[str, ...]:
        """The fields of the answer that differ; empty where nothing does."""
        if self.then is None:
            return _FIELDS
        now = answer(self.now)
        return tuple(name for name in _FIELDS if getattr(self.then, name) != getattr(now, name))

    @property
    def same(self) -> bool:
        """Whether a person is told the same, be it by a rule of another name."""
        return not set(self.changed) - {"id"}


_FIELDS = tuple(field.name for field in fields(Answer))


def answer(finding: Finding) -> Answer:
    return Answer(finding.id, finding.title, finding.confidence, finding.owner, finding.meaning, finding.remedy)


def subject(failure: Failure) -> Subject:
    return Subject(
        failure.kind,
        failure.extension,
        failure.name,
        failure.operation,
        failure.sequence,
        failure.exit_code,
        failure.message,
    )


def again(then: Iterable[tuple[Subject, Answer]], now: Sequence[Finding]) -> tuple[Again, ...]:
    """Today's findings in their order, each with the answer of then. Of two alike failures the first had the first."""
    answers: defaultdict[Subject, list[Answer]] = defaultdict(list)
    for told, said in then:
        answers[told].append(said)
    made = []
    for finding in now:
        left = answers[subject(finding.failure)]
        made.append(Again(finding, left.pop(0) if left else None))
    return tuple(made)
