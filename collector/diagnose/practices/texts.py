"""Practices that are seen to be violated by a pattern in a text: outputs, logs, scripts, commands, failures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from collector.data.practices import Place, Sign, signs
from collector.diagnose.practices.case import Case, Found, violated
from collector.diagnose.practices.material import Text

_OFTEN = 3
_DAY = timedelta(days=1)
_LONGEST_LINE, _LONGEST_QUOTE = 4_000, 100  # characters
#: Of a handler that goes on and on, only what it said after this counts for its end.
_WELL_AGAIN = "committed health state is healthy"


def seen(case: Case, practice: str) -> Found | None:
    """The first sign of a practice in the texts of an operation, or of the machine."""
    for sign in signs().get(practice, ()):
        if not _counts(sign, case):
            continue
        for text in _texts(case, sign.places):
            lowered = text.text.lower()
            if any(word in lowered for word in sign.words) and (found := _found(sign, text)) is not None:
                return found
    return None


def looked_at(case: Case, practice: str) -> bool:
    """Whether there is any text in which a sign of the practice could stand."""
    return any(True for sign in signs().get(practice, ()) for _ in _texts(case, sign.places))


def is_over(case: Case, practice: str) -> bool:
    """Whether it ended well, and nothing counts then."""
    return case.succeeded and not any(_counts(sign, case) for sign in signs().get(practice, ()))


def _counts(sign: Sign, case: Case) -> bool:
    status = case.operation.status
    return {
        "always": True,
        "often": True,
        "failed": case.failed,
        "rerun": case.failed and case.operation.earlier,
        "unfinished": case.unfinished,
        "succeeded": case.status == "success",
        "stale": status is not None and status.time is not None and case.now - status.time > _DAY
        if case.now.tzinfo
        else False,
    }[sign.when]


def _found(sign: Sign, text: Text) -> Found | None:
    code = _short_lines(_code(text))
    matches = sign.find(code)
    if len(matches) < (_OFTEN if sign.when == "often" else 1):
        return None
    at = matches[0].start() + len(matches[0][0]) - len(matches[0][0].lstrip())
    line = text.first_line + code.count("\n", 0, at) if text.first_line else 0
    if text.place == "command":  # a value of a setting
        return violated(f"{sign.detail} (the command in the public settings)", text.path, line)
    return violated(f"{sign.detail}: {_quote(text.text, code, at)}", text.path, line)


def _short_lines(text: str) -> str:
    """Patterns that go on to a line's end take long on endless lines."""
    if len(text) <= _LONGEST_LINE:
        return text
    return "\n".join(line[:_LONGEST_LINE] for line in text.split("\n"))


def _code(text: Text) -> str:
    if text.place not in ("script", "command"):
        return text.text
    from collector.diagnose.practices.code import code_of, command_code

    if text.place == "script":
        return code_of(text.path, text.text)
    return command_code(text.text)


def _quote(text: str, code: str, at: int) -> str:
    """The line as it stands in the file, short: of a long one what begins with the sign."""
    lines = text.split("\n")
    number = code.count("\n", 0, at)
    line = " ".join(lines[number].split()) if number < len(lines) else ""
    sign = code[at:].split("\n", 1)[0]
    if len(line) > _LONGEST_QUOTE and sign.strip() and (begin := line.find(" ".join(sign.split()))) > 0:
        line = f"...{line[begin:]}"
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE].rstrip()}..."


def _texts(case: Case, places: Iterable[Place]) -> Iterator[Text]:
    for place in places:
        if place == "failure":
            yield from _failures(case)
        elif place == "command":
            command = case.setting("commandToExecute")
            if isinstance(command, str):
                yield Text(case.settings_path, "command", command, 0)
        elif place == "script":
            for script in case.operation.scripts:
                yield Text(script.path, "script", script.text)
        elif place == "agent-log":
            yield from case.material.agent_logs if not case.operation.extension else ()
        elif place == "log-end":
            yield from (_end(text) for text in case.texts("log"))
        else:
            yield from case.texts(place)


def _failures(case: Case) -> Iterator[Text]:
    """What failures tell: their lines, then the whole text around them."""
    for failure in case.failures:
        if failure.kind != "warning":
            for line in failure.evidence:
                yield Text(line.path, "failure", line.text, line.line)
            yield Text("", "failure", failure.detail, 0)


def _end(text: Text) -> Text:
    cut = text.text.lower().rfind(_WELL_AGAIN)
    if cut < 0:
        return text
    line = text.first_line + text.text.count("\n", 0, cut) if text.first_line else 0
    return Text(text.path, text.place, text.text[cut + len(_WELL_AGAIN) :], line)
