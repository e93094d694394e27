"""A pasted text to the errors in it, the innermost first. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice

from collector.diagnose.arm import loose
from collector.diagnose.arm.inner import Score, inner_of
from collector.diagnose.arm.knowledge import Family, PlatformCode, families, family, platform_codes
from collector.diagnose.arm.names import handlers_of, likely_handlers, node_setup, split, system_of
from collector.diagnose.arm.screen import cleaned, joined
from collector.diagnose.arm.unwrap import unwrap
from collector.diagnose.arm.values import NODE_SETUP, ArmError, Inner, Kind, Quoted
from collector.model import System

#: Told first: what failed, then what says that several did, then the wrappers.
_RANKS: dict[Kind, int] = {"failure": 0, "hang": 0, "refused": 0, "several": 1, "wrapper": 2}
#: More errors of one text are not told.
_MOST_ERRORS = 500
#: So much of two messages must be the same for them to be one error told twice.
_SAME, _BEGINNING = 60, 1_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader of a text has to know from elsewhere."""

    score: Score  # how likely a line of output names the fault
    harmless: Callable[[str], bool]  # whether a line never does
    extension: str = ""  # as it was asked for
    system: System | None = None


def read(text: str, reading: Reading) -> tuple[ArmError, ...]:
    """The errors in a text, each once: the innermost first, what only wraps them last. Empty if there are none."""
    text = cleaned(text)
    found = unwrap(text)
    whole = joined(text)
    if whole != text and _worth(again := unwrap(whole)) >= _worth(found):
        found = again
    if not found:
        found = list(loose.named(text)) or list(loose.named(whole))
    understood = (_understood(quoted, reading) for quoted in found)
    errors = _once(islice((error for error in understood if error.code or error.family), _MOST_ERRORS))
    order = {id(error): number for number, error in enumerate(errors)}

    def place(error: ArmError) -> tuple[int, bool, int, int]:
        known = platform_codes().get(error.code)
        wraps = known is not None and known.kind == "wrapper"  # though it has a message of its own
        number = order[id(error)]
        return _RANKS[error.kind], wraps, -error.depth, -number if error.kind == "wrapper" else number

    return tuple(sorted(errors, key=place))


def _worth(found: Iterable[Quoted]) -> int:
    """How much was understood of a text: sentences of the platform with a code count most."""
    return sum(1 + 2 * bool(one.code) + 4 * bool(one.message and loose.is_sentence(one.message)) for one in found)


def _understood(quoted: Quoted, reading: Reading) -> ArmError:
    quoted = replace(quoted, message=quoted.message.replace("\r\n", "\n").replace("\r", "\n"))
    sentence, groups, within, inside = _family(quoted.message)
    code = quoted.code or (sentence.code if sentence else "")
    known = platform_codes().get(code)
    kind = _kind(sentence, known, quoted.message)
    agent_code = int(groups["agent_code"]) if groups.get("agent_code") else None
    inner = (
        Inner("", "") if kind == "wrapper" else inner_of(quoted.message, agent_code, reading.score, reading.harmless)
    )
    if sentence and sentence.kind == "several":
        inner = Inner(inner.message, inner.text)
    elif kind == "hang":
        inner = replace(inner, exit_code=None)  # a number in a report of progress is no end
    name = groups.get("name", "") or inside.get("name", "")
    if kind in ("failure", "hang") and not name and quoted.code.startswith("VMExtension"):
        name = quoted.place.extension
    told = groups.get("handler", "") or inside.get("handler", "")
    if groups.get("publisher") and groups.get("type"):
        publisher, type_ = groups["publisher"], groups["type"]
        told = f"{publisher}.{type_}"
    else:
        publisher, type_ = split(told) if told else ("", "")
    handler, version, by = (told, inside.get("version", ""), "") if told else ("", "", "")
    if kind in ("failure", "hang") and not told:
        handler, version, by = _guessed(name, quoted.message, reading)
    if told and (setup := node_setup(name, told)):
        handler, by = setup, NODE_SETUP
    system = reading.system or system_of(handler) or system_of(quoted.message) or "linux"
    if not inner.operation and inside.get("operation"):
        inner = replace(inner, operation=inside["operation"].lower())
    place = replace(quoted.place, vm=groups.get("vm", "") or quoted.place.vm)
    return ArmError(
        code=code if quoted.code else "",
        kind=kind,
        family=sentence.id if sentence else "",
        inside=within.id if within else "",
        extension=name or (reading.extension if kind in ("failure", "hang") else ""),
        publisher=publisher,
        type=type_,
        handler=handler,
        handler_by=by,
        system=system,
        inner=inner,
        agent_code=agent_code,
        version=version,
        depth=quoted.depth,
        place=place,
        first_time=quoted.first_time,
        last_time=quoted.last_time,
    )


def _kind(sentence: Family | None, known: PlatformCode | None, message: str) -> Kind:
    """A sentence says more than its code, but for a code that says that no end was told."""
    if sentence:
        return "hang" if sentence.kind == "failure" and known and known.kind == "hang" else sentence.kind
    if known is None:
        return "failure"
    return known.own_kind if known.own_kind and message.strip() else known.kind


def _guessed(name: str, message: str, reading: Reading) -> tuple[str, str, str]:
    if reading.extension:
        return handlers_of(reading.extension, reading.system)[0], "", "--extension"
    for handler, version, by in likely_handlers(name, message):
        if reading.system in (None, system_of(handler)):
            return handler, version, by
    return "", "", ""


def _family(message: str) -> tuple[Family | None, dict[str, str], Family | None, dict[str, str]]:
    """The sentence and what its groups say, then the same of a sentence inside it."""
    outer: tuple[Family | None, dict[str, str]] = (None, {})
    within: Family | None = None
    inside: dict[str, str] = {}
    for sentence in families():
        found = sentence.regex.search(message)
        if found is None:
            continue
        groups = {key: value for key, value in found.groupdict().items() if value}
        if sentence.inner:
            within = within or sentence
            inside |= groups
            outer = outer if outer[0] else (sentence, {})
        elif outer[0] is None or outer[0].inner:
            outer = sentence, groups
    return *outer, within, inside


def _once(errors: Iterable[ArmError]) -> list[ArmError]:
    """Tools print an error several times: with and without its code, cut, at two depths."""
    kept: list[ArmError] = []
    for error in errors:
        twin = next((number for number, other in enumerate(kept) if _same(error, other)), None)
        if twin is None:
            kept.append(error)
        else:
            kept[twin] = _merged(kept[twin], error)
    return kept


def _same(one: ArmError, other: ArmError) -> bool:
    if one.code and other.code and one.code != other.code:
        return False
    if one.kind == "wrapper" or other.kind == "wrapper":
        return one.kind == other.kind and one.code == other.code
    if one.kind != other.kind or (one.extension and other.extension and one.extension != other.extension):
        return False
    if one.place.instance_id != other.place.instance_id:
        return False
    if len({one.inner.exit_code, other.inner.exit_code} - {None}) > 1:
        return False
    first, second = map(_told, (one, other))
    return first.startswith(second) or second.startswith(first)


def _told(error: ArmError) -> str:
    """The beginning of what was told beside the sentence, which is nothing where the text is cut behind it."""
    sentence = family(error.family)
    text = error.inner.text[:_BEGINNING]
    text = sentence.regex.sub("", text) if sentence else text
    return re.sub(r"\W+", "", text)[:_SAME].lower()


def _merged(one: ArmError, other: ArmError) -> ArmError:
    """The fuller of the two, with what only the other one knows."""
    full, less = (other, one) if len(other.inner.text) > len(one.inner.text) else (one, other)
    inner = replace(
        full.inner,
        exit_code=full.inner.exit_code if full.inner.exit_code is not None else less.inner.exit_code,
        operation=full.inner.operation or less.inner.operation,
    )
    first = [moment for moment in (one.first_time, other.first_time) if moment]
    last = [moment for moment in (one.last_time, other.last_time) if moment]
    return replace(
        full,
        code=full.code or less.code,
        extension=full.extension or less.extension,
        publisher=full.publisher or less.publisher,
        type=full.type or less.type,
        handler=full.handler or less.handler,
        handler_by=full.handler_by if full.handler else less.handler_by,
        agent_code=full.agent_code or less.agent_code,
        inner=inner,
        depth=max(one.depth, other.depth),
        first_time=min(first, default=None),
        last_time=max(last, default=None),
    )
