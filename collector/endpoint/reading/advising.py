"""The case that a scale set is in, and the commands that follow from it, filled with its names. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from collector.bundle.words import short
from collector.endpoint.reading.expected import Listed
from collector.endpoint.reading.members import Cell, Member, Outcome
from collector.fleet.advice import Command, advise
from collector.fleet.az_output import aks
from collector.fleet.az_output.ids import is_number
from collector.fleet.case import CaseAnswer, case_of
from collector.fleet.scale_set import ExtensionRow, Instance, Orchestration, ScaleSet, State

#: So many commands that differ in the instance only are written out; more become a loop.
_MOST_ALIKE = 3
#: An extension's name in the model, its publisher and its type.
_Handler = tuple[str, "str | None", "str | None"]
#: By the handler and the cell's `id`: of the cells of a thousand instances few differ.
_Rows = dict[tuple[str, int], ExtensionRow]
#: `vmext fleet show` speaks of the file that it was given.
_HERE = {
    "the file lists": "the list has",
    "what the file does not tell": "what is not known here",
    ": show this answer as well": ": look at its answer",
}
_STATES: dict[Outcome, State] = {
    "failed": "failed",
    "hanging": "failed",  # it does not end by itself, or was ended: a new instance is judged by what failed
    "busy": "in-progress",
    "well": "succeeded",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One block of commands to copy, and why."""

    why: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    blocks: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Advised:
    case: CaseAnswer
    steps: tuple[Step, ...]
    managed_by_aks: bool
    #: as the list says; without one, as the names of its instances look
    orchestration: Orchestration


def advised(
    members: Sequence[Member],
    *,
    name: str | None,
    resource_group: str | None,
    subscription: str | None,
    listed: Listed | None,
) -> Advised:
    """For a scale set whose members are known from bundles, and from the list where there is one."""
    scale_set = _scale_set(members, name, resource_group, subscription, listed)
    answer = case_of(scale_set)
    return Advised(answer, _steps(scale_set, answer), scale_set.managed_by_aks, scale_set.orchestration)


def _steps(scale_set: ScaleSet, answer: CaseAnswer) -> tuple[Step, ...]:
    commands = advise(scale_set, answer).commands
    # what the logs say is here already: there is nothing to look up and nothing to collect
    wanted = [one for one in commands if not one.text.startswith("vmext ")]
    return tuple(
        Step(_here(step), tuple(_blocks(list(some))))
        for step, some in groupby(wanted, key=lambda command: command.step)
    )


def _blocks(commands: Iterable[Command]) -> Iterator[Told]:
    for (why, _), some in groupby(commands, key=lambda one: (one.why, one.template or one.text)):
        alike = list(some)
        if len(alike) > _MOST_ALIKE and alike[0].template:
            places = " ".join(one.each for one in alike)
            yield Told(_here(why), f"for i in {places}; do {alike[0].template}; done")
        else:
            yield Told(_here(why), "\n".join(one.text for one in alike))


def _here(why: str) -> str:
    for theirs, ours in _HERE.items():
        why = why.replace(theirs, ours)
    return why


def _scale_set(
    members: Sequence[Member], name: str | None, group: str | None, subscription: str | None, listed: Listed | None
) -> ScaleSet:
    models = _models(listed)
    handlers = {name: _named(name, models) for name in {name for one in members for name in one.cells}}
    alike: _Rows = {}
    instances = tuple(_instance(one, handlers, alike) for one in members if not one.is_silent or one.listed)
    numbered = all(is_number(one.id) for one in instances)
    found = ScaleSet(
        name=name,
        resource_group=group,
        subscription=subscription,
        orchestration=listed.orchestration if listed else "uniform" if numbered else "flexible",
        upgrade_policy=listed.upgrade_policy if listed else None,
        instances=instances,
        whole=listed is not None,
    )
    return aks.marked(found, {})


def _models(listed: Listed | None) -> Mapping[str, str]:
    """The name in the model by the handler's name in small letters: commands take that one."""
    if listed is None:
        return {}
    rows = (row for one in listed.instances for row in one.extensions)
    return {f"{row.publisher}.{row.type}".lower(): row.name for row in rows if row.publisher and row.type}


def _named(handler: str, models: Mapping[str, str]) -> _Handler:
    publisher, _, kind = handler.rpartition(".")
    return models.get(handler.lower(), short(handler)), publisher or None, kind or None


def _instance(member: Member, handlers: Mapping[str, _Handler], alike: _Rows) -> Instance:
    listed = member.listed
    rows: list[ExtensionRow] = []
    for name, cell in member.cells.items():
        if cell.outcome != "absent":
            row = alike.get((name, id(cell)))
            if row is None:
                row = alike[name, id(cell)] = _row(handlers[name], cell)
            rows.append(row)
    return Instance(
        id=(listed.id if listed else None) or member.instance_id or _number(member.label),
        name=member.label,
        extensions=tuple(rows) or (listed.extensions if listed and member.is_silent else ()),
        latest_model=listed.latest_model if listed else None,
        zone=member.traits.get("zone"),
    )


def _row(handler: _Handler, cell: Cell) -> ExtensionRow:
    name, publisher, kind = handler
    state = _STATES.get(cell.outcome, "unknown")
    return ExtensionRow(name, state, publisher, kind, cell.version, exit_code=cell.exit_code)


def _number(label: str) -> str:
    """What an instance of a uniform set that tells its name only is called in commands: web_3 is 3."""
    tail = label.rpartition("_")[2]
    return tail if is_number(tail) else label
