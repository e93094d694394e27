"""What Windows' registry says of handlers: the running machine is asked, of a mounted disk the hive is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from collector.data.registry import HandlerKey, handler_key
from collector.discover.hive import NO_LIBRARY, HiveError, Library, NoKeyError, load_library, opened, subkeys, text
from collector.discover.hive import values as values_of
from collector.discover.scan import is_named
from collector.discover.tree import Tree
from collector.model import LedgerEntry, SourceKind
from collector.platforms import current
from collector.platforms.host import Host

#: Handlers told of one machine; each version that ever was there may have left its key.
MOST_HANDLERS = 500
_LONGEST_WORD = 40  # characters
_KIND: SourceKind = "handler-state"
#: The keys of handlers, with their values, by name.
Keys: TypeAlias = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Told:
    """`states`: by extension in lower case and version. `entries`: a row for each handler, or why there is none."""

    states: Mapping[tuple[str, str], str]
    entries: tuple[LedgerEntry, ...]


def handler_states(
    root: Path,
    extensions: Sequence[str] = (),
    host: Host | None = None,
    library: Callable[[], Library] = load_library,
) -> Told:
    """By the registry of the machine whose disk `root` is, a Windows one. `extensions`: globs, as for `scan`.

    Never raises for what is wrong with the registry: an entry says why it was not read.
    """
    place = handler_key()
    host = host or current()
    if host.system == "windows" and root.resolve() == host.root().resolve():
        return _told(place, extensions, *_live(place, host))
    return _told(place, extensions, *_of_hive(place, Tree(root, fold=True), library))


def _live(place: HandlerKey, host: Host) -> tuple[Keys, LedgerEntry | None]:
    try:
        return host.registry(place.key, MOST_HANDLERS + 1), None
    except FileNotFoundError:
        return {}, LedgerEntry(place.shown, _KIND, "missing", note="the registry has no such key")
    except PermissionError:
        return {}, LedgerEntry(place.shown, _KIND, "denied", note="no permission to read the registry's key")
    except OSError as error:
        note = f"the registry was not read: {error.strerror or error}"
        return {}, LedgerEntry(place.shown, _KIND, "undecodable", note=note)


def _of_hive(place: HandlerKey, tree: Tree, library: Callable[[], Library]) -> tuple[Keys, LedgerEntry]:
    """The keys, and what became of the hive."""
    file = tree.resolve(place.hive)
    if file is None:
        return {}, LedgerEntry(place.hive, _KIND, "denied", note="a link that leads out of the disk, or in a circle")
    try:
        with opened(file, library) as hive:
            key = hive.key(*place.inside.split("\\"))
            keys = {name: values_of(one) for name, one in subkeys(key, MOST_HANDLERS + 1)}
            note = f"the registry hive: {_counted(min(len(keys), MOST_HANDLERS))}"
            note += "; it was in use: changes just before may be missing" if hive.in_use else ""
            return keys, LedgerEntry(place.hive, _KIND, "read", hive.size, note=note)
    except NoKeyError as error:
        return {}, LedgerEntry(place.hive, _KIND, "read", note=f"the registry hive tells of no handlers: {error}")
    except HiveError as error:
        return {}, _not_read(place, error)


def _not_read(place: HandlerKey, error: HiveError) -> LedgerEntry:
    cause = error.__cause__
    if isinstance(cause, (FileNotFoundError, NotADirectoryError)):
        return LedgerEntry(place.hive, _KIND, "missing", note="nothing lies there")
    note = f"the registry hive was not read: {error}"
    if isinstance(cause, OSError):
        return LedgerEntry(place.hive, _KIND, "denied", note=note)
    return LedgerEntry(place.hive, _KIND, "skipped" if str(error) == NO_LIBRARY else "undecodable", note=note)


def _told(place: HandlerKey, extensions: Sequence[str], keys: Keys, about: LedgerEntry | None) -> Told:
    states: dict[tuple[str, str], str] = {}
    entries = [about] if about is not None else []
    for name, values in sorted(keys.items())[:MOST_HANDLERS]:
        extension, _, version = name.rpartition("_")
        folded = {key.lower(): value for key, value in values.items()}
        state = _word(folded.get(place.state.lower()))
        if extension and state:
            states[extension.lower(), version] = state
        if is_named(extension or name, extensions):
            note = ", ".join(_words(state, _word(folded.get(place.sequence.lower()))))
            entries.append(LedgerEntry(f"{place.shown}/{name}", _KIND, "read", note=note))
    if len(keys) > MOST_HANDLERS:
        note = f"more than {MOST_HANDLERS} handlers; the others were not looked at"
        entries.append(LedgerEntry(f"{place.shown}/*", _KIND, "truncated", note=note))
    if about is None and not keys:
        entries.append(LedgerEntry(place.shown, _KIND, "empty", note="the registry tells of no handlers"))
    return Told(states, tuple(entries))


def _words(state: str, sequence: str) -> Iterator[str]:
    yield state or "no state told"
    if sequence:
        yield f"sequence number {sequence}"


def _word(value: Any) -> str:
    """A value as text; it may have any type."""
    return (str(value) if isinstance(value, int) else text(value))[:_LONGEST_WORD]


def _counted(number: int) -> str:
    return "1 handler" if number == 1 else f"{number} handlers"
