"""The table `data/arm.toml`: the platform's codes and sentences, and what tells an extension's type."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, TypeVar, get_args

from collector.data import pattern_of, table
from collector.diagnose import codes
from collector.diagnose.arm.values import Kind
from collector.errors import DataError
from collector.model import Owner

T = TypeVar("T")
_FILE = "arm.toml"


@dataclass(frozen=True, slots=True)
class PlatformCode:
    """A code of the platform and what it means by itself."""

    name: str
    kind: Kind
    title: str
    owner: Owner
    meaning: str
    remedy: str
    source: str
    own_kind: Kind | None = None  # of a wrapper: what it is where it has a message of its own


@dataclass(frozen=True, slots=True)
class Family:
    """A sentence of the platform. Words of its own go before those of its code."""

    id: str
    kind: Kind
    pattern: str
    example: str
    other: str
    code: str = ""  # the code that goes with the sentence where the text has none beside it
    inner: bool = False  # stands inside another one's message
    title: str = ""
    owner: Owner = "unknown"
    meaning: str = ""
    remedy: str = ""

    @property
    def regex(self) -> re.Pattern[str]:
        """Terminals break lines at any blank, and tools change the kind of quote."""
        held = self.pattern.replace("[^'\"]", "\0").replace("[^\\s'\"]", "\1")
        loose = held.replace("\\'", "'").replace("'", "['\"]").replace(" ?", r"\s*").replace(" ", r"\s+")
        return pattern_of(_FILE, self.id, loose.replace("\0", "[^'\"]").replace("\1", "[^\\s'\"]"))


@dataclass(frozen=True, slots=True)
class Wording:
    """Text that makes an extension's type likely."""

    pattern: str
    handler: str
    told_by: str

    def found_in(self, text: str) -> bool:
        return pattern_of(_FILE, self.handler, self.pattern).search(text) is not None


@dataclass(frozen=True, slots=True)
class Nickname:
    names: tuple[str, ...]
    handlers: tuple[str, ...]


def _all(key: str, kind: type[T]) -> tuple[T, ...]:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    found = []
    for number, row in enumerate(table("arm").get(key, ()), start=1):
        if unknown := set(row) - known:
            raise DataError(f"{_FILE}: {key} {number} has unknown keys: {', '.join(sorted(unknown))}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }
        kinds = {values.get("kind", "failure"), values.get("own_kind", "failure")}
        if kinds - set(get_args(Kind)) or values.get("owner", "unknown") not in get_args(Owner):
            raise DataError(f"{_FILE}: {key} {number} has an unknown kind or owner")
        try:
            found.append(kind(**values))
        except TypeError as error:
            raise DataError(f"{_FILE}: {key} {number}: {error}") from error
    return tuple(found)


@cache
def families() -> tuple[Family, ...]:
    """All sentences, in the order in which they are tried."""
    return _all("family", Family)


@cache
def wordings() -> tuple[Wording, ...]:
    return _all("wording", Wording)


@cache
def nicknames() -> tuple[Nickname, ...]:
    return _all("nickname", Nickname)


@cache
def platform_codes() -> dict[str, PlatformCode]:
    """The codes of `arm.toml`, and with less to say those of the table of exit codes."""
    found = {code.name: code for code in _all("code", PlatformCode)}
    for row in codes.errors_of("arm"):
        if re.fullmatch(r"[A-Za-z_]+", row.name):
            kind: Kind = "hang" if row.name.endswith("TimedOut") else "failure"
            told = PlatformCode(row.name, kind, "", "platform", row.meaning, row.remedy, row.source)
            found.setdefault(row.name, told)
    return found


def refusal(code: str, message: str) -> PlatformCode | None:
    """What a code means with this message, where the table tells a code's messages apart."""
    said = set(_words(message))
    for row in codes.errors_of("arm"):
        name, _, text = row.name.partition(": ")
        if text and name == code and said.issuperset(_words(text)):
            return PlatformCode(name, "refused", text, "unknown", row.meaning, row.remedy, row.source)
    return None


def _words(text: str) -> list[str]:
    """The words that carry a sentence's meaning."""
    return re.findall(r"[a-z]{4,}", text.lower())


def family(name: str) -> Family | None:
    """The sentence of this id."""
    return next((one for one in families() if one.id == name), None)
