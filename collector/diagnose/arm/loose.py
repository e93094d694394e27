"""Codes and messages in text that is no JSON: quoted by hand, escaped too often or not enough, cut, printed by tools.

The text is gone through once. A key such as `Code=` or `"message":` or a sentence of the platform begins something;
a message lasts to the quote that matches the one it began with, or to where a tool begins something else.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from collector.diagnose.arm.escapes import decoded
from collector.diagnose.arm.knowledge import families, platform_codes
from collector.diagnose.arm.values import Quoted

#: More of one kind are not looked at in one piece of text.
_MOST = 400
#: A message of the platform is shorter.
_LONGEST = 200_000
_CODE = re.compile(
    r"(?<![\w-])(?P<key>[Ee]rror ?[Cc]ode|ERROR CODE|[Ss]ub[Cc]ode|Azure Error|[Cc]ode|Status)"
    r"\\{0,64}[\"']?\*{0,2}\s*[:=]\s*\\{0,64}[\"']?\*{0,2}\s?(?P<code>[A-Z][A-Za-z]{3,80})(?![\w/])"
)
_IN_BRACKETS = re.compile(r"(?:^|: |\| |\n)\s{0,40}\((?P<code>[A-Z][A-Za-z]{3,80})\)(?=\s)")
#: A code that is known needs no key where something follows it.
_NAMED = re.compile(r"(?<![\w.\"'/=-])(?P<code>[A-Z][A-Za-z]{5,80})(?=\s{0,3}(?::|->|>|-)\s)")
_MESSAGE = re.compile(
    r"(?<![\w-])(?<!rror )(?:[Ee]rrorMessage|[Mm]essage)\\{0,64}[\"']?\*{0,2}\s*[:=]\*{0,2}\s*(?P<quote>\\{0,64}[\"'])?"
)
#: The portal puts the code behind the message.
_BRACKETED = re.compile(r"\((?=Code: ?[A-Z][A-Za-z]{3,80}\b)")
_NESTED = re.compile(r"\s*(?:\[\s*)?\{")
#: So near before a sentence a code belongs to it.
_NEAR = 60
_CAMEL = re.compile(r"(?:[A-Z]+[a-z]+){2,}[A-Z]*")
#: Where tools begin something else, so that a message without an end of its own ends.
_LABELS = (
    "Code|Message|ErrorCode|ErrorMessage|ErrorTarget|StartTime|EndTime|Error Code|Exception Details|Activity Id|Target"
    "|Inner ?Errors?|Details|Additional ?Info|Additional details|StatusCode|ReasonPhrase|OperationID|Correlation ?ID"
    "|AKSTeam"
)
_BOUNDARY = re.compile(
    rf"\n(?:[EWIF]\d{{4}} \d\d:\d\d|[ \t]{{0,80}}(?:{_LABELS})[ \t]{{0,80}}:"
    r"|(?:At|Au) (?:line:|[A-Z]:\\|caract)|[ \t]{0,80}\+ (?:CategoryInfo|FullyQualified|~~)|\S{10,40}Z ##\["
    r"|[A-Z][a-z]+-Az\w{2,60} : |Terraform does not|[ \t]{0,80}(?:on|with) \S{1,200},?\s|ERROR: |PS [A-Z]:\\"
    r"|\s{0,80}\Z)"
)
#: What may follow the quote that ends a message.
_AFTER = (
    r"(?=\s{0,40}(?:[,;}\])]|$|\\{0,64}[\"']?\s{0,40}[,}\]]|Target=|Details=|InnerError=)"
    r"|[ \t]{0,40}\n\s{0,200}(?:[}\])+]|$|At |Au |[A-Z]\w{2,30}:|[EWIF]\d{4} |\n|Terraform |ERROR))"
)
_SIBLING = re.compile(r"\\{0,64}[\"']?\s*,\s*\\{0,64}[\"']?|\W{0,4}\(")


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    code: str = ""
    quote: str = ""
    keyed: bool = False  # a message with a key; else a sentence
    inner: bool = False  # a sentence that stands inside another one's message


def pairs(text: str, depth: int = 0) -> Iterator[Quoted]:
    """Every code with its message, every sentence without a code; wrappers count as one level more."""
    position, code = 0, ""
    waiting: tuple[str, int] | None = None  # a message whose code may follow it, and where it ended
    tokens = _tokens(text)
    sentences = _sentences(tokens)
    for token in tokens:
        if token.start < position:
            continue
        if token.code:
            if waiting and not code and _SIBLING.fullmatch(text, waiting[1], token.start):
                yield Quoted(token.code, waiting[0], depth)
                depth, waiting = depth + _wraps(token.code), None
            else:
                yield from _alone(waiting, depth)
                if code:
                    yield Quoted(code, "", depth)
                    depth += _wraps(code)
                code, waiting = token.code, None
            position = token.end
            continue
        message, position = _message(text, token, sentences)
        if code:
            yield Quoted(code, message, depth)
            depth, code = depth + _wraps(code), ""
        else:
            yield from _alone(waiting, depth)
            waiting = (message, position)
    yield from _alone(waiting, depth)
    if code:
        yield Quoted(code, "", depth)


def named(text: str) -> Iterator[Quoted]:
    """Codes that are only named somewhere, each once."""
    words = [text.strip(), *(word[0] for word in islice(_CAMEL.finditer(text), _MOST))]
    yield from (Quoted(word, "") for word in dict.fromkeys(words) if word in platform_codes())


def is_sentence(text: str) -> bool:
    """Whether a sentence of the platform stands in the text."""
    return any(family.regex.search(text) for family in families())


def is_code(word: object) -> bool:
    """Whether a word looks like a code of the platform."""
    return isinstance(word, str) and (word in platform_codes() or _CAMEL.fullmatch(word) is not None)


def _alone(waiting: tuple[str, int] | None, depth: int) -> Iterator[Quoted]:
    if waiting and is_sentence(waiting[0]):
        yield Quoted("", waiting[0], depth)


def _wraps(code: str) -> int:
    known = platform_codes().get(code)
    return int(known is not None and known.kind == "wrapper")


def _tokens(text: str) -> list[_Token]:
    codes = [*islice(_CODE.finditer(text), _MOST), *islice(_IN_BRACKETS.finditer(text), _MOST)]
    found = [_Token(one.start(), one.end(), code=one["code"]) for one in codes if _is_told(one)]
    named = (one for one in _NAMED.finditer(text) if one["code"] in platform_codes())
    found += [_Token(one.start(), one.end(), code=one["code"]) for one in islice(named, _MOST)]
    found += [
        _Token(one.start(), one.end(), quote=one["quote"] or "", keyed=True)
        for one in islice(_MESSAGE.finditer(text), _MOST)
    ]
    for family in families():
        matches = islice(family.regex.finditer(text), _MOST)
        found += [_Token(one.start(), one.start(), inner=family.inner) for one in matches]
    return sorted(found, key=lambda token: (token.start, not token.keyed))


def _sentences(tokens: list[_Token]) -> list[tuple[int, int]]:
    """Where sentences begin, each with where what belongs to it begins: a code may stand right before it."""
    found = []
    code: _Token | None = None
    for token in tokens:
        if token.code:
            code = token
        elif not token.keyed and not token.inner:
            near = code is not None and token.start - code.end <= _NEAR
            found.append((token.start, code.start if code and near else token.start))
    return found


def _is_told(found: re.Match[str]) -> bool:
    """Terraform has the code under `Status`, where others have words that are none."""
    known = found["code"] in platform_codes()
    return known if found.groupdict().get("key") == "Status" else is_code(found["code"])


def _message(text: str, token: _Token, sentences: list[tuple[int, int]]) -> tuple[str, int]:
    """The message that begins with the token, decoded, and where it ends: at the latest before another sentence."""
    if token.keyed and _NESTED.match(text, token.end):
        return "", token.end
    limit = min(len(text), token.end + _LONGEST)
    closing = _closing(token.quote).search(text, token.end, limit) if token.quote else None
    boundary = _BOUNDARY.search(text, token.end, limit)
    end = closing.start() if closing else boundary.start() if boundary else limit
    if closing is None:
        own = bisect_left(sentences, (token.start, 0))
        end = min([end, *(begin for _, begin in sentences[own + 1 : own + 2] if begin > token.end)])
    if closing is None and (bracket := _BRACKETED.search(text, token.end, end)):
        end = bracket.start()
    message = text[token.end : end]
    escaped = "\\" in token.quote or '\\"' in message or "\\n" in message or "\\'" in message
    return (decoded(message) if escaped else message).strip(), end


def _closing(quote: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\\)" + re.escape(quote) + _AFTER)
