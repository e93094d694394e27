"""What the exit code of a failure means, and the other numbers that it tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.diagnose import codes, voices
from collector.diagnose.by_signature import LONGEST
from collector.diagnose.commands import is_scripts_end
from collector.diagnose.meanings import code_title, told_apart
from collector.diagnose.named import tool_named
from collector.diagnose.rules import rule_for
from collector.diagnose.voices import Voice, script_owner
from collector.model import Cause, Confidence, Evidence, Failure, Identity, Owner

#: What `timeout` ends with when it has ended the command that it was given.
_TIMEOUT = 124
#: Whose fault it is where only a code of the system itself is known.
_OF_THE_GUEST = ("shell", "systemd", "timeout", "win32", "ntstatus", "hresult")


def by_code(failure: Failure, identity: Identity) -> Iterator[Voice]:
    """What the exit code means by itself; where it means several things and nothing tells them apart, all of them."""
    rows = _of_exit_code(failure, identity)
    if not rows:
        return
    several = len({row.meaning for row in _meant(rows, failure)}) > 1
    evidence = tuple(line for line in failure.evidence if line.role == "exit")[:1]
    yield _voice(rows, failure, identity, voices.ONE_OF_SEVERAL if several else voices.CODE, evidence)


def by_number(failure: Failure, identity: Identity) -> Iterator[Voice]:
    """Where neither a text nor the exit code explains it: the code of a tool that a line names, and of the status file.

    The status file's code is no exit code, and never told as one.
    """
    texts = [*failure.evidence, Evidence("", 0, failure.last_time, failure.detail[-LONGEST:])]
    for line in texts:
        for tool, code in tool_named(line.text):
            if rows := codes.of_tool(tool, code, identity.system):
                yield _voice(rows, failure, identity, voices.TOOL, (line,) if line.path else ())
    if failure.status_code:
        rows = codes.of_status(failure.extension, failure.status_code, failure.version)
        if rows := tuple(row for row in rows if row.severity != "info"):
            yield _voice(rows, failure, identity, voices.STATUS, failure.evidence[:1])


def _of_exit_code(failure: Failure, identity: Identity) -> tuple[codes.CodeRow, ...]:
    """The rows that can be meant: those of the extension's own handler, else of the shell or of Windows."""
    code = failure.exit_code
    if code is None or code == 0 or failure.kind == "hang":
        return ()
    rows: tuple[codes.CodeRow, ...] = ()
    if not is_scripts_end(failure):
        rows = codes.of_extension(failure.extension, identity.system, code, failure.version, failure.operation)
    if not rows and identity.system == "linux":
        rows = codes.of_shell(code) or (codes.of_tool("timeout", code) if code == _TIMEOUT else ())
    if not rows and identity.system == "windows" and not 0 <= code <= 255:
        rows = codes.of_windows(code)
        rows = tuple(row for row in rows if row.scope == rows[0].scope)  # one number, in the words of several families
    return rows


def _meant(rows: Sequence[codes.CodeRow], failure: Failure) -> list[codes.CodeRow]:
    """What is only common practice counts where the source says nothing surer."""
    surer = [row for row in rows if row.confidence != "convention"]
    return told_apart(surer or rows, f"{failure.message}\n{failure.detail}")


def _voice(
    rows: Sequence[codes.CodeRow], failure: Failure, identity: Identity, weight: float, evidence: tuple[Evidence, ...]
) -> Voice:
    chosen = _meant(rows, failure)
    row = chosen[0]
    several = len({one.meaning for one in chosen}) > 1
    meaning = "One of: " + " / ".join(one.meaning for one in chosen[:3]) if several else row.meaning
    rule = rule_for(failure.extension, identity.system, code=f"{row.scope}:{row.code}")
    owner: Owner = "guest" if row.scope in _OF_THE_GUEST else "extension"
    sure: Confidence = "low" if several or row.confidence not in voices.SURE else "medium"
    again = " Trying again may help." if row.transient and not several else ""
    cause = Cause(
        id=rule.id if rule else f"code-{row.scope.rpartition('.')[2].lower()}-{row.code}",
        title=rule.title if rule else code_title(row),
        owner=script_owner(failure, rule.owner if rule else owner, rule),
        confidence=sure,
        meaning=meaning,
        remedy=row.remedy + again,
        documentation=row.source,
        evidence=evidence,
    )
    return Voice("code", weight, cause, rule)
