"""What the extension said last: its message, exit code and operation out of the platform's sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from collector.diagnose.arm.values import Inner

_SAID = re.compile(r"(?P<system>system )?error\s+message:\s{0,4}(?P<quote>['\"])?", re.IGNORECASE)
_LAST = re.compile(r"The extension last reported {1,4}(?P<quote>['\"])", re.IGNORECASE)
_SILENT = re.compile(r"The extension did not report a message", re.IGNORECASE)
_EXCEPTION = re.compile(
    r"Detailed error: '(?P<detail>.{1,4000}?)'\.?(?= More information|$)", re.IGNORECASE | re.DOTALL
)
#: What the platform and its tools put behind the message.
_TAIL = re.compile(
    r"['\"]?\.?\s{0,20}(?:['\"]?\s{0,20}(?:Install|Enable|Update|Disable|Uninstall) handler failed for the extension\b"
    r"|Detailed error: '|More information (?:on|about) troubleshooting is available)",
    re.IGNORECASE,
)
#: What follows the full stop behind the quote where a tool goes on.
_CLOSED = r"\.(?=['\"\s]{0,20}[}\])]|\s{0,20}\n[ \t]{0,20}\n|\s{0,20}\n\s{1,20}at [\w.$<>]{1,200}\()"
_STATUS_CODE = re.compile(r"Error code: '(-?\d{1,10})'", re.IGNORECASE)
#: From what says whose code it is to what only says that there is one, which in a script's output may be any program's.
_OF_HANDLER = 4
_EXITS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"Non-zero exit code: ?(-?\d{1,10})",
        r"terminated with exit status[= ](-?\d{1,10})",
        r"non-zero exit code of: '(-?\d{1,10})'",
        r"\"ExitCode\": ?\"?(-?\d{1,10})|ExitCode: ?\|(-?\d{1,10})\|",
        r"(?:failed|exited|ended|finished|terminated) with (?:Exit )?code:? ?(-?\d{1,10})",
        r"(?:Install|Enable|Update|Disable|Uninstall),(?:failed|error),(-?\d{1,10}),",
        r"returned non-zero exit status (-?\d{1,10})",
        r"exit status[= ](-?\d{1,10})",
        r"\bexit ?code(?: is| was)?[:= ] ?'?(-?\d{1,10}|0x[0-9a-f]{8})\b",
    )
)
_OPERATIONS = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        (r"\b(Install|Enable|Update|Disable|Uninstall|Reset)(?:\s+handler)?\s+failed\b", 0),
        (r"\b(Install|Enable|Update|Disable|Uninstall),(?:failed|error),", re.IGNORECASE),
        (r"exit code: ?-?\d{1,10}, {1,4}[^\n]{1,400}?[ -](install|enable|update|disable|uninstall|reset)\b", 0),
        (r"Timeout\(\d+\)[^\n]{0,400}?[ -](install|enable|update|disable|uninstall|reset)\b", 0),
        (r"[\\/](install|enable|update|disable|uninstall)\.(?:cmd|ps1|sh|bat|exe|py)\b", re.IGNORECASE),
    )
)
#: The guest agent's codes that name an operation.
_BY_AGENT = {1007: "install", 1008: "update", 1009: "enable", 1010: "disable"}
_TIMEOUT = re.compile(r"Timeout\((?P<seconds>\d{1,6})\)")
_BLOCK = re.compile(r"\[(stdout|stderr)\]")
_GOOD = re.compile(
    r"(?<!not )\bsucce(?:eded|ss|ssful|ssfully)\b|\bexit code:? 0\b|\bINFO\b|\bVERBOSE\b"
    r"|\((?:deflated|stored) \d{1,3}%\)|\[\d+ bytes data\]|\bzip archive\b"  # logs put into an archive, curl -v
    r"|^Executed \\?\".{1,400}\" \d{1,3} times",  # AKS node setup, of a step that worked
    re.IGNORECASE,
)
_MORE_BAD = re.compile(
    r"unsupported|not supported|killed|abort|traceback|exception|must be|required|panic", re.IGNORECASE
)
_TRUNCATED = re.compile(r"(?<!Killing it)\.\.\.\s*(?:\[TRUNCATED\])?\s*$|…\s*$")
#: How AKS node setup ends the JSON around its output where it has no error text.
_NODE_END = re.compile(r"\"?, \"Error\": \"\", \"ExecDuration\": .*")
#: So many lines of output stand beside what was said.
_MOST_LINES = 12

Score = Callable[[str], int]


def inner_of(message: str, agent_code: int | None, score: Score, harmless: Callable[[str], bool]) -> Inner:
    """What was said. `score` tells how likely a line of output names the fault, `harmless` what is never one."""
    text, cut = _said(message)
    shown = _shown(text, score, harmless)
    status = _STATUS_CODE.search(message)
    limit = _TIMEOUT.search(text)
    detail = _EXCEPTION.search(message)
    whole = f"{text}\n{detail['detail']}" if detail and detail["detail"] not in text else text
    return Inner(
        message=shown,
        text=whole,
        operation=_operation(whole) or _operation(message) or _BY_AGENT.get(agent_code or 0, ""),
        exit_code=exit_code(whole),
        status_code=int(status[1]) if status else None,
        limit_seconds=int(limit["seconds"]) if limit else None,
        cut=cut,
    )


def exit_code(text: str) -> int | None:
    """The exit code that the text tells; what says whose it is goes before what only says that there is one."""
    head = _BLOCK.split(text, maxsplit=1)[0]
    for rank, pattern in enumerate(_EXITS):
        for found in pattern.finditer(text if rank < _OF_HANDLER else head):
            digits = next(group for group in found.groups() if group)
            number = int(digits, 16 if digits.lower().startswith("0x") else 10)
            if number != 0:
                return number
    return None


def _said(message: str) -> tuple[str, bool]:
    """The extension's own words in a sentence of the platform; all of it where no frame is known."""
    if _SILENT.search(message):
        return "", False
    last = _LAST.search(message)
    said = last or next((one for one in _SAID.finditer(message) if one["quote"] or one["system"]), None)
    said = said or _SAID.search(message)
    start = said.end() if said else 0
    tail = _TAIL.search(message, start)
    text = message[start : tail.start() if tail else len(message)].strip()
    quote = (said["quote"] if said else "") or ""
    if quote and not tail and (closed := re.search(re.escape(quote) + _CLOSED, text)):
        text = text[: closed.start() + 1]
    if last and quote in text:
        text = text[: text.rindex(quote)]
    ended = bool(tail or last) or (bool(quote) and re.search(re.escape(quote) + r"[.'\"\s]*$", text) is not None)
    if quote and not tail:
        text = re.sub(rf"{re.escape(quote)}\.?['\"]?\.?\s*$", "", text).rstrip()
    return text, bool(_TRUNCATED.search(text)) or (bool(quote) and not ended)


def _shown(text: str, score: Score, harmless: Callable[[str], bool]) -> str:
    """The head of what was said and the telling lines of the output below it."""
    if _BLOCK.search(text) is None:
        return text
    head, *blocks = _BLOCK.split(text)
    lines: list[str] = []
    last = ""
    for line in _lines(blocks, harmless):
        if score(line) > 0 or _MORE_BAD.search(line):
            lines.append(line)
        last = line
    chosen = lines[-_MOST_LINES:] or ([last] if last else [])
    return "\n".join(part for part in (head.strip(), *dict.fromkeys(chosen)) if part)


def _lines(blocks: list[str], harmless: Callable[[str], bool]) -> Iterator[str]:
    """The lines of stdout, then of stderr, that may tell something."""
    streams = sorted(zip(blocks[::2], blocks[1::2], strict=False), key=lambda block: block[0] == "stderr")
    for _, block in streams:
        for raw in block.split("\n"):
            line = _NODE_END.sub("", raw).strip()
            if line and not _GOOD.search(line) and not harmless(line):
                yield line


def _operation(text: str) -> str:
    for pattern in _OPERATIONS:
        if found := pattern.search(text):
            return found[1].lower()
    return ""
