"""Answers to queries: the article's parallel lists, and pairs of extension and state under names of any kind.

`az` leaves nulls out of such lists. Of lists of unequal length no pair is certain: an extension may have the state
at its own place or at an earlier one, or none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from collector.bundle.words import plural
from collector.fleet.az_output import ids, machine, states
from collector.fleet.az_output.ids import ResourceId
from collector.fleet.az_output.told import Told
from collector.fleet.az_output.tree import Node, nodes, text
from collector.fleet.scale_set import ExtensionRow, Instance

#: Under which names queries put the instance's number; "0" is the first place of a query that names nothing.
_NUMBER_KEYS = ("instanceid", "instance", "vm", "id", "name", "0")


def read(entry: Node) -> Told | None:
    """None if the object is no answer to a query about extensions of an instance."""
    lists = {key: value for key, value in entry.items() if isinstance(value, list)}
    places = _list(lists, _is_place)
    owner = next((found for value in entry.values() if (found := ids.parse(value)) and found.scale_set), None)
    for value in lists.values():
        if pairs := _pairs(value):
            return _told(entry, _place(nodes(value)[0]), owner, pairs)
    words = _words(lists)
    known = [found for item in places if (found := ids.parse(item))]
    names = [found.extension or "" for found in known] or [str(item) for item in _names(lists)]
    if not names and not words and not _names_an_instance(entry):
        return None
    rows, problem = _matched(names, words)
    told = _told(entry, known[0] if known else None, owner, rows)
    return replace(told, problems=(f"Instance {told.instance.id}: {problem}.",)) if told and problem else told


def _told(
    entry: Node,
    place: ResourceId | None,
    owner: ResourceId | None,
    rows: tuple[ExtensionRow, ...],
) -> Told | None:
    number = _number(entry, place)
    if not number:
        return None
    flexible = place.flexible if place else not ids.is_number(number)
    scale_set = (place.scale_set if place else None) or (owner.scale_set if owner else None)
    latest = next((value for key, value in entry.items() if "latest" in key.lower() and isinstance(value, bool)), None)
    instance = Instance(
        id=number,
        name=text(entry.get("name")),
        computer_name=text(entry.get("computerName")),
        extensions=rows,
        latest_model=machine.latest_model({**entry, "latestModelApplied": latest}),
        system=machine.of_extensions(rows),
    )
    alone = any(value is None for key, value in entry.items() if "scaleset" in key.lower())
    return Told(instance, place or owner, scale_set, flexible, bool(scale_set) if scale_set or alone else None)


def _matched(names: list[str], words: list[str]) -> tuple[tuple[ExtensionRow, ...], str]:
    """Rows, and a sentence where the lists can't be matched."""
    found = [states.of_word(word) for word in words]
    if len(names) == len(found):
        return tuple(ExtensionRow(name, state) for name, state in zip(names, found, strict=True)), ""
    rows = [ExtensionRow(name, "unknown") for name in names]
    missing = len(names) - len(found)
    counts = f"{plural(len(names), 'extension')} and {plural(len(found), 'state')}"
    sentence = f"{counts} are listed and can't be matched, since az leaves nulls out of lists"
    failed = found.count("failed")
    if not failed:
        return tuple(rows), f"{sentence}; none of the states is Failed"
    places = [at for at, state in enumerate(found) if state == "failed"]
    suspects = [name for at, name in enumerate(names) if any(place <= at <= place + missing for place in places)]
    whose = f"of {' or '.join(suspects)}" if suspects else "of an extension that is not named"
    which = "one state is Failed" if failed == 1 else f"{failed} states are Failed"
    rows.append(ExtensionRow("", "failed", message=f"{which}, {whose}"))
    return tuple(rows), f"{sentence}; {which}, {whose}"


def _pairs(value: list[Any]) -> tuple[ExtensionRow, ...] | None:
    """Of a list of objects that each name an extension and its state; None if it is no such list."""
    if not value or not all(isinstance(item, dict) for item in value):
        return None
    rows = []
    for item in nodes(value):
        place = _place(item)
        name = text(item.get("name")) or (place.extension if place else None)
        row = machine.extension({**item, "id": None, "name": name})
        if row is None:
            return None
        if row.state == "unknown":
            words = (part for key, part in item.items() if key not in ("id", "name") and states.is_word(part))
            row = replace(row, state=states.of_word(next(words, None)))
        rows.append(row)
    return tuple(rows)


def _list(lists: dict[str, list[Any]], wanted: Callable[[object], bool]) -> list[Any]:
    """The list that holds nothing else than what is wanted, or null (other tools than `az` keep these)."""
    for value in lists.values():
        kept = [item for item in value if item is not None]
        if kept and all(wanted(item) for item in kept):
            return value
    return []


def _words(lists: dict[str, list[Any]]) -> list[Any]:
    """The list of states; one word in it that nobody knows yet must not cost the others."""
    return _list(lists, states.is_word) or next((one for one in lists.values() if any(map(states.is_word, one))), [])


def _place(entry: Node) -> ResourceId | None:
    """The extension's id, whatever the query called it."""
    return next((found for part in entry.values() if (found := ids.parse(part)) and found.extension), None)


def _is_place(item: object) -> bool:
    place = ids.parse(item)
    return bool(place and place.extension)


def _names(lists: dict[str, list[Any]]) -> list[str]:
    """Extensions' names where the query asked for these instead of ids."""
    for key, value in lists.items():
        texts = all(isinstance(item, str) and not states.is_word(item) for item in value)
        if value and texts and "ext" in key.lower():
            return value
    return []


def _names_an_instance(entry: Node) -> bool:
    """An instance of which the query found no extension: null or empty lists beside its number."""
    holes = [value for value in entry.values() if value is None or value == []]
    return bool(holes) and _number(entry, None) is not None


def _number(entry: Node, place: ResourceId | None) -> str | None:
    if place and place.machine:
        return place.machine
    by_name = {key.lower(): value for key, value in entry.items()}
    told = next((found for key in _NUMBER_KEYS if (found := text(by_name.get(key)))), None)
    inner = ids.parse(told)
    return inner.machine if inner else told


def flat(entry: Node) -> Told | None:
    """An extension that stands alone in its list, with an id that names its instance."""
    place = _place(entry)
    rows = _pairs([dict(entry)])
    return _told({}, place, None, rows) if place and place.machine and rows else None


def single(entry: Node) -> bool:
    """Whether the object is one extension (and not an instance with many)."""
    return any(_is_place(value) for value in entry.values()) and not any(isinstance(v, list) for v in entry.values())
