"""Which case of the article a scale set is in: failed nowhere, on some instances, on all, or mixed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from collector.fleet.az_output.ids import order
from collector.fleet.scale_set import Case, Instance, ScaleSet, State
from collector.fleet.spread import Spread, sentence

#: Neither succeeded nor failed: no verdict yet.
_PENDING: frozenset[State] = frozenset({"in-progress", "deleting", "unknown", "agent-unresponsive", "canceled"})


@dataclass(frozen=True, slots=True)
class CaseAnswer:
    """`case` with what it rests on. `impacted` and `healthy` are all instances with a failure, and those on which
    every extension succeeded, whatever their model."""

    case: Case
    sentence: str
    spreads: tuple[Spread, ...]  # of the extensions that failed anywhere, the widest first
    impacted: tuple[str, ...] = ()
    healthy: tuple[str, ...] = ()
    counted: int = 0  # instances that the case is about
    older: int = 0  # instances left out of it, since they don't have the latest model
    problems: tuple[str, ...] = ()

    @property
    def scaling_helps(self) -> bool:
        """A new instance may be well."""
        return self.case == "some"

    @property
    def failed(self) -> dict[str, list[str]]:
        """Extension to the instances on which it failed, those on an older model included."""
        return {spread.extension: sorted((*spread.failed, *spread.older), key=order) for spread in self.spreads}


def case_of(scale_set: ScaleSet) -> CaseAnswer:
    """The case counts instances that have the latest model applied; where none is known to, all."""
    if not scale_set.instances and scale_set.counts:
        return _of_counts(scale_set)
    instances = scale_set.instances
    counted = [one for one in instances if one.latest_model is not False]
    older = [one for one in instances if one.latest_model is False]
    problems = tuple(_problems(scale_set, counted))
    if not counted:
        counted, older = older, []
    spreads = _spreads(counted, older)
    case = _case(spreads, any_well=any(map(_is_healthy, counted)))
    return CaseAnswer(
        case=case,
        sentence=sentence(case, spreads, scale_set, len(counted), len(older)),
        spreads=spreads,
        impacted=tuple(one.id for one in instances if any(row.state == "failed" for row in one.extensions)),
        healthy=tuple(one.id for one in instances if _is_healthy(one)),
        counted=len(counted),
        older=len(older),
        problems=problems,
    )


def _problems(scale_set: ScaleSet, counted: list[Instance]) -> Iterable[str]:
    instances = scale_set.instances
    if instances and not counted:
        yield "No instance has the set's latest model applied: all were counted, and what failed is the older model."
    elif instances and all(one.latest_model is None for one in instances) and _anything(instances, "failed"):
        where = "does not exist for a flexible set" if scale_set.orchestration == "flexible" else "is not in the file"
        yield (
            f"Which instances have the latest model can't be known (latestModelApplied {where}): all were counted. "
            "In a rolling upgrade, a failure on some may be one on all that were upgraded."
        )
    if len(instances) == 1 and not scale_set.whole:
        yield "The file tells of one instance only: whether the others failed as well can't be known from it."


def _anything(instances: Iterable[Instance], state: State) -> bool:
    return any(row.state == state for one in instances for row in one.extensions)


def _is_healthy(instance: Instance) -> bool:
    return bool(instance.extensions) and all(row.state == "succeeded" for row in instance.extensions)


def _spreads(counted: list[Instance], older: list[Instance]) -> tuple[Spread, ...]:
    failed: dict[str, list[str]] = {}
    old: dict[str, list[str]] = {}
    succeeded: dict[str, int] = {}
    pending: dict[str, int] = {}
    for instance in counted:
        for row in instance.extensions:
            if row.state == "failed":
                failed.setdefault(row.name, []).append(instance.id)
            elif row.state in _PENDING:
                pending[row.name] = pending.get(row.name, 0) + 1
            else:
                succeeded[row.name] = succeeded.get(row.name, 0) + 1
    for instance in older:
        for row in instance.extensions:
            if row.state == "failed":
                old.setdefault(row.name, []).append(instance.id)
    if "" in failed:  # whose state it is can't be told: what speaks against "everywhere" are instances that are well
        succeeded[""] = sum(map(_is_healthy, counted))
    spreads = [
        Spread(
            name, tuple(failed.get(name, ())), succeeded.get(name, 0), pending.get(name, 0), tuple(old.get(name, ()))
        )
        for name in dict.fromkeys([*failed, *old])
    ]
    return tuple(sorted(spreads, key=lambda spread: -len(spread.failed) - len(spread.older)))


def _case(spreads: tuple[Spread, ...], *, any_well: bool) -> Case:
    """Some: whatever failed succeeded elsewhere, and an instance is well, so that a new one may be, too."""
    counted = [spread for spread in spreads if spread.failures]
    if not counted:
        return "none"
    if all(spread.everywhere for spread in counted):
        return "all"
    return "some" if any_well and not any(spread.everywhere for spread in counted) else "mixed"


def _of_counts(scale_set: ScaleSet) -> CaseAnswer:
    """From a summary: how many, and not which."""
    spreads = []
    for name in dict.fromkeys(count.extension for count in scale_set.counts):
        mine = [count for count in scale_set.counts if count.extension == name]
        failed = sum(count.count for count in mine if count.state == "failed")
        if failed:
            well = sum(count.count for count in mine if count.state == "succeeded")
            waiting = sum(count.count for count in mine if count.state in _PENDING)
            spreads.append(Spread(name, (), well, waiting, counted=failed))
    answer = tuple(sorted(spreads, key=lambda spread: -spread.failures))
    total = max((sum(c.count for c in scale_set.counts if c.extension == s.extension) for s in answer), default=0)
    return CaseAnswer(
        case=_case(answer, any_well=True),
        sentence=sentence(_case(answer, any_well=True), answer, scale_set, total, 0),
        spreads=answer,
        counted=total,
        problems=("Which instances have the latest model can't be known from counts.",),
    )
